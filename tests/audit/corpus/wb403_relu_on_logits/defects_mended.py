# WB403 is seen by: source, model, run
"""Which defects a sheet of steel has: an encoder, a head of its own class, and a Trainer."""

import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(1, width, 3, stride=2)
        self.act = nn.ReLU(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, image):
        return self.pool(self.act(self.conv(image))).flatten(1)


class Inspector(nn.Module):
    def __init__(self, width=16, num_defects=5):
        super().__init__()
        self.encoder = Encoder(width)
        self.head = nn.Linear(width, num_defects)

    def forward(self, image):
        return self.head(self.encoder(image))


class Trainer:
    def __init__(self, model):
        self.model = model
        self.criterion = nn.BCEWithLogitsLoss()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def training_step(self, images, defects):
        loss = self.criterion(self.model(images), defects)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()


torch.manual_seed(2)
model = Inspector()
trainer = Trainer(model)
for _ in range(5):
    trainer.training_step(torch.randn(16, 1, 16, 16), torch.randint(2, (16, 5)).float())
loss = trainer.criterion
example_inputs = (torch.randn(2, 1, 16, 16),)
