"""Layers as other libraries write them: small, with their names, modules and attributes."""

import torch
from torch import nn


def of(module, name=None):
    """Give a class the module, and the name, that it has elsewhere."""

    def rename(cls):
        cls.__module__ = module
        cls.__name__ = cls.__qualname__ = name or cls.__name__
        return cls

    return rename


def mask(input, p, shape):
    return torch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1 - p)


@of("timm.layers.drop", "DropPath")
class TimmDropPath(nn.Module):
    def __init__(self, drop_prob=0.0, scale_by_keep=True):
        super().__init__()
        self.drop_prob, self.scale_by_keep = drop_prob, scale_by_keep

    def forward(self, x):
        if self.drop_prob == 0.0 or not self.training:
            return x
        kept = mask(x, self.drop_prob, (x.shape[0],) + (1,) * (x.ndim - 1))
        return x * kept / (1 - self.drop_prob) if self.scale_by_keep else x * kept


@of("transformers.models.beit.modeling_beit")
class BeitDropPath(nn.Module):
    def __init__(self, drop_prob=None):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, hidden_states):
        if not self.drop_prob or not self.training:
            return hidden_states
        shape = (hidden_states.shape[0],) + (1,) * (hidden_states.ndim - 1)
        keep = 1 - self.drop_prob
        return hidden_states.div(keep) * (keep + torch.rand(shape)).floor()


@of("torchvision.ops.stochastic_depth")
class StochasticDepth(nn.Module):
    def __init__(self, p, mode):
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, input):
        if self.p == 0.0 or not self.training:
            return input
        size = input.shape[0] if self.mode == "row" else 1
        kept = mask(input, self.p, [size] + [1] * (input.ndim - 1))
        return input * kept.div_(1 - self.p)


@of("timm.layers.norm_act", "BatchNormAct2d")
class TimmBatchNormAct2d(nn.BatchNorm2d):
    def __init__(self, num_features, act=None, drop=None):
        super().__init__(num_features)
        self.drop = drop or nn.Identity()
        self.act = act or nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.drop(super().forward(x)))
