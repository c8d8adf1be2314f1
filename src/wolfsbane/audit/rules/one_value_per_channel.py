"""WB303."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Tape
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Failure, Forward, Observer
from wolfsbane.audit.traits.batch_norms import listed, normalises_by_batch
from wolfsbane.audit.traits.loaders import batches_of
from wolfsbane.audit.vocabulary import ACTIVATIONS, BATCH_NORMS, DROPOUTS

TORCHS_WORDS = "Expected more than 1 value per channel when training"
BETWEEN = ACTIVATIONS | DROPOUTS | {"identity", "conv", "flatten"}
"""Kinds that leave a vector a vector, and 1 x 1 pixels 1 x 1 pixels."""


class OneValuePerChannel(Rule):
    """A batch norm gets one value per channel in training, from which no variance can be computed.

    ## What it does

    In a model with a loader: finds a last batch of one sample, where a batch norm gets one value
    per channel from each sample. In a run: explains the error that torch raises then.

    ## Why is this bad?

    The variance of a single value is 0, so torch raises ValueError "Expected more than 1 value per
    channel when training": at the end of the first epoch, if the data are one sample more than a
    multiple of the batch size.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    loader = DataLoader(TensorDataset(torch.randn(101, 8)), batch_size=20)
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
    loader = DataLoader(TensorDataset(torch.randn(101, 8)), batch_size=20, drop_last=True)
    ```

    ## When to ignore it

    Where the loader is one for evaluation, in which the model is in evaluation mode.

    ## References

    - [fastai#1352](https://github.com/fastai/fastai/issues/1352)
    - [pytorch-semseg#214](https://github.com/meetps/pytorch-semseg/issues/214)
    - [pytorch-deeplab-xception#143](https://github.com/jfzhang95/pytorch-deeplab-xception/issues/143)
    - [scvi-tools#2314](https://github.com/scverse/scvi-tools/issues/2314)
    """

    code = "WB303"
    name = "one-value-per-channel"
    severity = Severity.ERROR
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for batch in torch.randn(9, 8).split(4):\n"
            "    loss = model(batch).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=True,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for batch in torch.randn(8, 8).split(4):\n"
            "    loss = model(batch).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=False,
        ),
    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report batch norms that a loader's last batch would stop."""
        batches = batches_of(model.loader)
        if batches is None or batches.last != 1:
            return
        norms = [layer for layer in _of_vectors(model) if normalises_by_batch(layer.module)]
        if not norms:
            return
        samples = f"{batches.num_samples} samples, batch_size={batches.batch_size}"
        every = "every" if batches.batch_size == 1 else "the loader's last"
        yield self.found(
            Channel.MODEL,
            norms[0].place,
            f"{listed(norms)} would get one value per channel from {every} batch, which has one "
            f"sample ({samples}): torch raises {TORCHS_WORDS!r}",
            "Use a larger batch size"
            if batches.batch_size == 1
            else "Leave out the last batch, which is not full: DataLoader(..., drop_last=True)",
        )

    def observer(self) -> Observer:
        """Return what explains the error when a run ends with it."""
        return _Explanation()


class _Explanation(Observer):
    def __init__(self) -> None:
        self._failure: Failure | None = None
        self._grad = True

    def on_forward(self, forward: Forward) -> None:
        self._grad = forward.grad

    def on_failure(self, failure: Failure) -> None:
        if isinstance(failure.error, ValueError) and str(failure.error).startswith(TORCHS_WORDS):
            self._failure = failure

    def findings(self) -> Iterator[Finding]:
        failure = self._failure
        if failure is None:
            return
        norm, shape = _innermost(failure)
        layer = failure.stack[-1][0] if failure.stack else None
        got = f"an input of shape {shape}: " if shape else ""
        yield OneValuePerChannel.found(
            Channel.RUN,
            replace(failure.place, module=layer.path) if layer else failure.place,
            f"{norm} got {got}one value per channel, of which no variance can be computed"
            f"{_batch(failure)}",
            _advice(failure, is_training=self._grad),
        )


def _innermost(failure: Failure) -> tuple[str, tuple[int, ...]]:
    if not failure.stack:
        return "a batch norm", ()
    layer, shapes = failure.stack[-1]
    name = listed([layer]) if layer.kind in BATCH_NORMS else f"a batch norm in {layer.path!r}"
    return name, shapes[0] if shapes and layer.kind in BATCH_NORMS else ()


def _batch(failure: Failure) -> str:
    size = _batch_size(failure)
    if size is None:
        return ""
    return f"; the batch had {size} sample{'s' if size > 1 else ''}"


def _batch_size(failure: Failure) -> int | None:
    shapes = failure.stack[0][1] if failure.stack else ()
    return shapes[0][0] if shapes and shapes[0] else None


def _advice(failure: Failure, *, is_training: bool) -> str:
    if not is_training:
        return "Call model.eval() before predicting: then running statistics are used"
    if (_batch_size(failure) or 1) > 1:
        return "Give the layer more than one value per channel, or use nn.LayerNorm there"
    return (
        "Leave out a last batch of one sample: DataLoader(..., drop_last=True); with batch_size=1 "
        "use a larger one, or nn.GroupNorm"
    )


def _of_vectors(model: ModelView) -> list[Layer]:
    """Return the batch norms that get one value per channel from each sample."""
    if model.tape is not None:
        return _on_the_tape(model.tape)
    return [layer for layer in model.of_kind(BATCH_NORMS) if _is_behind_a_vector(layer, model)]


def _on_the_tape(tape: Tape) -> list[Layer]:
    sizes = {
        operation.shape[0]
        for operation in tape.operations
        if operation.kind == "input" and operation.shape
    }
    return list(
        {
            operation.layer: None
            for operation in tape.operations
            if operation.kind in BATCH_NORMS
            and operation.layer is not None
            and operation.shape
            and operation.shape[0] in sizes
            and math.prod(operation.shape[2:]) == 1
        }
    )


def _is_behind_a_vector(norm: Layer, model: ModelView) -> bool:
    """Whether it stands in a Sequential behind a Linear, or a pool down to one pixel."""
    parent = next((layer for layer in model.layers if layer.path == norm.parent), None)
    if parent is None or parent.kind != "sequential":
        return False
    before = _before(norm, model.children_of(parent))
    source = next((layer for layer in before if layer.kind not in BETWEEN), None)
    if source is None:
        return False
    if source.kind == "linear":
        same_size = source.module.out_features == norm.module.num_features
        return bool(same_size) and _has_dims(norm, "1d")
    pools_to_one = "Adaptive" in type(source.module).__name__ and _is_one(source.module.output_size)
    return pools_to_one and all(_keeps_one_pixel(layer) for layer in before)


def _before(norm: Layer, children: Sequence[Layer]) -> list[Layer]:
    """Return what runs before, the nearest first."""
    return list(reversed(children[: children.index(norm)]))


def _has_dims(norm: Layer, dims: str) -> bool:
    return any(known.__name__.endswith(dims) for known in type(norm.module).__mro__)


def _is_one(size: object) -> bool:
    return size == 1 or (isinstance(size, tuple) and set(size) == {1})


def _keeps_one_pixel(layer: Layer) -> bool:
    """Whether a convolution pads nothing; others of BETWEEN keep the shape."""
    padding: Any = getattr(layer.module, "padding", (0,))
    return not isinstance(padding, str) and set(padding) == {0}
