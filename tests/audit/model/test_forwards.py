"""Which forwards depend on the mode."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit.model.forwards import depends_on_mode


class Drops(nn.Module):
    def forward(self, x):
        x = F.dropout(x, 0.5, training=self.training)
        x = F.dropout(x, 0.5, self.training)
        return F.scaled_dot_product_attention(x, x, x, dropout_p=0.1 if self.training else 0.0)


class EndsOtherwise(nn.Module):
    def forward(self, x):
        if not self.training:
            x = x.softmax(1)
        return x


class Chooses(nn.Module):
    def forward(self, x):
        return x if self.training else F.dropout(x, training=self.training)


class Hands(nn.Module):
    def forward(self, x):
        return self.ended(x, self.training)

    def ended(self, x, training):
        return x if training else x.softmax(1)


class Speaks(nn.Module):
    def forward(self, x):
        """Return what training needs."""
        return x


class Written(nn.Module):
    forward = lambda self, x: x if self.training else x.softmax(1)  # noqa: E731


made = {"nn": nn}
exec("class Unread(nn.Module):\n    def forward(self, x):\n        return self.training", made)


@pytest.mark.parametrize("module", [Drops, Speaks, nn.Linear, made["Unread"]])
def test_dropouts_need_the_mode_and_other_text_is_no_matter(module):
    assert not depends_on_mode(module)


@pytest.mark.parametrize("module", [EndsOtherwise, Chooses, Hands, Written])
def test_every_other_use_may_change_the_output(module):
    assert depends_on_mode(module)


def test_what_has_no_text_is_not_read():
    traced = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2)))
    assert not depends_on_mode(type(traced))
