# WB105 is seen by: source, run
import torch
from torch import nn
from torch.nn import Dropout, Linear, Module, functional


class Encoder(Module):
    def __init__(self, rate):
        super().__init__()
        self.rate = rate
        self.layers = nn.ModuleList([Linear(5, 10), Linear(10, 10)])
        self.drop = Dropout(rate)

    def forward(self, x):
        drop = self.drop
        for layer in self.layers:
            x = drop(functional.gelu(layer(x)))
        return x


class Task(Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(rate=0.15)
        self.classifier = Linear(10, 4)

    def forward(self, x):
        return self.classifier(self.encoder(x))

    def training_step(self, batch):
        inputs, labels = batch
        return functional.cross_entropy(self(inputs), labels)


torch.manual_seed(1)
task = Task()
optimizer = torch.optim.Adam(task.parameters(), lr=1e-3)
for _ in range(4):
    loss = task.training_step((torch.randn(16, 5), torch.randint(4, (16,))))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
