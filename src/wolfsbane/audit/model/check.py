"""Every rule of the model channel, on one model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.finding import Channel
from wolfsbane.audit.findings import Findings
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.registry import select
from wolfsbane.audit.rule import Rule


def check_model(
    model: Module,
    example_inputs: Tensor | Sequence[Any] | Mapping[str, Any] | None = None,
    loss: Module | Callable[..., Any] | str | None = None,
    optimizer: Optimizer | None = None,
    loader: Iterable[Any] | None = None,
    *,
    rules: Sequence[type[Rule]] | None = None,
) -> Findings:
    """Return what the rules find in a model that exists. The model is not changed."""
    view = ModelView(model, layers_of(model), None, loss, None, optimizer, loader)
    found = [
        finding
        for rule in (select() if rules is None else rules)
        if Channel.MODEL in rule.channels()
        for finding in rule().check_model(view)
    ]
    return Findings(found)
