# WB104 is seen by: source
import torch.nn.functional as F
from torch import Tensor, nn


class Tower(nn.Module):
    def __init__(self, channels: int, depth: int, p: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1) for _ in range(depth)
        )
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        for index, block in enumerate(self.blocks):
            branch = F.silu(block(x))
            if index > 0:
                branch = F.dropout2d(branch, self.p, training=self.training)
            x = x + branch
        F.silu(x, inplace=True)
        F.dropout(x, self.p, self.training, inplace=True)
        return x
