"""Where a rank's part of a mask holds: in the context, whatever looks at what is done there."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.mask import shard

SEED = 3
P = 0.4
WORLD_SIZE = 4
SIZE = 93


def drawn(size=SIZE):
    torch.manual_seed(SEED)
    return F.dropout(torch.ones(size), P)


@pytest.fixture
def masks():
    """Return each rank's part of one mask, which differ."""
    parts = drawn(SIZE * WORLD_SIZE).chunk(WORLD_SIZE)
    assert len({tuple(part.tolist()) for part in parts}) == WORLD_SIZE
    return parts


def test_inner_context_holds_until_it_ends(masks):
    with shard(1, WORLD_SIZE):
        with shard(2, WORLD_SIZE):
            assert torch.equal(drawn(), masks[2])
            with shard(0, 1):
                assert torch.equal(drawn(), masks[0])
            assert torch.equal(drawn(), masks[2])
        assert torch.equal(drawn(), masks[1])
    assert torch.equal(drawn(), masks[0])


def test_exception_ends_the_context_too(masks):
    with shard(1, WORLD_SIZE):
        with pytest.raises(KeyError), shard(2, WORLD_SIZE):
            raise KeyError
        assert torch.equal(drawn(), masks[1])


def test_rank_is_that_of_all_threads_of_the_process(masks):
    with ThreadPoolExecutor(1) as pool, shard(2, WORLD_SIZE):
        assert torch.equal(pool.submit(drawn).result(), masks[2])


def test_decorated_function_runs_in_the_context(masks):
    decorated = shard(3, WORLD_SIZE)(drawn)
    assert torch.equal(decorated(), masks[3])
    assert torch.equal(drawn(), masks[0])


@pytest.mark.parametrize("rank", range(1, WORLD_SIZE))
def test_rank_draws_as_many_random_numbers_as_any_process(rank):
    layers = torch.nn.Sequential(nn.Dropout(P), nn.DropPath(P), nn.BatchNormAct1d(3, "relu", P))
    states = []
    for number in (0, rank):
        torch.manual_seed(SEED)
        with shard(number, WORLD_SIZE):
            layers(torch.randn(5, 3))
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Dropout(P),
        nn.DropPath(P),
        nn.AlphaDropout(P),
        nn.BatchNormAct1d(3, "gelu", P),
        nn.BiasActDropout(3, "gelu", P),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_nothing_is_dropped_or_drawn_in_evaluation(layer):
    x, before = torch.randn(5, 3), torch.get_rng_state()
    expected = layer.eval()(x)
    with shard(1, WORLD_SIZE):
        y = layer(x)
    assert torch.equal(y, expected)
    assert (y != 0).all()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("rank", "world_size", "error", "message"),
    [
        (2, 2, ArgumentError, "rank=2 and world_size=2"),
        (-1, 2, ArgumentError, "rank=-1 and world_size=2"),
        (0, 0, ArgumentError, "rank=0 and world_size=0"),
        (0, -1, ArgumentError, "rank=0 and world_size=-1"),
        (4, 1, ArgumentError, "rank=4 and world_size=1"),
        (True, 2, ArgumentTypeError, "rank has to be an integer, but got True"),
        (0, True, ArgumentTypeError, "world_size has to be an integer, but got True"),
        ("1", 2, ArgumentTypeError, "rank has to be an integer, but got '1'"),
        (0, 2.0, ArgumentTypeError, "world_size has to be an integer, but got 2.0"),
        (None, 2, ArgumentTypeError, "rank has to be an integer, but got None"),
        (torch.tensor(1), 2, ArgumentTypeError, "rank has to be an integer, but got tensor"),
    ],
)
def test_wrong_rank_is_refused_and_changes_nothing(masks, rank, world_size, error, message):
    with shard(1, WORLD_SIZE):
        with pytest.raises(error, match=message), shard(rank, world_size):
            pytest.fail("the block ran")
        assert torch.equal(drawn(), masks[1])


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d, F.drop_path])
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_vmap_over_members_gives_each_its_part_of_the_batch(function, randomness):
    x = torch.randn(3, 8, 5, 7)

    def members(x):
        torch.manual_seed(SEED)
        return torch.func.vmap(lambda x: function(x, P), randomness=randomness)(x)

    parts = []
    for rank, part in enumerate(x.chunk(WORLD_SIZE, dim=1)):
        with shard(rank, WORLD_SIZE):
            parts.append(members(part))
    expected = members(x)
    assert torch.equal(torch.cat(parts, dim=1), expected)
    assert torch.equal(expected[0] != 0, expected[1] != 0) == (randomness == "same")


def test_derivative_along_a_direction_has_the_part_s_mask(masks):
    x = torch.randn(SIZE)
    torch.manual_seed(SEED)
    with shard(2, WORLD_SIZE):
        _, tangent = torch.func.jvp(lambda x: F.dropout(x, P), (x,), (torch.ones(SIZE),))
    assert torch.equal(tangent, masks[2])


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointed_part_has_its_mask_again(masks, use_reentrant):
    x = torch.ones(SIZE, requires_grad=True)
    torch.manual_seed(SEED)
    with shard(2, WORLD_SIZE):
        # The square needs its input again for backward: so the mask is drawn again.
        y = checkpoint(lambda x: F.dropout(x, P).square(), x, use_reentrant=use_reentrant)
        y.sum().backward()
    assert torch.equal(y, masks[2].square())
    torch.testing.assert_close(x.grad, 2 * y)


@pytest.fixture
def compiler_is_reset():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        nn.Dropout(P),
        nn.FeatureAlphaDropout(P),
        nn.DropPath(P),
        nn.BiasActDropout(31, "relu", P),
    )


def part_of_network(model, x, rank, world_size):
    torch.manual_seed(SEED)
    part = x.chunk(world_size)[rank].detach().requires_grad_()
    with shard(rank, world_size):
        y = model(part)
    (grad,) = torch.autograd.grad(y.square().sum(), part)
    return y.detach(), grad


@pytest.mark.usefixtures("compiler_is_reset")
def test_compiled_step_follows_a_change_of_rank_and_of_size():
    model, x = network(), torch.randn(12, 7, 31)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    expected = part_of_network(model, x, 0, 1)
    for rank, world_size in [(0, 3), (1, 3), (2, 3), (0, 3), (1, 2), (0, 1), (3, 4)]:
        found = part_of_network(compiled, x, rank, world_size)
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other.chunk(world_size)[rank])


@pytest.mark.usefixtures("compiler_is_reset")
def test_context_within_a_compiled_function_holds_there_only(masks):
    def of_two(x):
        with shard(2, WORLD_SIZE):
            inside = F.dropout(x, P)
        return inside, F.dropout(x, P)

    torch.manual_seed(SEED)
    expected = of_two(torch.ones(SIZE))
    assert torch.equal(expected[0], masks[2])
    for _ in range(2):
        torch.manual_seed(SEED)
        found = torch.compile(of_two, backend="aot_eager")(torch.ones(SIZE))
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert torch.equal(drawn(), masks[0])
