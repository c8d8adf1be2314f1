"""Other libraries' drop paths become ours where they do the same, and are named where not."""

import pytest
import torch
from torch.nn import Sequential

from lookalikes import BeitDropPath, StochasticDepth, TimmDropPath
from wolfsbane import nn, surgery

SAME = [
    (lambda: TimmDropPath(0.25), 0.25),
    (lambda: TimmDropPath(0.0), 0.0),
    (lambda: TimmDropPath(1), 1.0),
    (lambda: BeitDropPath(0.1), 0.1),
    (lambda: BeitDropPath(None), 0.0),
    (lambda: StochasticDepth(0.5, "row"), 0.5),
]


@pytest.mark.parametrize(("make", "p"), SAME)
def test_drop_path_that_does_what_ours_does_becomes_ours_with_its_rate(make, p):
    model = Sequential(make())
    surgery.convert(model).apply()
    assert type(model[0]) is nn.DropPath
    assert model[0].p == p
    assert not {"drop_prob", "scale_by_keep", "mode"} & set(vars(model[0]))
    x = torch.randn(6, 3, 2)
    assert model.eval()(x) is x
    trained = model.train()(torch.ones(64, 2))
    kept = trained[trained != 0]
    assert kept.numel() == 0 if p == 1 else kept.numel() > 0
    # The true keep rate is a multiple of 1/65536.
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p or 1)), rtol=2e-5, atol=0)


def test_masks_of_a_converted_drop_path_are_those_of_the_mask_contract():
    model = Sequential(TimmDropPath(0.5))
    surgery.convert(model).apply()
    x = torch.randn(64, 3)
    torch.manual_seed(3)
    converted = model(x)
    torch.manual_seed(3)
    assert torch.equal(converted, nn.DropPath(0.5)(x))


class Fickle(TimmDropPath):
    def forward(self, x):
        raise RuntimeError("no such path")


class Leaky(TimmDropPath):
    def forward(self, x):
        return super().forward(x) + 1e-3


class Elementwise(TimmDropPath):
    def forward(self, x):
        return torch.nn.functional.dropout(x, self.drop_prob, self.training)


class Survival(torch.nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * torch.empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(self.p) / self.p


def named(cls, name):
    cls.__name__ = name
    return cls


DIFFERENT = [
    (lambda: TimmDropPath(0.2, scale_by_keep=False), "scales the samples it keeps by 1 where"),
    (lambda: StochasticDepth(0.2, "batch"), "does not decide for each sample"),
    (lambda: named(Survival, "MyStochasticDepth")(0.8), "keeps by 1.333 where"),
    (lambda: named(Elementwise, "ElementDropPath")(0.1), "does not drop whole samples"),
    (lambda: named(Leaky, "LeakyDropPath")(0.1), "in evaluation it changes its input"),
    (lambda: named(Fickle, "FickleDropPath")(0.1), "a trial of it failed: no such path"),
    (lambda: TimmDropPath(torch.tensor(0.1)), "no rate drop_prob or p between 0 and 1"),
    (lambda: TimmDropPath(2), "no rate drop_prob or p between 0 and 1"),
]


@pytest.mark.parametrize(("make", "why"), DIFFERENT)
def test_drop_path_that_differs_is_left_and_named(make, why):
    model = Sequential(make())
    plan = surgery.convert(model)
    assert not plan
    assert why in plan.kept[0].why


def test_drop_path_with_parts_or_a_forward_of_its_own_is_left():
    with_buffer, with_forward = TimmDropPath(0.1), TimmDropPath(0.1)
    with_buffer.register_buffer("rates", torch.ones(3))
    with_forward.forward = torch.relu
    plan = surgery.convert(Sequential(with_buffer, with_forward))
    assert [kept.why[:8] for kept in plan.kept] == ["it holds", "its forw"]


def test_drop_paths_are_left_on_request():
    assert not surgery.convert(Sequential(TimmDropPath(0.1)), drop_path=False)


def test_trial_changes_neither_the_random_numbers_nor_the_module():
    path = TimmDropPath(0.1)
    calls = []
    path.register_forward_hook(lambda *_: calls.append(1))
    before = dict(vars(path))
    state = torch.random.get_rng_state()
    surgery.convert(Sequential(path))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert calls == []
    assert vars(path) == before
