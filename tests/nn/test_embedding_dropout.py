"""EmbeddingDropout: whole words in a whole batch; otherwise torch's embedding."""

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.mask import draw_key, keep_mask, scale, shard

WORDS = torch.tensor([[1, 2, 3, 1], [4, 0, 9, 1]])


def by_masked_matrix(layer, words, p, key, **options):
    """Return AWD-LSTM's embedding dropout: look up in a matrix whose rows are masked."""
    keep = keep_mask((layer.num_embeddings, 1), p, key)
    matrix = torch.where(keep, layer.weight * scale(p), 0.0)
    return torch.nn.functional.embedding(words, matrix, **options)


@pytest.mark.parametrize("padding_idx", [None, 0, 4, -1])
@pytest.mark.parametrize("scale_grad_by_freq", [False, True])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_output_and_gradient_are_those_of_a_masked_matrix(padding_idx, scale_grad_by_freq, p):
    options = {"padding_idx": padding_idx, "scale_grad_by_freq": scale_grad_by_freq}
    layer = nn.EmbeddingDropout(10, 3, dtype=torch.float64, p=p, **options)
    with torch.random.fork_rng(devices=[]):
        expected = by_masked_matrix(
            layer,
            WORDS,
            p,
            draw_key(),
            padding_idx=layer.padding_idx,
            scale_grad_by_freq=scale_grad_by_freq,
        )
    y = layer(WORDS)
    torch.testing.assert_close(y, expected)
    (grad,), (truth,) = (
        torch.autograd.grad(out.square().sum(), layer.weight) for out in (y, expected)
    )
    torch.testing.assert_close(grad, truth)


def test_word_is_dropped_in_the_whole_batch_or_not_at_all():
    layer = nn.EmbeddingDropout(2000, 4, p=0.5)
    y = layer(torch.arange(2000).expand(3, 2000))
    assert torch.equal(y, y[:1].expand_as(y))
    dropped = y[0] == 0
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert 0 < int(dropped[:, 0].sum()) < 2000


def test_sparse_gradient_stays_sparse_and_is_the_dense_one():
    layer = nn.EmbeddingDropout(10, 3, sparse=True, p=0.5)
    dense = nn.EmbeddingDropout(10, 3, p=0.5)
    dense.load_state_dict(layer.state_dict())
    for each in (layer, dense):
        torch.manual_seed(1)
        each(WORDS).square().sum().backward()
    assert layer.weight.grad.is_sparse
    torch.testing.assert_close(layer.weight.grad.to_dense(), dense.weight.grad)


def test_norm_is_limited_before_words_are_dropped():
    layer = nn.EmbeddingDropout(10, 3, max_norm=0.5, p=0.5)
    with torch.no_grad():
        layer.weight.mul_(100)
    norms = layer(WORDS).norm(dim=-1)
    assert ((norms == 0) | ((norms - 1.0).abs() < 1e-4)).all()
    assert (layer.weight[WORDS].norm(dim=-1) < 0.5001).all()


def test_it_is_an_embedding_whose_weights_go_either_way():
    embedding, layer = torch.nn.Embedding(10, 3), nn.EmbeddingDropout(10, 3)
    layer.load_state_dict(embedding.state_dict())
    embedding.load_state_dict(layer.state_dict())
    assert torch.equal(layer.eval()(WORDS), embedding(WORDS))


def test_layer_made_of_an_embedding_shares_its_weight_options_and_mode():
    embedding = torch.nn.Embedding(10, 3, 2, 0.5, 1.0, True, True).eval()
    layer = nn.EmbeddingDropout.from_embedding(embedding, 0.3)
    assert layer.weight is embedding.weight
    assert (layer.training, layer.p) == (False, 0.3)
    named = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")
    assert [getattr(layer, name) for name in named] == [2, 0.5, 1.0, True, True]
    with pytest.raises(ArgumentTypeError, match="got Linear"):
        nn.EmbeddingDropout.from_embedding(torch.nn.Linear(2, 2))


def test_pretrained_vectors_may_be_given():
    vectors = torch.randn(10, 3)
    layer = nn.EmbeddingDropout.from_pretrained(vectors)
    assert torch.equal(layer.eval()(WORDS), vectors[WORDS])
    assert not layer.weight.requires_grad


def test_weights_tied_to_a_decoder_stay_tied_and_undropped_there():
    layer, decoder = nn.EmbeddingDropout(10, 3, p=1.0), torch.nn.Linear(3, 10)
    decoder.weight = layer.weight
    assert torch.equal(layer(WORDS), torch.zeros(2, 4, 3))
    assert decoder.weight.abs().sum() > 0


def test_all_processes_drop_the_same_words():
    layer, outputs = nn.EmbeddingDropout(500, 2, p=0.5), []
    for rank in (0, 1):
        torch.manual_seed(2)
        with shard(rank, 2):
            outputs.append(layer(torch.arange(500)))
    assert torch.equal(*outputs)


def test_derivatives_hold():
    layer = nn.EmbeddingDropout(5, 2, dtype=torch.float64, p=0.4)
    words = torch.tensor([0, 1, 1, 4])

    def fixed(weight):
        torch.manual_seed(1)
        return torch.func.functional_call(layer, {"weight": weight}, (words,))

    torch.autograd.gradcheck(fixed, layer.weight.detach().requires_grad_())
