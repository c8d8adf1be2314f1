"""What every dropout of the collection promises: modes, seeds, generators, copies, dtypes."""

import copy
import pickle

import pytest
import torch

from collection_dropouts import CASES, collection, seeded
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.mask import shard

WITH_RATES = [case for case in CASES if case.name != "GaussianNoise"]


@collection
def test_evaluation_draws_nothing_and_drops_nothing(case):
    layer, x = case.make().eval(), case.input()
    before = torch.get_rng_state()
    y = layer(x)
    assert torch.equal(torch.get_rng_state(), before)
    if case.keeps_its_input:
        assert y is x
    else:
        inside = getattr(layer, "module", layer)
        expected = (
            torch.nn.functional.embedding(x, layer.weight)
            if case.is_of_words
            else torch.nn.functional.linear(x, inside.weight, inside.bias)
        )
        assert torch.equal(y, expected)


@collection
def test_training_differs_from_evaluation_and_from_call_to_call(case):
    layer, x = case.make(), case.input()
    outputs = [layer(x) for _ in range(2)]
    assert not torch.equal(*outputs)
    evaluated = layer.eval()(x)
    assert not torch.equal(outputs[0], evaluated)


@collection
def test_seed_fixes_the_output(case):
    layer, x = case.make(), case.input()
    assert torch.equal(seeded(layer, x), seeded(layer, x))


@collection
def test_generator_is_used_and_the_default_one_left_alone(case):
    layer, x = case.make(generator=torch.Generator().manual_seed(5)), case.input()
    before = torch.get_rng_state()
    first = layer(x)
    assert torch.equal(torch.get_rng_state(), before)
    layer.generator.manual_seed(5)
    assert torch.equal(layer(x), first)


@collection
def test_default_generator_given_by_name_is_the_default(case):
    x = case.input()
    expected = seeded(case.make(), x)
    assert torch.equal(seeded(case.make(generator=torch.default_generator), x), expected)


@collection
def test_what_is_no_generator_is_refused(case):
    with pytest.raises(ArgumentTypeError, match="manual_seed"):
        case.make(generator=3)


@collection
def test_copies_and_pickles_give_the_same(case):
    layer, x = case.make(), case.input()
    expected = seeded(layer, x)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(seeded(other, x), expected)
        assert torch.equal(other.eval()(x), copy.deepcopy(layer).eval()(x))


@collection
def test_state_dict_goes_round(case):
    layer, other = case.make(), case.make()
    state = {key: value + 0.25 for key, value in layer.state_dict().items()}
    other.load_state_dict(state)
    assert other.state_dict().keys() == state.keys()
    for key, value in other.state_dict().items():
        assert torch.equal(value, state[key])


STATE_KEYS = {
    "ConcreteDropout": {"p_logit", "module.weight", "module.bias"},
    "DropConnect": {"weight", "bias"},
    "WeightDrop": {"module.weight", "module.bias"},
    "EmbeddingDropout": {"weight"},
}


@collection
def test_state_dict_has_these_keys(case):
    assert set(case.make().state_dict()) == STATE_KEYS.get(case.name, set())


@collection
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_the_float32_result_rounded(case, dtype):
    layer = case.make().to(dtype)
    wide = copy.deepcopy(layer).float()
    x = case.input(dtype)
    y = seeded(layer, x)
    truth = seeded(wide, x if case.is_of_words else x.float())
    assert y.dtype is dtype
    # A linear map rounds its weights and its sum besides: three roundings of the largest terms.
    roundings = 1 if case.keeps_its_input or case.is_of_words else 8
    allowed = roundings * torch.finfo(dtype).eps * truth.abs().max()
    assert ((y.float() - truth).abs() <= allowed).all()


@collection
def test_repr_tells_the_rate(case):
    words = repr(case.make())
    assert ("std=" if case.name == "GaussianNoise" else "p=0.") in words


@collection
def test_dropouts_are_found_by_their_base_class_and_their_rate(case):
    layer = case.make()
    is_dropout = isinstance(layer, torch.nn.modules.dropout._DropoutNd)
    assert is_dropout == (case.name != "GaussianNoise")
    if is_dropout:
        layer.p = 0.25
        assert layer.p == pytest.approx(0.25)
        assert layer.inplace is False


@collection
def test_rate_set_to_zero_or_near_it_drops_nothing(case):
    layer, x = case.make(), case.input()
    rate = "std" if case.name == "GaussianNoise" else "p"
    setattr(layer, rate, 1e-12 if case.name == "ConcreteDropout" else 0.0)
    training = layer(x)
    assert torch.equal(training, layer.eval()(x))


@collection
def test_layer_is_a_node_of_what_fx_traces(case):
    layer = torch.nn.Sequential(case.make())
    traced = torch.fx.symbolic_trace(layer)
    x = case.input()
    assert [node.op for node in traced.graph.nodes] == ["placeholder", "call_module", "output"]
    assert torch.equal(seeded(traced, x), seeded(layer, x))


@collection
def test_shards_of_a_batch_have_their_part_of_the_mask(case):
    layer, x = case.make(), case.input()
    batch_dim = 1 if case.name == "LockedDropout" else 0
    is_block = "Block" in case.name  # whose scale is that of a rank's own elements

    def run(x):
        y = seeded(layer, x)
        return (y != 0).float() if is_block else y

    parts = []
    for rank, part in enumerate(x.chunk(2, batch_dim)):
        with shard(rank, 2):
            parts.append(run(part))
    torch.testing.assert_close(torch.cat(parts, batch_dim), run(x))


@collection
def test_moving_the_batch_in_memory_changes_nothing(case):
    layer, x = case.make(), case.input()
    elsewhere = x.movedim(0, -1).contiguous().movedim(-1, 0)
    torch.testing.assert_close(seeded(layer, elsewhere), seeded(layer, x))


@pytest.mark.parametrize("case", WITH_RATES, ids=lambda case: case.name)
def test_wrong_rate_is_refused_by_name(case):
    make = {
        "Dropout-broadcast": lambda p: nn.Dropout(p, broadcast_dims=(0,)),
        "ConcreteDropout": lambda p: nn.ConcreteDropout(torch.nn.Linear(2, 2), 10, p),
        "DropConnect": lambda p: nn.DropConnect(2, 2, p=p),
        "WeightDrop": lambda p: nn.WeightDrop(torch.nn.Linear(2, 2), "weight", p),
        "EmbeddingDropout": lambda p: nn.EmbeddingDropout(2, 2, p=p),
    }.get(case.name, getattr(nn, case.name, None))
    with pytest.raises(ArgumentError, match=r"p=0\.3"):
        make(30)
    with pytest.raises(ArgumentTypeError, match="probability has to be"):
        make("half")


@pytest.mark.parametrize(
    "make",
    [
        nn.GaussianDropout,
        nn.GaussianNoise,
        nn.DropBlock2d,
        nn.LockedDropout,
        nn.TokenDropout,
        lambda **own: nn.DropConnect(2, 2, **own),
        lambda **own: nn.EmbeddingDropout(3, 2, **own),
        lambda **own: nn.WeightDrop(torch.nn.Linear(2, 2), "weight", **own),
        lambda **own: nn.ConcreteDropout(torch.nn.Linear(2, 2), num_samples=5, **own),
    ],
)
def test_text_of_a_layer_names_a_generator_of_its_own(make):
    assert "generator" not in repr(make())
    assert "generator=<cpu generator>" in repr(make(generator=torch.Generator()))
