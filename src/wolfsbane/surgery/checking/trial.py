"""Models run before and after a change, with their state put back, and the results compared."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.utils._pytree import keystr, tree_flatten_with_path

from wolfsbane.anatomy.example import Inputs
from wolfsbane.anatomy.modes import preserved_modes
from wolfsbane.anatomy.randomness import preserved_randomness, seed
from wolfsbane.anatomy.twins import in_short
from wolfsbane.errors import ModelError

SEED = 20151103
"""Of the masks in both runs."""

MARGIN = 32.0
"""How much more than a rounding error's effect is allowed; see `Trial`."""

FLOOR = 8.0
"""What is allowed in any case, in rounding errors of the largest element."""

TF32_EPS = 2.0**-11
"""Rounding error of an operand of a product in TF32, which a GPU may use for float32."""

Results = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Trial:
    """A model, or a part of it, that has to compute the same after a change.

    It is run in each mode with the same seed: outputs and statistics are compared. What may differ
    is measured, not guessed: the unchanged model is run again, what goes into each module that
    changes and what comes out of the last moved by one rounding error, up or down at random. The
    largest effect of that on a tensor, times `MARGIN`, plus `FLOOR` rounding errors of its largest
    element, is allowed there. So a deep network that amplifies rounding is given room, and a
    shallow one is held tightly.

    Args:
        name: what is run, in words.
        model: it, before the change.
        inputs: what it is called with.
        modes: training (True), evaluation (False).
        places: the modules, in order, of each place that changes.
    """

    name: str
    model: Module
    inputs: Inputs
    modes: tuple[bool, ...]
    places: tuple[tuple[Module, ...], ...]

    def before(self) -> dict[bool, tuple[Results, Results]]:
        """Return for each mode the results, and those with rounding errors added.

        Raises:
            ModelError: the model does not run.
        """
        found = {}
        for training in self.modes:
            try:
                plain = results(self.model, self.inputs, training)
                with _nudged(self.places):
                    found[training] = (plain, results(self.model, self.inputs, training))
            except Exception as error:
                modes = " and in ".join(mode_name(mode) for mode in self.modes)
                raise ModelError(
                    f"{self.name} cannot be checked: it does not run in {mode_name(training)} "
                    f"({in_short(error)}). Pass example_inputs with which it runs in {modes}: in "
                    "training a batch norm needs more than one value per channel"
                ) from error
        return found

    def after(self, changed: Module, expected: dict[bool, tuple[Results, Results]]) -> float:
        """Compare the changed model with what was found before; return how far outputs differ.

        Raises:
            ModelError: it differs by more than rounding.
        """
        worst = 0.0
        for training, (plain, nudged) in expected.items():
            try:
                found = results(changed, self.inputs, training)
            except Exception as error:
                raise ModelError(
                    f"{self.name} would not run in {mode_name(training)} after the change "
                    f"({in_short(error)}). The model was put back as it was"
                ) from error
            other = [name for name in plain.keys() ^ found.keys() if name.startswith("output")]
            if other:
                raise ModelError(
                    f"{self.name} would not return the same tensors: in {mode_name(training)} "
                    f"{', '.join(sorted(other))} came or went. The model was put back as it was"
                )
            for name in plain.keys() & found.keys():
                difference = _compare(plain[name], nudged[name], found[name])
                if difference.excess:
                    raise ModelError(
                        f"{self.name} would not compute the same: in {mode_name(training)} {name} "
                        f"{difference.excess}. The model was put back as it was"
                    )
                worst = max(worst, difference.size if name.startswith("output") else 0.0)
        return worst


def results(model: Module, inputs: Inputs, training: bool) -> Results:
    """Run a model without gradients, from a fixed seed, and return its outputs and buffers.

    Its buffers, modes, generators and the process' random numbers are put back exactly.
    """
    fresh = inputs.fresh()
    with preserved(model), torch.no_grad():
        for module in model.modules():
            module.__dict__["training"] = training
        seed(model, SEED)
        output = model(*fresh.args, **fresh.kwargs)
        leaves, _ = tree_flatten_with_path(output)
        found = {
            f"output{keystr(path)}": leaf.detach().clone()
            for path, leaf in leaves
            if isinstance(leaf, Tensor)
        }
        if not found:
            raise ModelError(
                f"no tensor was found in its output, a {type(output).__name__}: pass no "
                "example_inputs, and each part is checked alone"
            )
        found.update({name: value.detach().clone() for name, value in model.named_buffers()})
    return found


