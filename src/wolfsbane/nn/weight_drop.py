"""Weight drop: single weights of any module are dropped, such as an LSTM's recurrent ones."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.functional.drop_weights import drop_weights
from wolfsbane.nn.drop_connect import DropConnect
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import as_node_of, generator_text


class WeightDrop(_Dropout):
    r"""Run a module with weights of which elements are dropped with probability p.

    $$W' = (M \star W) / (1 - p), \quad M_{ij} \sim \mathrm{Bernoulli}(1 - p)$$

    In training masks are drawn at every call, one for each weight named, and hold for the whole
    call: for all samples, and all steps of a recurrent layer. Only for the call the module has the
    dropped weights; afterwards, and in evaluation, it has its parameters, which are
    never replaced or renamed: optimizers, hooks, ties, copies and pickles hold. All processes of
    `wolfsbane.mask.shard` have the same masks. state_dict: the module's keys after `module.`;
    `module.weight_hh_l0_raw` and `weight_hh_l0_raw`, as other libraries write it, are
    read too.

    Args:
        module: any module.
        names: of the parameters to be dropped, with dots for those of submodules: "weight_hh_l0".
        p: probability of an element to be dropped, in [0, 1]. Default: 0.5, as in the paper.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        As of the module inside.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator, or the
            module has no such parameter.
        ModelError: the weight is dropped already; in training, the module is lazy and has not seen
            its first batch.

    Examples:
        >>> layer = WeightDrop(torch.nn.LSTM(8, 16), "weight_hh_l0", p=0.5)
        >>> output, _ = layer(torch.randn(5, 2, 8))
        >>> output.shape
        torch.Size([5, 2, 16])

    References:
        Merity, Keskar, Socher 2017, arXiv:1708.02182, section 2. Wan et al. 2013, ICML, PMLR
        28(3):1058.
    """

    @explain_unknown_arguments
    def __init__(
        self,
        module: torch.nn.Module,
        names: str | Sequence[str],
        p: float | Tensor = 0.5,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        checked = _check_names(module, names)
        _refuse_to_drop_twice(module, checked)
        super().__init__(p, generator=generator)
        self.names = checked
        self.module = module
        self.training = module.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the module gives, with weights dropped in training."""
        for argument in (*args, *kwargs.values()):
            if isinstance(argument, torch.fx.Proxy):
                return as_node_of(argument.tracer, self, args, kwargs)
        if not self.training:
            return self.module(*args, **kwargs)
        raw = {name: _weight_at(self.module, name) for name in self.names}
        _check_initialised(self.module, raw)
        weights = {
            name: drop_weights(weight, self.p, self.generator) for name, weight in raw.items()
        }
        try:
            return torch.func.functional_call(self.module, weights, args, kwargs)
        finally:
            self._restore_recurrent_layers()

    def _restore_recurrent_layers(self) -> None:
        """Let recurrent layers forget the dropped weights, of which they keep a list."""
        for layer in self.module.modules():
            if isinstance(layer, torch.nn.RNNBase):
                layer._update_flat_weights()  # noqa: SLF001

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        for name in self.names:
            for raw in (f"{prefix}module.{name}_raw", f"{prefix}{name}_raw"):
                if raw in state_dict:
                    state_dict[f"{prefix}module.{name}"] = state_dict.pop(raw)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def extra_repr(self) -> str:
        return f"names={list(self.names)}, p={self.p}{generator_text(self)}"


def _check_names(module: torch.nn.Module, names: str | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(module, torch.nn.Module):
        raise ArgumentTypeError(
            f"WeightDrop needs a module, but got {type(module).__name__}. As in "
            "WeightDrop(torch.nn.LSTM(8, 16), 'weight_hh_l0')"
        )
    if not isinstance(names, Iterable):
        raise ArgumentTypeError(
            f"names has to be a name or a sequence of names of parameters, but got {names!r} (of "
            f"type {type(names).__name__}). As in WeightDrop(torch.nn.LSTM(8, 16), 'weight_hh_l0')"
        )
    given = (names,) if isinstance(names, str) else tuple(names)
    known = [name for name, _ in module.named_parameters(remove_duplicate=False)]
    unknown = [name for name in given if name not in known]
    if unknown or not given:
        raise ArgumentError(
            f"names has to hold names of parameters of {type(module).__name__}, but got {names!r}. "
            f"It has: {', '.join(known) or 'none'}"
        )
    return given


def _weight_at(module: torch.nn.Module, name: str) -> Tensor:
    """Return a parameter, or the tensor that torch.func.functional_call has in its place."""
    path, _, attribute = name.rpartition(".")
    weight: Tensor = getattr(module.get_submodule(path), attribute)
    return weight


def _check_initialised(module: torch.nn.Module, weights: Mapping[str, Tensor]) -> None:
    for name, weight in weights.items():
        if isinstance(weight, torch.nn.UninitializedParameter):
            raise ModelError(
                f"the weight {name!r} of {type(module).__name__} has no size yet, so it cannot be "
                "dropped: run one batch in evaluation mode first, layer.eval()(batch)"
            )


def _refuse_to_drop_twice(module: torch.nn.Module, names: tuple[str, ...]) -> None:
    dropped: list[Tensor] = []
    for layer in module.modules():
        if isinstance(layer, WeightDrop):
            dropped += [_weight_at(layer.module, name) for name in layer.names]
        elif isinstance(layer, DropConnect):
            dropped.append(layer.weight)
    for name in names:
        weight = _weight_at(module, name)
        if any(weight is other for other in dropped):
            raise ModelError(
                f"the weight {name!r} of {type(module).__name__} is dropped already, by a "
                "WeightDrop or a DropConnect inside. Change the p of that one"
            )
        dropped.append(weight)
