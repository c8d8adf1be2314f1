# WB202 is seen by: model, run
import torch
from torch import nn


def load_backbone():
    """A part from elsewhere; it comes in evaluation mode."""
    backbone = nn.Sequential()
    backbone.add_module("conv", nn.Conv2d(3, 8, 3, padding=1, bias=False))
    backbone.add_module("norm", nn.BatchNorm2d(8))
    backbone.add_module("act", nn.ReLU())
    backbone.eval()
    return backbone


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = load_backbone()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8, 5)

    def forward(self, images):
        return self.head(self.pool(self.backbone(images)).flatten(1))


class Fitter:
    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer

    def step(self, images, targets):
        self.optimizer.zero_grad()
        nn.functional.mse_loss(self.model(images), targets).backward()
        self.optimizer.step()


torch.manual_seed(2)
model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
fitter = Fitter(model, optimizer)
for _ in range(3):
    fitter.step(torch.rand(4, 3, 8, 8), torch.rand(4, 5))
