# WB303 is seen by: model
"""Features of the whole picture, as in DeepLab: pooled to one pixel, then normalised."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    def __len__(self):
        return 9

    def __getitem__(self, index):
        return torch.randn(3, 16, 16), torch.zeros(16, 16, dtype=torch.long)


class ImagePooling(nn.Sequential):
    def __init__(self, channels_in, channels_out):
        super().__init__(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels_in, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
        )

    def forward(self, x):
        size = x.shape[-2:]
        return F.interpolate(super().forward(x), size=size, mode="nearest")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.context = ImagePooling(8, 8)
        self.classes = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)))
        return self.classes(torch.cat([x, self.context(x)], dim=1))


model = Net()
example_inputs = torch.randn(2, 3, 16, 16)
loader = DataLoader(Pictures(), batch_size=3)
