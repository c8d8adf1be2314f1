"""What makes a call drop: its rate, and whether it takes itself to be in training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from wolfsbane.audit.finding import Place
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.vocabulary import DROPOUTS

ATTENTION = "attention"
MULTI_HEAD_ATTENTION = "multi_head_attention"
ATTENTIONS = frozenset({ATTENTION, MULTI_HEAD_ATTENTION})
"""Kinds with a dropout inside, on the attention weights."""


@dataclass(frozen=True)
class Signature:
    """The parameters of a function that drops.

    Args:
        parameters: their names, in order.
        rate: which of them is the probability of dropping.
        training: which of them switches dropping on; None where only the rate does.
        default_rate: what the rate is when it is not given; None where it has to be.
        default_training: what training is when it is not given; None where it has to be.
    """

    parameters: tuple[str, ...]
    rate: str = "p"
    training: str | None = "training"
    default_rate: float | None = 0.5
    default_training: bool | None = True

    def position(self, parameter: str) -> int:
        """Return the place of a parameter among the positional ones."""
        return self.parameters.index(parameter)


IN_FUNCTIONAL = Signature(("input", "p", "training", "inplace"))
OFF_UNLESS_TOLD = Signature(("input", "p", "training", "inplace"), default_training=False)
IN_TORCH = Signature(
    ("input", "p", "train"), training="train", default_rate=None, default_training=None
)
NATIVE_ATTENTION = Signature(
    ("query", "key", "value", "attn_mask", "dropout_p", "is_causal"),
    rate="dropout_p",
    training=None,
    default_rate=0.0,
)
WHOLE_ATTENTION = Signature(
    (
        "query",
        "key",
        "value",
        "embed_dim_to_check",
        "num_heads",
        "in_proj_weight",
        "in_proj_bias",
        "bias_k",
        "bias_v",
        "add_zero_attn",
        "dropout_p",
        "out_proj_weight",
        "out_proj_bias",
        "training",
    ),
    rate="dropout_p",
    default_rate=None,
)
OF_TIMM = Signature(
    ("x", "drop_prob", "training", "scale_by_keep"),
    rate="drop_prob",
    default_rate=0.0,
    default_training=False,
)
OF_TORCHVISION = Signature(("input", "p", "mode", "training"), default_rate=None)

BY_NAME: Mapping[str, Signature] = {
    "dropout": IN_FUNCTIONAL,
    "dropout1d": IN_FUNCTIONAL,
    "dropout2d": IN_FUNCTIONAL,
    "dropout3d": IN_FUNCTIONAL,
    "alpha_dropout": OFF_UNLESS_TOLD,
    "feature_alpha_dropout": OFF_UNLESS_TOLD,
    "scaled_dot_product_attention": NATIVE_ATTENTION,
    "multi_head_attention_forward": WHOLE_ATTENTION,
}
"""The functions of torch.nn.functional; wolfsbane.functional has the same signatures."""

DIRECTLY_IN_TORCH = frozenset(
    f"{name}{ending}"
    for name in ("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout")
    for ending in ("", "_")
)


def signature_of(name: str) -> Signature | None:
    """Return the parameters of a function that drops, from its full name; None if it is unknown.

    Examples:
        >>> signature_of("torch.nn.functional.dropout2d").default_training
        True
        >>> signature_of("mine.dropout") is None
        True
    """
    package, _, last = name.rpartition(".")
    if package in ("torch.nn.functional", "wolfsbane.functional"):
        return IN_FUNCTIONAL if last == "drop_path" else BY_NAME.get(last)
    if package == "torch":
        return IN_TORCH if last in DIRECTLY_IN_TORCH else None
    if last == "drop_path" and package.partition(".")[0] == "timm":
        return OF_TIMM
    if last == "stochastic_depth" and package.partition(".")[0] == "torchvision":
        return OF_TORCHVISION
    return None


def described(operation: Operation) -> str:
    """Return what a message calls an operation that drops: dropout p=0.5 in Net 'encoder'."""
    name = operation.name.removesuffix(".default").rpartition(".")[2]
    where = f" in {operation.layer}" if operation.layer is not None else ""
    rate = "dropout_p" if operation.kind in ATTENTIONS else "p"
    return f"{name} {rate}={rate_of(operation):g}{where}"


def placed(operation: Operation) -> Place:
    """Return where an operation is: its line, and the layer it ran in."""
    if operation.layer is None or operation.place.module is not None:
        return operation.place
    return replace(operation.place, module=operation.layer.path)


def rate_of(operation: Operation) -> float:
    """Return the probability with which an operation dropped when it ran: 0 where it was off."""
    arguments = operation.arguments
    signature = signature_of(operation.name)
    if operation.kind in ATTENTIONS:
        rate = arguments.get("dropout_p", 0.0)
        training = operation.kind == ATTENTION or arguments.get("training", True)
    elif operation.kind in DROPOUTS:
        rate = arguments.get("p", signature.default_rate if signature else None)
        default = signature.default_training if signature else None
        training = arguments.get("training", arguments.get("train", default))
    else:
        return 0.0
    is_known = isinstance(rate, float | int) and training is not None
    return float(rate) if is_known and training else 0.0
