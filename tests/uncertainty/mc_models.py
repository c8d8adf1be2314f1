"""Models that drop in every way there is."""

from torch import nn
from torch.nn import functional as torch_functional

from wolfsbane import functional as F
from wolfsbane import nn as ours


class Functional(nn.Module):
    """Drops by torch's function, as most models do that do not use the layer."""

    def __init__(self):
        super().__init__()
        self.p = 0.3
        self.before, self.after = nn.Linear(6, 32), nn.Linear(32, 3)

    def forward(self, x):
        hidden = self.before(x).relu()
        return self.after(torch_functional.dropout(hidden, self.p, self.training))


class OursFunctional(Functional):
    def forward(self, x):
        return self.after(F.dropout(self.before(x).relu(), self.p, self.training))


class Attention(nn.Module):
    """Hands its rate to attention only in training mode."""

    def __init__(self):
        super().__init__()
        self.attention_dropout = 0.3
        self.inward, self.outward = nn.Linear(6, 24), nn.Linear(8, 3)

    def forward(self, x):
        q, k, v = (self.inward(x).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)).unbind(0)
        rate = self.attention_dropout if self.training else 0.0
        y = torch_functional.scaled_dot_product_attention(q, k, v, dropout_p=rate, is_causal=True)
        return self.outward(y.transpose(1, 2).flatten(2)).mean(1)


class SelfAttention(nn.Module):
    def __init__(self, need_weights):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, dropout=0.3, batch_first=True)
        self.need_weights = need_weights

    def forward(self, x):
        return self.attention(x, x, x, need_weights=self.need_weights)[0].mean(1)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.net = kind(6, 8, num_layers=3, dropout=0.4, batch_first=True, **options)

    def forward(self, x):
        return self.net(x)[0][:, -1]


class Gated(nn.Module):
    """Drops by hand, in training mode only, as timm's DropPath does."""

    def __init__(self):
        super().__init__()
        self.branch, self.drop = nn.Linear(6, 6), DropPath(0.4)

    def forward(self, x):
        return x + self.drop(self.branch(x))


class DropPath(nn.Module):
    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if not self.training:
            return x
        kept = x.new_empty(x.shape[0], *(1,) * (x.dim() - 1)).bernoulli_(1 - self.drop_prob)
        return x * kept / (1 - self.drop_prob)


class AddedBranch(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch, self.add = nn.Linear(6, 6), ours.DropoutAdd(0.4)

    def forward(self, x):
        return self.add(self.branch(x), x)


def encoder(**options):
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.2, batch_first=True, **options)
    return nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(40, 3))


def around(layer, features=6):
    """Return a network with a dropout layer in it."""
    return nn.Sequential(nn.Linear(features, features), layer, nn.Linear(features, 3))


class Called(nn.Module):
    """Calls a function of ours between two layers, with training=False, as evaluation would."""

    def __init__(self, name, *args, **options):
        super().__init__()
        self.before, self.after = nn.Linear(6, 6), nn.Linear(6, 3)
        self.function, self.args, self.options = getattr(F, name), args, options

    def forward(self, x):
        dropped = self.function(self.before(x), *self.args, training=False, **self.options)
        return self.after(dropped).mean(1)


class Tokens(nn.Module):
    """Takes tokens out, and the mean of those that are left."""

    def __init__(self):
        super().__init__()
        self.net = around(ours.TokenDropout(0.4))

    def forward(self, x):
        return self.net(x).mean(1)


class Words(nn.Module):
    """Embeds numbers: what an embedding takes, made of what the other models take."""

    def __init__(self):
        super().__init__()
        self.words, self.after = ours.EmbeddingDropout(5, 6, p=0.4), nn.Linear(6, 3)

    def forward(self, x):
        return self.after(self.words((x[..., 0].abs() * 4).long().clamp_max(4))).mean(1)


class DroppedRecurrent(nn.Module):
    """An LSTM with dropped recurrent weights, between locked dropouts with time in front."""

    def __init__(self):
        super().__init__()
        self.lock = ours.LockedDropout(0.3)
        self.net = ours.WeightDrop(nn.LSTM(6, 8), "weight_hh_l0", 0.4)

    def forward(self, x):
        return self.lock(self.net(self.lock(x.transpose(0, 1)))[0])[-1]


class TimeFirstLocked(nn.Module):
    """Locked dropout with time in front: the batch is the second dimension."""

    def __init__(self):
        super().__init__()
        self.lock, self.after = ours.LockedDropout(0.4), nn.Linear(6, 3)

    def forward(self, x):
        return self.after(self.lock(x.transpose(0, 1)).mean(0))
