"""What an executor of compiled kernels offers; `kernels.cpu` and `kernels.gpu` are such modules."""

from typing import Protocol

from torch import Tensor

from wolfsbane.kernels.block import Norm, Running, Tail


class Executor(Protocol):
    """Operations on plain tensors in memory, without derivatives; see `reference` for each."""

    def masked_affine(
        self,
        input: Tensor,
        p: float,
        key: int,
        mask_shape: tuple[int, ...],
        coefficients: tuple[float, float, float],
        start: int = 0,
    ) -> Tensor:
        """Return scale * input + shift where the mask keeps, fill where it drops."""

    def dropout_add(
        self, input: Tensor, residual: Tensor, p: float, key: int, start: int = 0
    ) -> Tensor:
        """Return dropout(input) + residual."""

    def gaussian(
        self, input: Tensor, std: float, is_factor: bool, key: int, start: int = 0
    ) -> Tensor:
        """Return input * (1 + std z), or input + std z, of normal z. The CPU's alone has it."""

    def batch_norm_forward(
        self,
        input: Tensor,
        norm: Norm,
        tail: Tail,
        statistics: Tensor,
        running: Running | None = None,
    ) -> Tensor:
        """Return dropout(act(batch_norm(input))).

        In training, write (2, C) float64 means and variances to `statistics` and move `running`.
        """

    def batch_norm_backward(
        self, grad: Tensor, input: Tensor, norm: Norm, tail: Tail, statistics: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the gradients of input, weight and bias, the latter two in float32 or wider."""

    def bias_act_dropout_forward(self, input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
        """Return dropout(act(input + bias))."""

    def bias_act_dropout_backward(
        self, grad: Tensor, input: Tensor, bias: Tensor | None, tail: Tail
    ) -> tuple[Tensor, Tensor | None]:
        """Return the gradients of input and bias, the latter in float32 or wider."""
