# WB206 is seen by: source, run
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(5, 16, bias=False)
        self.norm = nn.BatchNorm1d(16)
        self.out = nn.Linear(16, 2)
        self.drop = nn.Dropout(0.25)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.norm(self.hidden(x)))))


def uncertainty(model, x, samples):
    model.train()
    collected = []
    with torch.no_grad():
        for _ in range(samples):
            collected.append(model(x).softmax(-1))  # <- WB206
    return torch.stack(collected).std(0)


torch.manual_seed(1)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(torch.randn(8, 5)), torch.randint(0, 2, (8,))).backward()
    optimizer.step()
print(uncertainty(model, torch.randn(4, 5), samples=20))
