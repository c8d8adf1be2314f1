"""Surgery undone is surgery not done: for random models and every verb, as often as one likes."""

import copy
import itertools

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch.ao.nn.intrinsic import BNReLU2d

from lookalikes import BeitDropPath, StochasticDepth, TimmBatchNormAct2d, TimmDropPath
from wolfsbane import nn, surgery

VERBS = {
    "convert": surgery.convert,
    "convert_sync_batchnorm": surgery.convert_sync_batchnorm,
    "fold_batchnorm": surgery.fold_batchnorm,
    "fuse": surgery.fuse,
    "insert_batchnorm": surgery.insert_batchnorm,
    "insert_dropout": lambda model: surgery.insert_dropout(
        model, 0.25, after=(torch.nn.Conv2d, torch.nn.ReLU, torch.nn.Sequential)
    ),
    "remove_dropout": surgery.remove_dropout,
    "revert": surgery.revert,
    "revert_sync_batchnorm": lambda model: surgery.revert_sync_batchnorm(model, dims=2),
    "set_rates": lambda model: surgery.set_rates(model, 0.125),
    "swap_activation": lambda model: surgery.swap_activation(
        model, {torch.nn.ReLU: torch.nn.PReLU, torch.nn.GELU: torch.nn.SiLU}
    ),
}
"""Every verb, as a function that makes a plan for a model of images with 3 channels."""

NO_PLANS = {"constant", "curriculum", "early", "late", "linear", "rates"}
"""Functions that are no verbs: they show rates, or say what they are to be."""

OTHER_OUTPUTS = {"insert_batchnorm", "swap_activation"}
"""Verbs that are meant to change what a model returns in evaluation."""

LAYERS = [
    lambda: torch.nn.Conv2d(3, 3, 1),
    lambda: torch.nn.BatchNorm2d(3),
    lambda: torch.nn.BatchNorm2d(3, affine=False),
    torch.nn.LazyBatchNorm2d,
    lambda: torch.nn.SyncBatchNorm(3),
    torch.nn.ReLU,
    torch.nn.GELU,
    torch.nn.Identity,
    lambda: torch.nn.Dropout(0.25),
    lambda: torch.nn.Dropout2d(0.5, inplace=True),
    lambda: BNReLU2d(torch.nn.BatchNorm2d(3), torch.nn.ReLU()),
    lambda: TimmBatchNormAct2d(3),
    lambda: TimmDropPath(0.1),
    lambda: BeitDropPath(None),
    lambda: StochasticDepth(0.3, "row"),
    lambda: nn.Dropout(torch.tensor(0.5)),
    lambda: nn.BatchNorm2d(3),
    lambda: nn.BatchNormAct2d(3, "silu", p=0.25),
    lambda: nn.SyncBatchNorm(3),
    lambda: nn.DropPath(0.2),
]


@st.composite
def models(draw, depth=3):
    """A tree of containers and layers with aliases, tied tensors, hooks and mixed modes."""
    pool = []
    root = draw(trees(depth, pool))
    model = torch.nn.Sequential(root, torch.nn.Flatten())
    modules = list(model.modules())
    tie(modules, draw(st.booleans()))
    for module in modules:
        module.training = draw(st.booleans())
        if draw(st.integers(0, 3)) == 0:
            add_hooks(module)
    return model


@st.composite
def trees(draw, depth, pool):
    if pool and draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(pool))  # an alias, maybe a parent's
    if depth == 0 or draw(st.booleans()):
        made = draw(st.sampled_from(LAYERS))()
    else:
        children = draw(st.lists(trees(depth - 1, pool), min_size=1, max_size=3))
        made = Tree(children, draw(st.sampled_from(["list", "dict", "sequential", "alias"])))
    pool.append(made)
    return made


