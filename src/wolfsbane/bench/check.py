"""Is our result right? Asked before anything is timed, of the same tensors that are timed.

Truth is the subject's formula in float64, with the masks that `wolfsbane.mask.keep_mask` gives for
the keys that ours draws. The error allowed is twice that of the formula in the tensors' own dtype,
computed by torch, plus a floor.
"""

import torch
from torch import Tensor

from wolfsbane.bench.case import RedCheckError
from wolfsbane.bench.subject import SEED, Function, Subject

NEAR_A_KINK = 1e-4
"""Within this of a kink, rounding may decide the derivative: no gradient is sent there.

float32 batch norm is off by some 1e-6 where values are of order 1.
"""

CERTAIN = 1e-3
"""A kept element whose true value is larger than this cannot be zero by rounding."""


def check(subject: Subject, backward: bool) -> None:
    """Compare ours with the truth: output, zeros, and gradients where `backward`.

    Raises:
        RedCheckError: it differs.
    """
    masks = subject.drawn_masks(torch.float64)
    upstream = _upstream(subject, masks) if backward else None
    truth = _by_formula(subject, torch.float64, masks, upstream)
    torch.manual_seed(SEED)
    with subject.around():
        ours = _values(subject.ours, subject.data, subject.leaves, upstream)
    if subject.masks and subject.drops_last:
        check_zeros(ours[0], masks[-1], truth[0])
    dtype = subject.data[0].dtype
    theirs = _by_formula(subject, dtype, [mask.to(dtype) for mask in masks], upstream)
    names = ["the output", *(f"gradient {number + 1}" for number in range(len(truth) - 1))]
    for name, mine, other, exact in zip(names, ours, theirs, truth, strict=True):
        check_values(name, mine, other, exact, floor=subject.floor, norm=subject.norm)


def check_values(
    name: str,
    ours: Tensor,
    theirs: Tensor,
    truth: Tensor,
    floor: float = Subject.floor,
    norm: float = Subject.norm,
) -> None:
    """Raise unless our error is at most twice theirs plus `floor` times the size of the truth."""
    _check_shape(name, ours, truth)
    if ours.dtype is not theirs.dtype:
        raise RedCheckError(f"{name} is {ours.dtype}; it has to be {theirs.dtype}")
    error, error_of_torch, size = (
        torch.linalg.vector_norm(difference, norm).item()
        for difference in (ours.double() - truth, theirs.double() - truth, truth)
    )
    allowed = 2 * error_of_torch + floor * size
    # Not `error > allowed`, which a nan would pass.
    if not error <= allowed:
        raise RedCheckError(
            f"{name} is off by {error:.3g}; torch in the same dtype by {error_of_torch:.3g}, and "
            f"{allowed:.3g} is allowed"
        )


def check_zeros(output: Tensor, mask: Tensor, truth: Tensor) -> None:
    """Raise unless exactly those elements are zero that the mask drops."""
    _check_shape("the output", output, truth)
    is_dropped = (mask == 0).expand(output.shape)
    if (output[is_dropped] != 0).any():
        raise RedCheckError("elements that wolfsbane.mask.keep_mask drops are not zero")
    if (output[truth.abs() > CERTAIN] == 0).any():
        raise RedCheckError("elements that wolfsbane.mask.keep_mask keeps are zero")


def _check_shape(name: str, ours: Tensor, truth: Tensor) -> None:
    if ours.shape != truth.shape:
        raise RedCheckError(
            f"{name} has the shape {tuple(ours.shape)}; it has to be {tuple(truth.shape)}"
        )


def _upstream(subject: Subject, masks: list[Tensor]) -> Tensor:
    """Return a gradient of the output, zero where the derivative jumps."""
    tensors = [tensor.detach().double() for tensor in (*subject.data, *subject.parameters)]
    upstream = torch.randn_like(subject.formula(*tensors, *masks)).to(subject.data[0].dtype)
    if subject.kinks is None:
        return upstream
    is_near = subject.kinks(*tensors, *masks).abs() < NEAR_A_KINK
    return upstream.masked_fill(is_near, 0.0)


def _by_formula(
    subject: Subject, dtype: torch.dtype, masks: list[Tensor], upstream: Tensor | None
) -> list[Tensor]:
    tensors = [
        tensor.detach()
        .to(dtype if dtype is torch.float64 else tensor.dtype, copy=True)
        .requires_grad_(tensor.requires_grad)
        for tensor in (*subject.data, *subject.parameters)
    ]
    leaves = tuple(tensor for tensor in tensors if tensor.requires_grad)
    return _values(subject.formula, (*tensors, *masks), leaves, upstream)


def _values(
    function: Function,
    arguments: tuple[Tensor, ...],
    leaves: tuple[Tensor, ...],
    upstream: Tensor | None,
) -> list[Tensor]:
    """Return the output, and the gradients of the leaves where there is one of the output."""
    output = function(*arguments)
    if upstream is None:
        return [output.detach()]
    return [output.detach(), *torch.autograd.grad(output, leaves, upstream.to(output.dtype))]
