# WB107 is seen by: source, run
import torch
from torch.nn import Conv2d, Dropout2d, Flatten, Linear, Module, ReLU6, Sequential, functional


class Small(Module):
    def __init__(self, probability):
        super().__init__()
        self.body = Sequential(
            Conv2d(1, 4, 3),
            ReLU6(),
            Dropout2d(prob=probability),  # <- WB107
        )
        self.head = Sequential(Flatten(), Linear(4 * 4 * 4, 2))

    def forward(self, images):
        return self.head(self.body(images))


torch.manual_seed(3)
small = Small(0.1)
optimizer = torch.optim.SGD(small.parameters(), lr=0.01)
for _ in range(3):
    images, labels = torch.randn(8, 1, 6, 6), torch.randint(2, (8,))
    optimizer.zero_grad()
    functional.cross_entropy(small(images), labels).backward()
    optimizer.step()
