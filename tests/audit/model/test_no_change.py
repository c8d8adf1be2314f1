"""A model that was looked at is the model that it was, whatever happened."""

import copy
import logging
import random
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.parameter import is_lazy
from torch.utils._pytree import tree_leaves

from audit.model.zoo import CASES, with_hooks
from wolfsbane.audit import check_model
from wolfsbane.audit.model import recording


def state_of(model, inputs):
    """Return everything about a model, its inputs and the process that a look could change."""
    modules = list(model.modules())
    tensors = [*model.parameters(), *model.buffers(), *tree_leaves(inputs)]
    held = [{name: _frozen(value) for name, value in vars(module).items()} for module in modules]
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002
    return {
        "modules": [id(module) for module in modules],
        "attributes": held,
        "tensors": [(id(tensor), tensor._version) for tensor in tensors],
        "values": [None if is_lazy(t) else t.detach().numpy().tobytes() for t in tensors],
        "gradients": [_bytes(tensor.grad) for tensor in model.parameters()],
        "random": (python, str(numbers), torch.get_rng_state().numpy().tobytes()),
        "grad mode": torch.is_grad_enabled(),
    }


def _frozen(value):
    if isinstance(value, dict):
        return [(key, id(item)) for key, item in value.items()]
    return (
        [id(item) for item in value] if isinstance(value, list) else (id(value), str(type(value)))
    )


def _bytes(tensor):
    return None if tensor is None else tensor.numpy().tobytes()


def without_export(*_, **__):
    raise RuntimeError("export is out of order")


@pytest.mark.parametrize("exports", [True, False], ids=["export", "function mode"])
@pytest.mark.parametrize("case", CASES)
def test_a_model_is_not_changed(case, exports, monkeypatch):
    make, make_inputs = CASES[case]
    model, inputs = make(), make_inputs()
    if not exports:
        monkeypatch.setattr(torch.export, "export", without_export)
    before = state_of(model, inputs)
    check_model(model, inputs, rules=[])
    assert state_of(model, inputs) == before


LAYERS = [
    lambda: nn.Linear(6, 6),
    lambda: nn.BatchNorm1d(6),
    lambda: nn.Dropout(0.5),
    lambda: nn.ReLU(inplace=True),
    lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6)),
    CASES["a counter"][0],
    with_hooks,
]


@given(
    numbers=st.lists(st.integers(0, len(LAYERS) - 1), min_size=1, max_size=5),
    modes=st.lists(st.booleans(), min_size=5, max_size=5),
    repeats=st.booleans(),
)
def test_no_composition_of_layers_is_changed(numbers, modes, repeats):
    layers = [LAYERS[number]() for number in numbers]
    for layer, training in zip(layers, modes, strict=False):
        layer.train(training)
    model = nn.Sequential(*layers, *layers[: int(repeats)])
    inputs = torch.randn(4, 6)
    before = state_of(model, inputs)
    found = check_model(model, inputs, rules=[])
    assert state_of(model, inputs) == before
    assert found.notes == []


def test_hooks_of_the_model_are_not_called():
    model = with_hooks()
    check_model(model, torch.randn(5, 6), rules=[])
    assert model.seen == []


def test_warnings_in_the_model_are_not_told_again():
    class Warned(nn.Module):
        def forward(self, x):
            warnings.warn("old", DeprecationWarning, stacklevel=1)
            return nn.functional.dropout2d(x, 0.1, self.training)

    check_model(Warned(), torch.randn(2, 3, 4), rules=[])  # Warnings are errors here.


def test_nothing_is_printed(capfd):
    check_model(CASES["clamped weights"][0](), torch.randn(5, 6), rules=[])
    assert capfd.readouterr() == ("", "")


def test_an_export_that_fails_logs_nothing():
    records = []
    told = logging.Handler()
    told.emit = records.append
    log = logging.getLogger("torch._subclasses.fake_tensor")
    log.addHandler(told)
    try:
        found = check_model(nn.Linear(4, 2), torch.ones(2, 5), rules=[])
    finally:
        log.removeHandler(told)
    assert "shapes cannot be multiplied" in found.notes[0]
    assert records == []


def test_a_model_that_cannot_be_copied_has_a_note_and_no_tape():
    model = nn.Sequential(nn.Linear(6, 6))
    model.generator = (number for number in range(3))
    found = check_model(model, torch.randn(5, 6), rules=[])
    assert len(found.notes) == 1
    assert "generator" in found.notes[0]
    assert next(model.generator) == 0


def test_the_parameters_of_what_really_runs_are_copies(monkeypatch):
    monkeypatch.setattr(recording, "exported", without_export)
    model = CASES["clamped weights"][0]()
    weights = copy.deepcopy(model.fc.weight)
    check_model(model, torch.randn(5, 6), rules=[])
    assert torch.equal(model.fc.weight, weights)
