"""What happens to a batch in a network, layer by layer, without a change to the network."""

import copy
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode

NAMES = {
    "linear": "linear",
    "batch_norm": "batch norm",
    "layer_norm": "layer norm",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "dropout": "dropout",
    "softmax": "softmax",
}
"""Functions that count as layers, whether a module calls them or the program does."""

FLAT = 0.01
"""How close to the end of its range a sigmoid's value is saturated; as the auditor has it."""
SATURATED_SHARE = 0.95
"""Share of a unit's values that have to be."""


@dataclass(frozen=True)
class Passed:
    """What one layer did to the batch.

    Attributes:
        kind: a key of `NAMES`.
        place: the hidden layer that it is a part of, counted from 1; 0: the output layer.
        given, returned: what went in, and what came out.
        mask: by what dropout multiplied each value: 0 or 1 / (1 - p). None of other layers.
        running: mean and variance that batch norm keeps, before and after. None of other layers.
    """

    kind: str
    place: int
    given: Tensor
    returned: Tensor
    mask: Tensor | None = None
    running: tuple[Tensor, Tensor, Tensor, Tensor] | None = None

    @property
    def title(self) -> str:
        """The layer as headings name it."""
        where = f"Hidden layer {self.place}" if self.place else "Output layer"
        return f"{where}, {NAMES[self.kind]}"

    @property
    def dead(self) -> Tensor | None:
        """Which units are 0 for every example; None where the layer has no such units."""
        return (self.returned == 0).all(0) if self.kind == "relu" else None

    @property
    def saturated(self) -> Tensor | None:
        """Which units are at an end of their range; None where the layer has no ends."""
        ends = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}.get(self.kind)
        if ends is None:
            return None
        distance = torch.minimum(self.returned - ends[0], ends[1] - self.returned)
        return (distance <= FLAT).float().mean(0) >= SATURATED_SHARE


@dataclass(frozen=True)
class Look:
    """A batch on its way through a network in one mode.

    Attributes:
        layers: in the order in which they were called.
        logits: what came out.
    """

    layers: tuple[Passed, ...]
    logits: Tensor


def look(model: Module, x: Tensor, *, training: bool, seed: int) -> Look:
    """Pass a batch through a copy of a network, and note what each layer does.

    Args:
        model: has its hidden layers in `hidden`. It stays as it is, as do random numbers.
        x: the batch.
        training: the mode.
        seed: draws dropout's masks.
    """
    seen = copy.deepcopy(model).train(training)
    recorder = _Recorder()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        with recorder.placed(seen.hidden), recorder:  # type: ignore[arg-type]  # it is iterable
            logits = seen(x)
    return Look(tuple(recorder.passed), logits)


class _Recorder(TorchFunctionMode):
    """Notes what the functions in `NAMES` are given and return."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[Passed] = []
        self._place = 0

    @contextmanager
    def placed(self, hidden: Iterable[Module]) -> Iterator[None]:
        """Know, in this block, which hidden layer is being called."""
        hooks = []
        for number, block in enumerate(hidden, start=1):
            hooks.append(block.register_forward_pre_hook(self._entering(number)))
            hooks.append(block.register_forward_hook(self._entering(0)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _entering(self, number: int) -> Callable[..., None]:
        def enter(*_: Any) -> None:
            self._place = number

        return enter

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs, kind = kwargs or {}, getattr(func, "__name__", "")
        if kind not in NAMES:
            return func(*args, **kwargs)
        # Later operations may write over both.
        given = args[0].clone()
        mask = _mask(func, args, kwargs) if kind == "dropout" else None
        before = _running(func, args, kwargs) if kind == "batch_norm" else ()
        returned = func(*args, **kwargs)
        after = _running(func, args, kwargs) if kind == "batch_norm" else ()
        running = (*before, *after) if before else None
        self.passed.append(Passed(kind, self._place, given, returned.clone(), mask, running))  # type: ignore[arg-type]  # four, where there are any
        return returned


def _mask(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Return what dropout will multiply by: what it makes of ones with the same random numbers."""
    with torch.random.fork_rng(devices=[]):
        return func(torch.ones_like(args[0]), *args[1:], **{**kwargs, "inplace": False})  # type: ignore[no-any-return]


def _running(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, ...]:
    given = inspect.signature(func).bind(*args, **kwargs).arguments
    kept = (given["running_mean"], given["running_var"])
    return tuple(tensor.clone() for tensor in kept if tensor is not None)
