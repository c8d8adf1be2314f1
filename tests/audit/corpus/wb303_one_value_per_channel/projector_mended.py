# WB303 is seen by: run
"""One picture at a time, which the convolutions can take, and the projector cannot."""

import torch


class Encoder(torch.nn.Module):
    def __init__(self, dim: int = 8):
        super().__init__()
        self.backbone = torch.nn.Conv2d(1, dim, 3, bias=False)
        self.backbone_norm = torch.nn.BatchNorm2d(dim)
        self.projector = torch.nn.ModuleDict(
            {
                "hidden": torch.nn.Linear(dim, dim, bias=False),
                "norm": torch.nn.BatchNorm1d(dim),
                "out": torch.nn.Linear(dim, 4),
            }
        )

    def forward(self, image):
        features = self.backbone_norm(self.backbone(image)).relu().mean((2, 3))
        hidden = self.projector["norm"](self.projector["hidden"](features))
        return self.projector["out"](hidden.relu())


def main(batch_size: int = 1) -> None:
    encoder = Encoder().train()
    optimizer = torch.optim.Adam(encoder.parameters())
    for images in torch.rand(8, 1, 8, 8).split(batch_size):
        optimizer.zero_grad()
        encoder(images).pow(2).sum().backward()
        optimizer.step()


main(batch_size=4)
