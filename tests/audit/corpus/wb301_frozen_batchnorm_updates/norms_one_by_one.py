# WB301 is seen by: model, run
"""A segmentation network is fine-tuned on small batches, its batch norms switched off."""

import torch
from torch import nn


def conv_norm_act(channels_in, channels_out):
    yield nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    yield nn.BatchNorm2d(channels_out)
    yield nn.LeakyReLU(0.1)


class Segmenter(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down = nn.Sequential(*conv_norm_act(1, width))
        self.up = nn.Sequential(*conv_norm_act(width, width))
        self.mask = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        return self.mask(self.up(self.down(x)))


def freeze_bn(module):
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.weight.requires_grad_(False)
        module.bias.requires_grad_(False)


class Finetuner:
    def __init__(self, net):
        self.net = net
        self.net.train()
        self.net.apply(freeze_bn)
        trainable = [p for p in net.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(trainable, lr=1e-3)
        self.criterion = nn.BCEWithLogitsLoss()

    def fit(self, batches):
        for image, mask in batches:
            loss = self.criterion(self.net(image), mask)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()


model = Segmenter()
Finetuner(model).fit(
    [(torch.randn(4, 1, 8, 8) + 2, (torch.rand(4, 1, 8, 8) > 0.5).float()) for _ in range(5)]
)
