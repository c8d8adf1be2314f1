"""Normal noise as autograd sees it: its derivative is the same operation, or the identity.

Nothing is saved for backward but the key: the noise is computed again. (Under torch.func, with
forward-mode derivatives and for rates that are tensors, torch sees the parts and saves the noise.)
"""

from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import reference
from wolfsbane.kernels.executor import Executor
from wolfsbane.kernels.plain_function import PlainFunction
from wolfsbane.kernels.select import executor_for
from wolfsbane.kernels.transforms import is_recorded, is_transformed
from wolfsbane.mask.key import Key, key_as_number, key_as_tensor
from wolfsbane.mask.rate import Rate


def gaussian(input: Tensor, std: Rate, is_factor: bool, key: Key, start: int = 0) -> Tensor:
    """Return input * (1 + std z), or input + std z, of normal z; differentiable in the input.

    See `wolfsbane.kernels.reference.gaussian`.
    """
    executor = executor_for("gaussian", input)
    if isinstance(std, Tensor):
        return reference.gaussian(input, std, is_factor, key, start)
    if is_recorded():
        recorded: Tensor = torch.ops.wolfsbane.gaussian(
            input, key_as_tensor(key), std, is_factor, start
        )
        return recorded
    if is_transformed():
        return reference.gaussian(input, std, is_factor, key, start)
    number = key_as_number(key) if isinstance(key, Tensor) else key
    how = (std, is_factor, number, start)
    if not (torch.is_grad_enabled() and input.requires_grad):
        return _compute(input, executor, how)
    output: Tensor = _Gaussian.apply(input, executor, how)
    return output


def _compute(input: Tensor, executor: Executor | None, how: tuple[float, bool, int, int]) -> Tensor:
    return reference.gaussian(input, *how) if executor is None else executor.gaussian(input, *how)


class _Gaussian(PlainFunction):
    @staticmethod
    def forward(ctx: Any, input: Tensor, executor: Executor | None, how: tuple[Any, ...]) -> Tensor:
        ctx.how = how
        return _compute(input, executor, how)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        std, is_factor, key, start = ctx.how
        grad = grads[0]
        return gaussian(grad, std, True, key, start) if is_factor else grad, None, None
