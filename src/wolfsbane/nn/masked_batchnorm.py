"""Batch norm of padded sequences: the padding does not count."""

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.nn.batchnorm import BatchNorm1d
from wolfsbane.nn.layer import as_node


class MaskedBatchNorm1d(BatchNorm1d):
    r"""Normalise each feature over the valid positions of a batch; the others become zero.

    $$y_i = m_i \Bigl(\frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta\Bigr), \quad
    \mu = \frac{\sum_i m_i x_i}{\sum_i m_i}, \quad
    \sigma^2 = \frac{\sum_i m_i (x_i - \mu)^2}{\sum_i m_i}$$

    In training, `layer(input, mask=mask)` is a `BatchNorm1d` of the valid positions alone, running
    statistics included. In evaluation the running statistics normalise. In both, what stands at the
    other positions has no effect, and the output there is zero, so that padding stays padding.
    Without a mask it is a `BatchNorm1d`, whose state_dict it has.

    Statistics accumulate in float64; the output keeps the input's dtype. In a compiled graph the
    number of valid positions is not to be had: with fewer than two the running statistics stay as
    they are, and nothing is raised.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches, however many positions they have. Default: 0.1.
        affine: learn gamma (`weight`) and beta (`bias`). Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    Shape:
        input (N, C) with mask (N,), or input (N, C, L) with mask (N, L), to the input's shape.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features, a mask of another shape, or one that
            calls fewer than two positions valid in training.
        DtypeError: a mask that is not of bools; an input that does not go with the parameters.

    Examples:
        >>> x = torch.tensor([[[1.0, 3.0, 99.0]], [[1.0, 99.0, 99.0]]])
        >>> lengths = torch.tensor([2, 1])
        >>> bn = MaskedBatchNorm1d(1)
        >>> bn(x, mask=torch.arange(3) < lengths[:, None])
        tensor([[[-0.7071,  1.4142,  0.0000]],
                [[-0.7071,  0.0000,  0.0000]]], grad_fn=...)

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167. Keras' BatchNormalization takes such a mask; it
        normalises the other positions too.
    """

    def forward(self, input: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the input normalised over the positions where the mask is True."""
        if mask is None:
            return super().forward(input)
        if isinstance(input, torch.fx.Proxy):
            node: Tensor = as_node(self, input, mask)
            return node
        self._check_input_dim(input)
        tracked = self.track_running_stats or not self.training
        output = F.masked_batch_norm(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            self._update_weight(),
            self.eps,
            mask=mask,
        )
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return output
