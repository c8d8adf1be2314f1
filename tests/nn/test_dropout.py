"""Dropout as a layer: modes, generators, copies, checkpoints."""

import copy
import io
import pickle

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from cases import dropouts
from wolfsbane import functional as F
from wolfsbane import nn

LAYERS = ("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "DropPath")

reentrant = pytest.mark.parametrize("use_reentrant", [False, True])


def layer_of(case, *args, **kwargs):
    return getattr(nn, case.layer)(*args, **kwargs)


def repeat(function, *args):
    """Return what `function` gives twice, from the same state of the generator."""
    with torch.random.fork_rng(devices=[]):
        first = function(*args)
    return first, function(*args)


def save_and_load(thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


@dropouts
def test_training_is_the_function_and_evaluation_the_input_itself(case):
    layer = layer_of(case, 0.3)
    x = torch.rand(case.shape) + 1
    with torch.random.fork_rng(devices=[]):
        expected = getattr(F, case.function)(x, 0.3, True)
    assert torch.equal(layer(x), expected)
    state = torch.get_rng_state()
    assert layer.eval()(x) is x
    assert torch.equal(torch.get_rng_state(), state)


@dropouts
def test_rate_zero_draws_nothing(case):
    x = torch.rand(case.shape)
    state = torch.get_rng_state()
    assert layer_of(case, 0.0)(x) is x
    assert torch.equal(torch.get_rng_state(), state)


@dropouts
def test_every_call_draws_a_new_mask(case):
    layer = layer_of(case, 0.5)
    x = torch.rand(case.shape) + 1
    # The fewest decisions are 113: equal with probability 2^-113.
    assert not torch.equal(layer(x), layer(x))


@dropouts
def test_inplace_writes_into_the_input(case):
    x = torch.rand(case.shape) + 1
    with torch.random.fork_rng(devices=[]):
        expected = layer_of(case, 0.5)(x)
    assert layer_of(case, 0.5, inplace=True)(x) is x
    assert torch.equal(x, expected)


@dropouts
def test_inplace_has_the_gradient_of_out_of_place(case):
    gradients = []
    for inplace in (False, True):
        x = torch.ones(case.shape, requires_grad=True)
        with torch.random.fork_rng(devices=[]):
            layer_of(case, 0.5, inplace)(x * 2).square().sum().backward()
        gradients.append(x.grad)
    assert torch.equal(*gradients)


@dropouts
def test_state_dict_is_empty_as_torch_s(case):
    layer = layer_of(case, 0.5, generator=torch.Generator())
    assert layer.state_dict() == {}
    layer.load_state_dict({})


def test_repr_is_torch_s_and_names_an_own_generator():
    for name in LAYERS[:5]:
        assert repr(getattr(nn, name)(0.3)) == repr(getattr(torch.nn, name)(0.3))
    assert repr(nn.DropPath(0.3)) == "DropPath(p=0.3, inplace=False)"
    assert "generator=<cpu generator>" in repr(nn.Dropout(generator=torch.Generator()))


@dropouts
def test_generator_is_advanced_and_the_default_one_left_alone(case):
    x = torch.rand(case.shape) + 1
    layer = layer_of(case, 0.5, generator=torch.Generator().manual_seed(4))
    state = torch.get_rng_state()
    first, second = layer(x), layer(x)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, second)
    layer.generator.manual_seed(4)
    assert torch.equal(layer(x), first)


def test_layers_that_share_a_generator_draw_from_it_in_turn():
    generator = torch.Generator().manual_seed(4)
    first, second = (nn.Dropout(generator=generator) for _ in range(2))
    masks = first(torch.ones(100)), second(torch.ones(100))
    alone = nn.Dropout(generator=torch.Generator().manual_seed(4))
    assert torch.equal(masks[0], alone(torch.ones(100)))
    assert torch.equal(masks[1], alone(torch.ones(100)))


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer)), save_and_load],
    ids=["deepcopy", "pickle", "torch.save"],
)
@dropouts
def test_copy_with_a_generator_goes_on_as_the_original_would(case, copied):
    x = torch.rand(case.shape) + 1
    layer = layer_of(case, 0.3, True, generator=torch.Generator().manual_seed(4))
    layer(x.clone())
    twin = copied(layer)
    assert type(twin) is type(layer)
    assert (twin.p, twin.inplace, twin.training) == (0.3, True, True)
    assert twin.generator is not layer.generator
    assert torch.equal(twin(x.clone()), layer(x.clone()))


def test_layer_pickled_before_it_had_a_generator_works():
    layer = nn.Dropout(0.5)
    del layer.__dict__["generator"]
    twin = pickle.loads(pickle.dumps(layer))
    assert twin.generator is None
    assert twin(torch.ones(10)).shape == (10,)


@reentrant
@dropouts
def test_checkpoint_recomputes_the_same_masks(case, use_reentrant):
    block = torch.nn.Sequential(layer_of(case, 0.5), torch.nn.Tanh(), layer_of(case, 0.3))
    x = torch.randn(case.shape, requires_grad=True)

    def output_and_gradient(run, *args, **kwargs):
        x.grad = None
        y = run(*args, **kwargs)
        y.square().sum().backward()
        return y.detach(), x.grad

    with torch.random.fork_rng(devices=[]):
        plain = output_and_gradient(block, x)
    recomputed = output_and_gradient(checkpoint, block, x, use_reentrant=use_reentrant)
    assert torch.equal(recomputed[0], plain[0])
    assert torch.equal(recomputed[1], plain[1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_keeps_the_dtype_it_is_given(dtype):
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), nn.Dropout(0.5))
    with torch.autocast("cpu", dtype=dtype):
        y = model(torch.randn(4, 8))
    assert y.dtype is dtype
    y.float().sum().backward()
    assert model[0].weight.grad.dtype is torch.float32


def test_functional_call_goes_through():
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), nn.Dropout(0.5))
    x = torch.randn(4, 8)
    doubled = {name: 2 * value for name, value in model.named_parameters()}
    first, second = repeat(torch.func.functional_call, model, doubled, (x,))
    assert torch.equal(first, second)


def test_rate_may_be_changed_between_calls_and_is_checked():
    layer = nn.Dropout(0.5)
    layer.p = 1.0
    assert torch.equal(layer(torch.ones(5)), torch.zeros(5))
    layer.p = 30
    with pytest.raises(ValueError, match=r"p=0\.3"):
        layer(torch.ones(5))


def test_vmap_with_the_same_randomness_draws_one_mask():
    y = torch.func.vmap(nn.Dropout(0.5), randomness="same")(torch.ones(8, 1000))
    assert ((y == 0) | (y == 2)).all()
    # Two fair masks of 1000 agree with probability 2^-1000.
    assert len({tuple(row.tolist()) for row in y}) == 1


def test_vmap_without_randomness_is_refused_as_torch_s():
    for layer in (torch.nn.Dropout(0.5), nn.Dropout(0.5)):
        with pytest.raises(RuntimeError, match="randomness"):
            torch.func.vmap(layer)(torch.ones(8, 10))
