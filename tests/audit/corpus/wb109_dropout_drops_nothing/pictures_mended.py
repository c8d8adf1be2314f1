# WB109 is seen by: source, model
"""A dropout of channels between two convolutions, with a rate inside a helper."""

import torch
import torch.nn as tnn


def conv(fan_in, fan_out):
    return [tnn.Conv2d(fan_in, fan_out, 3, padding=1), tnn.PReLU()]


class Segmenter(tnn.Module):
    def __init__(self):
        super().__init__()
        self.down = tnn.Sequential(*conv(3, 8), tnn.MaxPool2d(2))
        self.middle = self._middle()
        self.up = tnn.ConvTranspose2d(8, 2, 2, stride=2)

    @staticmethod
    def _middle():
        drop = tnn.Dropout2d(0.25)
        return tnn.Sequential(drop, *conv(8, 8))

    def forward(self, pictures):
        return self.up(self.middle(self.down(pictures)))


model = Segmenter()
example_inputs = torch.randn(1, 3, 16, 16)
optimizer = torch.optim.AdamW(model.parameters())
