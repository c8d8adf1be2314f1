# WB105 is seen by: source, run
import torch
from torch import nn


def block(x, layer, drop):
    return drop(torch.tanh(layer(x)))


class Stack(nn.Module):
    def __init__(self, width=7):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(width, 2)

    def forward(self, x):
        x = block(x, self.first, self.drop)
        x = block(x, self.second, self.drop)
        return self.last(x)


torch.manual_seed(3)
stack = Stack()
optimizer = torch.optim.SGD(stack.parameters(), lr=0.1)
for _ in range(4):
    optimizer.zero_grad()
    nn.functional.cross_entropy(stack(torch.randn(8, 7)), torch.randint(2, (8,))).backward()
    optimizer.step()
