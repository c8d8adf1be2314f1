"""Embedding dropout: whole words are dropped, wherever they occur in a batch."""

from typing import Any, Self

import torch
from torch import Tensor

from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.functional.drop_weights import drop_weights
from wolfsbane.kernels.reference import HALF_PRECISION
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import check_rate, never_drops
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import generator_text, is_leaf, set_rate


class EmbeddingDropout(_Dropout, torch.nn.Embedding):
    r"""An embedding of which whole words are dropped with probability p, and the rest scaled up.

    $$y_i = m_{w_i} E_{w_i} / (1 - p), \quad m_w \sim \mathrm{Bernoulli}(1 - p)$$

    In training one decision is made per word of the vocabulary at every call, so that all
    occurrences of a word in a batch are dropped together. In evaluation it is a plain embedding,
    and nothing is drawn. A `torch.nn.Embedding` with its arguments, parameter and state_dict key
    `weight`, so that weights go either way. `padding_idx`, `max_norm`, `scale_grad_by_freq` and
    `sparse` are torch's: the rows that are looked up are masked, not the matrix, and a sparse
    gradient stays sparse.

    Args:
        num_embeddings: V, the number of words.
        embedding_dim: D, the size of a word's vector.
        padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, device, dtype: those of
            `torch.nn.Embedding`.
        p: probability of a word to be dropped, in [0, 1]. Default: 0.1, as in the paper.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        Integers (*) to (*, D).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> layer = EmbeddingDropout(10, 3, padding_idx=0, p=0.5)
        >>> y = layer(torch.tensor([[4, 2], [2, 4]]))
        >>> torch.equal(y[0], y[1].flip(0))  # a word is kept or dropped in the whole batch
        True

    References:
        Merity, Keskar, Socher 2017, arXiv:1708.02182, section 4.3. Gal, Ghahramani 2016,
        arXiv:1512.05287, section 4.2.
    """

    @explain_unknown_arguments
    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        p: float | Tensor = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        check_rate(p)
        check_generator(generator)
        torch.nn.Embedding.__init__(
            self,
            num_embeddings,
            embedding_dim,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight,
            _freeze,
            device,
            dtype,
        )
        self.inplace = False
        set_rate(self, p)
        self.generator = generator

    @classmethod
    def from_embedding(
        cls,
        embedding: torch.nn.Embedding,
        p: float | Tensor = 0.1,
        *,
        generator: torch.Generator | None = None,
    ) -> Self:
        """Return a layer that shares the weight of an embedding, and has its options and mode."""
        if not isinstance(embedding, torch.nn.Embedding):
            raise ArgumentTypeError(
                "from_embedding needs a torch.nn.Embedding, but got "
                f"{type(embedding).__name__}. To make a new one: EmbeddingDropout(V, D, p=0.1)"
            )
        layer = cls(
            embedding.num_embeddings,
            embedding.embedding_dim,
            embedding.padding_idx,
            embedding.max_norm,
            embedding.norm_type,
            embedding.scale_grad_by_freq,
            embedding.sparse,
            p=p,
            generator=generator,
            device="meta",
        )
        layer.weight = embedding.weight
        layer.training = embedding.training
        return layer

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the vectors of words, of which some are dropped in training."""
        vectors: Tensor = torch.nn.Embedding.forward(self, input)
        if not self.training or never_drops(self.p):
            return vectors
        factor = torch.nn.functional.embedding(input, self._factors())
        return torch.where(factor > 0, vectors * factor, 0.0).to(vectors.dtype)

    def _factors(self) -> Tensor:
        """Return what each word is multiplied by, the same in all processes."""
        weight = self.weight
        dtype = torch.float32 if weight.dtype in HALF_PRECISION else weight.dtype
        ones = torch.ones((self.num_embeddings, 1), dtype=dtype, device=weight.device)
        return drop_weights(ones, self.p, self.generator)

    def extra_repr(self) -> str:
        return f"{torch.nn.Embedding.extra_repr(self)}, p={self.p}{generator_text(self)}"
