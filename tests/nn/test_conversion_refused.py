"""What convert_sync_batchnorm would lose, it refuses to convert, and converts nothing."""

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentError


class NormThenReLU(torch.nn.BatchNorm2d):
    def forward(self, input):
        return super().forward(input).relu()


def parametrized():
    layer = torch.nn.BatchNorm2d(3)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", torch.nn.Softplus())
    return layer


@pytest.mark.parametrize("odd", [lambda: NormThenReLU(3), parametrized], ids=["forward", "weights"])
def test_a_batch_norm_with_behaviour_of_its_own_is_not_converted(odd):
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(3), odd())
    with pytest.raises(ArgumentError, match=r"^1 is a .* whose own behaviour would be lost"):
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert type(model[0]) is torch.nn.BatchNorm2d