class Tree(torch.nn.Module):
    """Children in one of the ways that models hold them."""

    def __init__(self, children, kind):
        super().__init__()
        if kind == "list":
            self.inner = torch.nn.ModuleList(children)
        elif kind == "dict":
            self.inner = torch.nn.ModuleDict({f"n{i}": c for i, c in enumerate(children)})
        else:
            self.inner = torch.nn.Sequential(*children)
        if kind == "alias":
            self.again = children[0]
        self.kind = kind
        self.nothing = None
        self.register_module("empty", None)

    def forward(self, input):
        for child in self.inner.children():
            input = child(input)
        return self.again(input) if self.kind == "alias" else input


def tie(modules, wanted):
    norms = [m for m in modules if type(m) is torch.nn.BatchNorm2d and m.affine]
    if wanted and len(norms) > 1:
        norms[1].weight = norms[0].weight


def add_hooks(module):
    module.register_forward_hook(lambda *_: None)
    module.register_load_state_dict_pre_hook(lambda *_: None)


def photograph(model):
    """Everything that makes a model what it is: objects by identity, flags, tensors' values."""
    modules = list(model.named_modules(remove_duplicate=False))
    everything = [
        (path, id(module), type(module), module.training, attributes(module))
        for path, module in modules
    ]
    values = {name: copy.deepcopy(v) for name, v in tensors(model).items()}
    return everything, values


def attributes(module):
    """A module's attributes by identity, and what the dictionaries among them hold."""
    found = {name: id(value) for name, value in vars(module).items() if name != "training"}
    for name, value in vars(module).items():
        if isinstance(value, dict):
            found[name] = (id(value), {key: id(held) for key, held in value.items()})
    return found


def tensors(model):
    lazy = torch.nn.parameter.UninitializedTensorMixin
    both = itertools.chain(model.named_parameters(), model.named_buffers())
    return {name: value for name, value in both if not isinstance(value, lazy)}


def assert_same(model, photo):
    everything, values = photo
    again, now = photograph(model)
    assert again == everything
    assert values.keys() == now.keys()
    assert all(torch.equal(values[name], now[name]) for name in values)


@pytest.mark.parametrize("verb", sorted(VERBS))
@settings(max_examples=60, deadline=None)
@given(model=models())
def test_surgery_undone_is_surgery_not_done(verb, model):
    photo = photograph(model)
    plan = VERBS[verb](model)
    str(plan)
    assert_same(model, photo)
    assert plan.apply()() is model
    assert_same(model, photo)
    plan.apply()()
    assert_same(model, photo)


@settings(max_examples=60, deadline=None)
@given(model=models(), verbs=st.lists(st.sampled_from(sorted(VERBS)), min_size=1, max_size=4))
def test_operations_undone_in_reverse_leave_no_trace(model, verbs):
    photo = photograph(model)
    undos = [VERBS[verb](model).apply() for verb in verbs]
    for undo in reversed(undos):
        undo()
    assert_same(model, photo)


@settings(max_examples=40, deadline=None)
@given(model=models(), verb=st.sampled_from(sorted(VERBS)))
def test_plan_tells_the_names_in_the_state_dict_and_nothing_is_left_to_do(model, verb):
    before = list(model.state_dict())
    plan = VERBS[verb](model)
    plan.apply()
    told = {plan.keys.get(name, name) for name in before}
    assert told - {None} | set(plan.added_keys) == set(model.state_dict())
    assert not VERBS[verb](model)


@settings(max_examples=25, deadline=None)
@given(model=models(), verb=st.sampled_from(sorted(VERBS.keys() - OTHER_OUTPUTS)))
def test_outputs_in_evaluation_stay_and_come_back(model, verb):
    model.eval()
    x = torch.randn(2, 3, 4, 4)
    model(x)  # lazy layers get their shape
    before = model(x)
    undo = VERBS[verb](model).apply()
    torch.testing.assert_close(model(x), before)
    undo()
    assert torch.equal(model(x), before)


def test_every_verb_that_makes_a_plan_is_in_the_table():
    verbs = {name for name in surgery.__all__ if not isinstance(getattr(surgery, name), type)}
    assert verbs == set(VERBS) | NO_PLANS