@contextlib.contextmanager
def preserved(model: Module) -> Iterator[None]:
    """Put back, whatever happens, what running a model changes beside its gradients."""
    buffers = [
        (module, dict(module._buffers), [_copy(b) for b in module._buffers.values()])  # noqa: SLF001
        for module in model.modules()
    ]
    try:
        with preserved_modes(model), preserved_randomness(model):
            yield
    finally:
        for module, held, values in buffers:
            _restore(module, held, values)


def _copy(buffer: Tensor | None) -> Tensor | None:
    return None if buffer is None else buffer.detach().clone()


def _restore(module: Module, held: dict[str, Tensor | None], values: list[Tensor | None]) -> None:
    with torch.no_grad():
        for buffer, value in zip(held.values(), values, strict=True):
            if buffer is not None and value is not None and not _is_equal(buffer, value):
                buffer.copy_(value)
    module._buffers.clear()  # noqa: SLF001
    module._buffers.update(held)  # noqa: SLF001


def _is_equal(a: Tensor, b: Tensor) -> bool:
    return not a.is_meta and a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())


@contextlib.contextmanager
def _nudged(places: Sequence[tuple[Module, ...]]) -> Iterator[None]:
    """Move what goes into each module of a place, and out of the last, by one rounding error."""
    generator = torch.Generator().manual_seed(SEED)

    def into(_: Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (_nudge(args[0], generator), *args[1:])

    def out(_: Module, _args: tuple[Any, ...], output: Any) -> Any:
        return _nudge(output, generator)

    handles = []
    try:
        for modules in places:
            handles += [module.register_forward_pre_hook(into) for module in modules]
            handles.append(modules[-1].register_forward_hook(out))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _nudge(tensor: Any, generator: torch.Generator) -> Any:
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
        return tensor
    eps = _rounding(tensor)
    drawn = torch.empty(tensor.shape, dtype=tensor.dtype, device="cpu")
    factors = drawn.random_(0, 2, generator=generator).mul_(2 * eps).add_(1 - eps)
    return tensor * factors.to(tensor.device)


def _rounding(tensor: Tensor) -> float:
    eps = torch.finfo(tensor.dtype).eps
    uses_tf32 = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    if tensor.is_cuda and tensor.dtype is torch.float32 and uses_tf32:
        return TF32_EPS
    return eps


@dataclass(frozen=True)
class _Difference:
    size: float
    excess: str = ""


def _compare(expected: Tensor, nudged: Tensor, found: Tensor) -> _Difference:
    """Return how far a tensor is from what is expected, with words where it is too far."""
    if expected.shape != found.shape or expected.dtype != found.dtype:
        return _Difference(0.0, f"is {_kind(found)} instead of {_kind(expected)}")
    if expected.numel() == 0 or not _is_inexact(expected):
        same = torch.equal(expected, found)
        return _Difference(0.0, "" if same else "has other values")
    if expected.is_complex():
        expected, nudged, found = (torch.view_as_real(t) for t in (expected, nudged, found))
    finite = expected.isfinite()
    if not torch.equal(finite, found.isfinite()):
        return _Difference(0.0, "is infinite or not a number in other places")
    wide = [torch.where(finite, t, 0).double() for t in (expected, nudged, found)]
    effect = float((wide[1] - wide[0]).abs().max())
    largest = float(wide[0].abs().max())
    allowed = MARGIN * effect + FLOOR * _rounding(expected) * largest
    size = float((wide[2] - wide[0]).abs().max())
    excess = f"differs by {size:.3g}, where rounding explains {allowed:.3g}"
    return _Difference(size, excess if size > allowed else "")


def _is_inexact(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} of {tensor.dtype}"


def mode_name(training: bool) -> str:
    """Return a mode in words."""
    return "training" if training else "evaluation"
