"""The operations of a model's forward pass in evaluation: from export, or else from a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch.nn import Module
from torch.nn.parameter import is_lazy

from wolfsbane.anatomy.example import Inputs
from wolfsbane.anatomy.twins import in_short, quiet, twin_of
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.exported import exported
from wolfsbane.audit.model.identities import make_dropouts_visible
from wolfsbane.audit.model.uncompiled import call_uncompiled
from wolfsbane.audit.model.watched import watched
from wolfsbane.audit.operation import Tape

Source = Callable[[Module, Inputs, Mapping[str, Layer]], Tape]

UNSEEN = "the operations of forward were not looked at"


@dataclass(frozen=True, eq=False)
class Recording:
    """A tape, or None, and in a sentence why it is none, or not from torch.export."""

    tape: Tape | None
    note: str | None = None


def record(model: Module, layers: Sequence[Layer], inputs: Inputs | None) -> Recording:
    """Return the operations of a model in evaluation. The model is not changed.

    It is done with copies that have no hooks, so that nothing has to be put back: neither buffers,
    nor what forward writes into attributes, nor what a hook counts. torch.export computes with
    imitations of tensors, so its copy may share the model's parameters; what really runs may not.

    Args:
        model: the model.
        layers: its layers.
        inputs: what it is called with; without them nothing is recorded.
    """
    if inputs is None:
        return Recording(None, f"{UNSEEN}: that needs example_inputs")
    if any(is_lazy(tensor) for tensor in (*model.parameters(), *model.buffers())):
        return Recording(None, f"{UNSEEN}: lazy layers have no shape yet. Run the model once")
    try:
        return Recording(_tape(exported, model, layers, inputs, shares_parameters=True))
    except Exception as error:  # noqa: BLE001  # whatever export and the model raise
        why = in_short(error)
    try:
        tape = _tape(watched, model, layers, inputs, shares_parameters=False)
    except Exception as error:  # noqa: BLE001  # whatever copying and the model raise
        return Recording(
            None, f"{UNSEEN}: a copy did not run on example_inputs ({in_short(error)})"
        )
    return Recording(
        tape, f"operations were recorded by a function mode, since torch.export failed ({why})"
    )


def _tape(
    source: Source,
    model: Module,
    layers: Sequence[Layer],
    inputs: Inputs,
    *,
    shares_parameters: bool,
) -> Tape:
    by_path = {path: layer for layer in layers for path in layer.paths}
    with quiet(model, inputs):
        twin = twin_of(model, shared=shares_parameters)
        twin.eval()
        call_uncompiled(twin)
        make_dropouts_visible(twin)
        return source(twin, inputs.fresh(), by_path)
