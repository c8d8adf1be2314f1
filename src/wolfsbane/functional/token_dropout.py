"""Token dropout: whole tokens are taken out of a sequence, as many from each sample."""

import torch
from torch import Tensor

from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.keys import draw
from wolfsbane.mask.shard import first_index
from wolfsbane.mask.uniform import uniform

FEWEST_DIMS = 2
"""Of (N, L, *): a batch of sequences."""


@overridable
def token_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    *,
    num_prefix_tokens: int = 1,
    return_indices: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor | tuple[Tensor, Tensor | None]:
    r"""Take a random share p of the tokens out of each sequence; those left keep their order.

    $$K = \max(1, \mathrm{round}((L - P)(1 - p)))$$

    Of the L - P tokens after the first P, which stay, K are kept in each sample, every subset with
    the same probability: those with the smallest of L - P random numbers. Nothing is scaled. The
    output is shorter, so what follows costs less. The numbers follow from one key
    (`wolfsbane.mask.uniform`). In evaluation, and where all tokens would be kept, the input itself
    is returned and nothing is drawn.

    Args:
        input: tensor of any dtype.
        p: share of the tokens to be taken out, in [0, 1]. At 1 one token is left. Default: 0.5.
        training: False returns the input. Default: True.
        num_prefix_tokens: P, tokens at the front that are never dropped, such as a class token.
            Default: 1.
        return_indices: return also which tokens were kept, (N, K), counted after the prefix;
            None where all are. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, L, *) to (N, P + K, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, num_prefix_tokens not a number of
            tokens of the input.
        ShapeError: the input has fewer than two dimensions.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> x = torch.arange(9.0).view(1, 9, 1)
        >>> y, kept = token_dropout(x, p=0.5, return_indices=True)
        >>> y.flatten(), kept
        (tensor([0., 2., 6., 7., 8.]), tensor([[1, 5, 6, 7]]))

    References:
        Li et al. 2022, arXiv:2212.00794.
    """
    rate = check_token_rate(p)
    check_num_prefix_tokens(num_prefix_tokens)
    if input.dim() < FEWEST_DIMS:
        raise ShapeError(
            f"token_dropout expects (N, L, *), but got shape {tuple(input.shape)}. One sequence "
            "needs a batch dimension: input.unsqueeze(0)"
        )
    num_tokens = input.size(1) - num_prefix_tokens
    if num_tokens < 0:
        raise ArgumentError(
            f"num_prefix_tokens has to be at most the number of tokens, but got "
            f"{num_prefix_tokens} for an input with {input.size(1)} of them: dimension 1"
        )
    num_kept = num_tokens_kept(num_tokens, rate)
    if not training or num_kept == num_tokens:
        return (input, None) if return_indices else input
    kept = _random_subset((input.size(0), num_tokens), num_kept, input, generator)
    output = take_tokens(input, kept, num_prefix_tokens)
    return (output, kept) if return_indices else output


def check_token_rate(p: object) -> float:
    """Return a share of tokens as a float, or raise: the output's shape depends on it."""
    if isinstance(p, Tensor):
        raise ArgumentTypeError(
            "dropout probability has to be a number for token dropout, but got a tensor: the shape "
            "of the output depends on it. Pass p.item()"
        )
    return check_probability(p)


def check_num_prefix_tokens(number: object) -> None:
    """Raise unless `number` is an integer of at least 0."""
    expected = f"num_prefix_tokens has to be an integer of at least 0, but got {number!r}"
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise ArgumentTypeError(f"{expected} (of type {type(number).__name__})")
    if number.__index__() < 0:
        raise ArgumentError(f"{expected}. It counts tokens at the front that are never dropped")


def _random_subset(
    shape: tuple[int, int], num_kept: int, input: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Return the indices, in order, of the smallest of random numbers in each row."""
    key = draw(generator, input)
    numbers = uniform(shape, key, input.device, first_index(shape))
    return numbers.argsort(dim=1)[:, :num_kept].sort(dim=1).values


def num_tokens_kept(num_tokens: int, p: float) -> int:
    """Return how many of the tokens after the prefix are kept."""
    if p == 0.0:
        return num_tokens
    return min(num_tokens, max(1, round(num_tokens * (1.0 - p))))


def take_tokens(input: Tensor, kept: Tensor, num_prefix_tokens: int) -> Tensor:
    """Return the prefix of (N, L, *), and the tokens after it whose indices, (N, K), are given."""
    places = kept[(..., *(None,) * (input.dim() - 2))].expand(-1, -1, *input.shape[2:])
    if num_prefix_tokens == 0:
        return input.gather(1, places)
    prefix, tokens = input[:, :num_prefix_tokens], input[:, num_prefix_tokens:]
    return torch.cat([prefix, tokens.gather(1, places)], dim=1)
