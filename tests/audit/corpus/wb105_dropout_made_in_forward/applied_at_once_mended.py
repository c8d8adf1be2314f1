# WB105 is seen by: source, run
import torch
import torch.nn as nn


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 12)
        self.act = nn.ELU()
        self.drop = nn.Dropout(p=0.2)
        self.out = nn.Linear(12, 1)

    def forward(self, x):
        h = self.act(self.hidden(x))
        h = self.drop(h)
        return self.out(h)


torch.manual_seed(0)
x = torch.randn(32, 3)
y = x.sum(dim=1, keepdim=True)
model = Regressor()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(4):
    model.train()
    optimizer.zero_grad()
    ((model(x) - y) ** 2).mean().backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        error = ((model(x) - y) ** 2).mean().item()
