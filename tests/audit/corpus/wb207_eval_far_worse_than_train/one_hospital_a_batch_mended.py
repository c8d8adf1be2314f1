# WB207 is seen by: run
"""The scans of all scanners are shuffled before they are put into batches."""

import torch
from torch import nn

torch.manual_seed(1)
signal = torch.randn(4, 12) * 1.5


def scans(number):
    offset = 6 * torch.randn(1, 12)
    kind = torch.randint(4, (number,))
    return signal[kind] + torch.randn(number, 12) + offset, kind


parts = [scans(32) for _ in range(120)]
data = torch.utils.data.TensorDataset(*map(torch.cat, zip(*parts, strict=True)))
loader = torch.utils.data.DataLoader(data, batch_size=32, shuffle=True)

model = nn.Sequential(
    nn.Linear(12, 48),
    nn.BatchNorm1d(48),
    nn.ReLU(),
    nn.Linear(48, 48),
    nn.BatchNorm1d(48),
    nn.ReLU(),
    nn.Linear(48, 4),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for scan, kind in loader:
    optimizer.zero_grad(set_to_none=True)
    loss = criterion(model(scan), kind)
    loss.backward()
    optimizer.step()
