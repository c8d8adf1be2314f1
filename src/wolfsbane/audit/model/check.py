"""Every rule of the model channel, on one model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.anatomy.example import as_inputs
from wolfsbane.audit.allowance import is_finding_allowed
from wolfsbane.audit.finding import Channel, Finding
from wolfsbane.audit.findings import Findings
from wolfsbane.audit.model.arguments import (
    check_loader,
    check_optimizer,
    loss_kind_of,
)
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.model.recording import record
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.registry import Chosen, chosen


def check_model(
    model: Module,
    example_inputs: Tensor | Sequence[Any] | Mapping[str, Any] | None = None,
    loss: Module | Callable[..., Any] | str | None = None,
    optimizer: Optimizer | None = None,
    loader: Iterable[Any] | None = None,
    *,
    rules: Chosen = None,
) -> Findings:
    """Return what the rules find in a model that exists.

    Its modules are looked at, and with `example_inputs` also the operations of its forward pass in
    evaluation: those of the graph that torch.export makes, or where that fails, those that a
    function mode sees in a run. The `notes` of the findings say what could not be looked at.

    The model is not changed, not even for a moment: a copy without its hooks is what runs. Modes,
    buffers, gradients and the state of all random number generators stay as they are.

    Args:
        model: the model. What `allow` allows in it is left out.
        example_inputs: what it is called with: a tensor, a tuple of positional arguments, or a
            dict of keyword arguments.
        loss: what it is trained with: a module, a function, or its name.
        optimizer: what trains it.
        loader: what its batches come from. Nothing is taken from it.
        rules: which rules, by code or class; by default all but opinions.

    Raises:
        ArgumentTypeError: an argument has the wrong type.
        ArgumentError: no loss has this name.

    Examples:
        >>> from torch import nn
        >>> print(check_model(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))))
        no findings
        note: the operations of forward were not looked at: that needs example_inputs
    """
    inputs = as_inputs(example_inputs)
    layers = layers_of(model)
    loss_kind = loss_kind_of(loss)
    check_optimizer(optimizer)
    check_loader(loader)
    used = chosen(rules)
    recording = record(model, layers, inputs)
    view = ModelView(model, layers, recording.tape, loss, loss_kind, optimizer, loader)
    found = {
        finding
        for rule in used
        if Channel.MODEL in rule.channels()
        for finding in rule().check_model(view)
        if not is_finding_allowed(model, finding)
    }
    notes = [] if recording.note is None else [recording.note]
    return Findings(sorted(found, key=_in_order_of(view)), notes)


def _in_order_of(view: ModelView) -> Callable[[Finding], tuple[int, str, str]]:
    places = {layer.path: number for number, layer in enumerate(view.layers)}

    def key(finding: Finding) -> tuple[int, str, str]:
        place = places.get(finding.place.module or "", len(places))
        return place, finding.code, finding.message

    return key
