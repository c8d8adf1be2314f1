# WB103 is seen by: source, run
import torch
from torch import nn


class Pyramid(nn.Module):
    def __init__(self, widths=(6, 12, 6), rates=(0.1, 0.2)):
        super().__init__()
        self.stem = nn.Linear(4, widths[0])
        self.down = nn.Linear(widths[0], widths[1])
        self.up = nn.Linear(widths[1], widths[2])
        self.drop_down = nn.Dropout(rates[0]) if rates[0] else nn.Identity()
        self.drop_up = nn.Dropout(rates[1]) if rates[1] else nn.Identity()
        self.out = nn.Linear(widths[2], 2)

    def encode(self, x):
        x = torch.tanh(self.stem(x))
        return self.drop_down(torch.tanh(self.down(x)))

    def decode(self, code):
        return self.drop_up(torch.tanh(self.up(code)))

    def forward(self, x):
        return self.out(self.decode(self.encode(x)))


torch.manual_seed(3)
net = Pyramid()
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
data = torch.utils.data.TensorDataset(torch.randn(24, 4), torch.randint(2, (24,)))
for inputs, labels in torch.utils.data.DataLoader(data, batch_size=8):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(inputs), labels)
    loss.backward()
    optimizer.step()
