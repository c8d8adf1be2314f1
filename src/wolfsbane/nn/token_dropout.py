"""Token dropout: whole tokens are taken out of a sequence, as many from each sample."""

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.token_dropout import check_num_prefix_tokens, check_token_rate
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import generator_text, is_leaf


class TokenDropout(_Dropout):
    r"""Take a random share p of the tokens out of each sequence; those left keep their order.

    $$K = \max(1, \mathrm{round}((L - P)(1 - p)))$$

    In training K of the L - P tokens after the first P are kept, in each sample others, and nothing
    is scaled: the output is shorter, so what follows costs less. In evaluation the layer returns
    its input and draws nothing. Put it after the position embedding. It has neither parameters nor
    buffers.

    Args:
        p: share of the tokens to be taken out, in [0, 1]. At 1 one token is left. Default: 0.5.
        num_prefix_tokens: P, tokens at the front that are never dropped, such as a class token.
            Default: 1.
        return_indices: return also which tokens were kept, (N, K), counted after the prefix;
            None where all are. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, L, *) to (N, P + K, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, num_prefix_tokens not a number of
            tokens of the input, generator not a generator.
        ShapeError: the input has fewer than two dimensions.

    Examples:
        >>> TokenDropout(p=0.75)(torch.ones(2, 197, 8)).shape  # a class token and 49 of 196
        torch.Size([2, 50, 8])

    References:
        Li et al. 2022, arXiv:2212.00794.
    """

    @explain_unknown_arguments
    def __init__(
        self,
        p: float = 0.5,
        *,
        num_prefix_tokens: int = 1,
        return_indices: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        rate = check_token_rate(p)
        check_num_prefix_tokens(num_prefix_tokens)
        super().__init__(rate, generator=generator)
        self.num_prefix_tokens = num_prefix_tokens
        self.return_indices = return_indices

    @is_leaf
    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor | None]:
        """Return the tokens left (training) or the input as it is (evaluation)."""
        return F.token_dropout(
            input,
            self.p,
            self.training,
            num_prefix_tokens=self.num_prefix_tokens,
            return_indices=self.return_indices,
            generator=self.generator,
        )

    def extra_repr(self) -> str:
        return (
            f"p={self.p}, num_prefix_tokens={self.num_prefix_tokens}, "
            f"return_indices={self.return_indices}{generator_text(self)}"
        )
