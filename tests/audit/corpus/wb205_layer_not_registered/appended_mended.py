# WB205 is seen by: source, model, run
import torch
from torch import nn, optim


class Pyramid(nn.Module):
    """Convolutions at several scales; the results are added."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        stages = []
        for level in range(levels):
            stages.append(self._stage(channels, 2**level))
        self.stages = nn.ModuleList(stages)
        self.head = nn.Linear(channels, 2)

    @staticmethod
    def _stage(channels: int, dilation: int) -> nn.Module:
        conv = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.SiLU())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.stem(images)
        summed = sum(stage(features) for stage in self.stages)
        return self.head(summed.mean((2, 3)))


torch.manual_seed(3)
model = Pyramid(channels=4, levels=2)
optimizer = optim.AdamW(model.parameters())
images = torch.rand(4, 1, 10, 10)
for _ in range(3):
    optimizer.zero_grad(set_to_none=True)
    model(images).logsumexp(1).mean().backward()
    optimizer.step()
