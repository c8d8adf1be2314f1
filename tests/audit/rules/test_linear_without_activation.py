"""WB404 leaves products of matrices alone that are meant as such."""

import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model, check_source
from wolfsbane.audit.registry import rule_of

RULES = [rule_of("WB404")]
HEAD = "from torch import nn\n"

MISTAKES = [
    "nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))",
    "nn.Sequential(nn.Linear(4, 8), nn.Dropout(), nn.Flatten(), nn.Linear(8, 2))",
    "nn.Sequential(nn.Linear(a, hidden_size), nn.Linear(hidden_size, num_labels))",
    "nn.Sequential(*[nn.Linear(4, 8), nn.Linear(8, 2)])",
    "nn.Sequential(OrderedDict([('a', nn.Linear(4, 8)), ('b', nn.Linear(8, 2))]))",
]
MEANT = [
    "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))",
    "nn.Sequential(nn.Linear(8, 2), nn.Linear(2, 8))",
    "nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))",
    "nn.Sequential(nn.Linear(d, config.adapter_rank), nn.Linear(config.adapter_rank, d))",
    "nn.Sequential(nn.Linear(d, d // 4), nn.Linear(d // 4, d))",
    "nn.Sequential(nn.Linear(4, 8), Mine(), nn.Linear(8, 2))",
    "nn.Sequential(nn.Linear(4, 8), act(), nn.Linear(8, 2))",
    "nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 2))",
    "nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 2)])",
    "nn.Sequential(nn.Linear(4, d_latent), nn.Linear(d_latent, 4))",
]


@pytest.mark.parametrize("program", MISTAKES)
def test_a_program_with_two_in_a_row_is_found(program):
    imports = f"{HEAD}from collections import OrderedDict\n"
    assert [found.code for found in check_source(f"{imports}m = {program}\n", rules=RULES)] == [
        "WB404"
    ]


@pytest.mark.parametrize("program", MEANT)
def test_a_program_that_means_it_is_left_alone(program):
    assert check_source(f"{HEAD}m = {program}\n", rules=RULES) == []


BODIES = {
    "x = self.a(x)\n        return self.b(x)": True,
    "return self.b(self.a(x))": True,
    "x = self.a(x)\n        x = self.drop(x)\n        return self.b(x)": True,
    "return self.b(self.a(x).relu())": False,
    "return self.b(self.norm(self.a(x)))": False,
    "h = self.a(x)\n        return self.b(h), h": False,
    "h = self.a(x)\n        return self.b(h) + self.c(h)": False,
    "return self.b(self.act(self.a(x)))": False,
    "return self.b(self.head(x))": False,
    "return self.out_proj(self.a(x))": False,
    "return self.b(self.a(x).view(-1, 12))": False,
}


@pytest.mark.parametrize(("body", "is_mistake"), BODIES.items())
def test_a_forward_is_read(body, is_mistake):
    program = f"""
class Net(nn.Module):
    def __init__(self, act=None, num_classes=2):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 12), nn.Linear(12, 6), nn.Linear(12, 2)
        self.drop, self.norm = nn.Dropout(), nn.LayerNorm(12)
        self.act = nn.Identity() if act is None else act()
        self.out_proj = nn.Linear(12, 4)
        self.head = nn.Linear(4, 12) if num_classes else nn.Identity()

    def forward(self, x):
        {body}
"""
    found = check_source(HEAD + program, rules=RULES)
    assert bool(found) == is_mistake


class Net(nn.Module):
    def __init__(self, run, hidden=12, name="second"):
        super().__init__()
        self.first = nn.Linear(4, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.add_module(name, nn.Linear(hidden, 6))
        self.last = getattr(self, name)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


X = (torch.randn(3, 4),)


def codes(model):
    return check_model(model, X, rules=RULES).codes


def test_a_forward_with_two_in_a_row_is_found():
    assert codes(Net(lambda net, x: net.last(net.first(x)))) == ["WB404"]


@pytest.mark.parametrize(
    "run",
    [
        lambda net, x: net.last(net.first(x).relu()),
        lambda net, x: net.last(net.norm(net.first(x))),
        lambda net, x: net.last(net.first(x)[:, None].mean(1)),
        lambda net, x: [(net.last(h), h) for h in [net.first(x)]],
        lambda net, x: sum(net.last(h) + h.sum() for h in [net.first(x)]),
    ],
)
def test_a_forward_with_something_between_or_another_use_is_left_alone(run):
    assert codes(Net(run)) == []


class Sampled(nn.Module):
    """Ends its encoder with a mean, around which training samples."""

    def __init__(self):
        super().__init__()
        self.mean, self.decoder = nn.Linear(4, 12), nn.Linear(12, 4)

    def forward(self, x):
        code = self.mean(x)
        if self.training:
            code = code + torch.randn_like(code)
        return self.decoder(code)


def test_what_training_puts_between_is_not_seen_so_nothing_is_said():
    assert codes(Sampled()) == []


def test_a_narrow_or_named_factor_is_left_alone():
    assert codes(Net(lambda net, x: net.last(net.first(x)), hidden=3)) == []
    assert codes(Net(lambda net, x: net.last(net.first(x)), name="out_proj")) == []


def test_layers_of_different_modules_are_left_alone():
    inner = Net(lambda net, x: net.first(x))
    assert codes(nn.ModuleDict({"body": inner, "head": nn.Linear(12, 2)})["body"]) == []
    outer = nn.Sequential(inner)
    outer.append(nn.Sequential(nn.Linear(12, 2)))
    assert codes(outer) == []
