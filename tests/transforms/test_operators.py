"""The operators that graphs record are what torch.library asks of one, and eager code's."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.func import vmap

from transforms.networks import of_torch_itself, seeded
from wolfsbane import functional as F
from wolfsbane.functional.activation import as_activation
from wolfsbane.kernels import library
from wolfsbane.mask import scale

pytestmark = [*of_torch_itself]

OPERATORS = (
    "batch_norm",
    "batch_norm_backward",
    "bias_act_dropout",
    "bias_act_dropout_backward",
    "draw_key",
    "dropout_add",
    "gaussian",
    "masked_affine",
    "snapshot",
)

KEY = torch.tensor(0x0123456789ABCDEF)
EPS = 1e-5
CPU = torch.device("cpu")


def draws(*shape, dtype=torch.float32):
    # One stream for all: a table is no place for a generator's state.
    values = torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))
    return values.to(dtype)


def tail(p, name, start=0):
    return (p, *as_activation(name), start)


def zeroing(p, mask_shape, start=0):
    return (p, 0.0 if p == 1.0 else scale(p), 0.0, 0.0, mask_shape, start)


@dataclass(frozen=True)
class Call:
    """Arguments of an operator, and the function of eager code that it stands for."""

    name: str
    operator: str
    tensors: tuple[Any, ...]
    """Those before the key, which may need gradients."""
    rest: tuple[Any, ...]
    eager: Callable[..., Any] | None = None
    between: tuple[Any, ...] = ()
    """What stands between the tensors and the key."""

    def __call__(self, key, *tensors):
        return getattr(torch.ops.wolfsbane, self.operator)(*self.arguments(key, tensors))

    def arguments(self, key=KEY, tensors=None):
        return (*(self.tensors if tensors is None else tensors), *self.between, key, *self.rest)


def masked(name, x, p, mask_shape, eager, start=0):
    return Call(name, "masked_affine", (x,), zeroing(p, mask_shape, start), eager)


def added(name, x, residual, p, start=0):
    eager = None if start else lambda x, r: F.dropout_add(x, r, p)
    return Call(name, "dropout_add", (x, residual), (p, start), eager)


def noisy(name, x, is_factor, eager, start=0):
    return Call(name, "gaussian", (x,), (0.5, is_factor, start), None if start else eager)


def normalised(name, x, vectors, p, activation, running=(None, None), start=0):
    def eager(x, weight, bias):
        return F.batch_norm_act_dropout(
            x, *running, weight, bias, running[0] is None, activation=activation, p=p
        )

    tensors = (x, *vectors)
    eager = eager if not start and (running[0] is None or p == 0.0) else None
    rest = tail(p, activation, start)
    return Call(name, "batch_norm", tensors, rest, eager, (EPS, *running))


def biased(name, x, bias, p, activation, start=0):
    def eager(x, bias):
        return F.bias_act_dropout(x, bias, activation, p)

    rest = tail(p, activation, start)
    return Call(name, "bias_act_dropout", (x, bias), rest, None if start else eager)


IMAGES = draws(5, 3, 4, 7)
LAST = IMAGES.to(memory_format=torch.channels_last)
ROWS = draws(11, 5)
W3, B3, B5 = draws(3).abs() + 0.5, draws(3) + 1.0, draws(5)
RUNNING = (draws(3) * 0.1, draws(3).abs() + 1.0)
BF16 = torch.bfloat16

CALLS = (
    masked("elements", IMAGES, 0.5, [5, 3, 4, 7], lambda x: F.dropout(x, 0.5)),
    masked("channels", IMAGES, 0.25, [5, 3, 1, 1], lambda x: F.dropout2d(x, 0.25)),
    masked("samples", LAST, 0.25, [5, 1, 1, 1], lambda x: F.drop_path(x, 0.25)),
    masked("channels-last", LAST, 0.5, [5, 3, 4, 7], lambda x: F.dropout(x, 0.5)),
    masked("bfloat16", IMAGES.to(BF16), 0.5, [5, 3, 4, 7], lambda x: F.dropout(x, 0.5)),
    masked("float16", ROWS.half(), 0.5, [11, 5], lambda x: F.dropout(x, 0.5)),
    masked("float64", ROWS.double(), 0.5, [11, 5], lambda x: F.dropout(x, 0.5)),
    masked("transposed", ROWS.mT, 0.5, [5, 11], lambda x: F.dropout(x, 0.5)),
    masked("everything-dropped", ROWS, 1.0, [11, 5], lambda x: F.dropout(x, 1.0)),
    masked("nothing", ROWS[:0], 0.5, [0, 5], lambda x: F.dropout(x, 0.5)),
    masked("shard", ROWS, 0.5, [11, 5], None, start=55),
    Call("saturating", "masked_affine", (ROWS,), (0.25, 0.9, 0.3, -1.2, [11, 5], 0)),
    added("add", ROWS, draws(11, 5) + 3.0, 0.5),
    added("add-channels-last", LAST, IMAGES + 3.0, 0.25),
    added("add-bfloat16", ROWS.to(BF16), ROWS.to(BF16), 0.5),
    added("add-shard", ROWS, ROWS, 0.5, start=55),
    noisy("factor", IMAGES, True, lambda x: F.gaussian_dropout(x, 0.2)),
    noisy("factor-channels-last", LAST, True, lambda x: F.gaussian_dropout(x, 0.2)),
    noisy("factor-bfloat16", ROWS.to(BF16), True, lambda x: F.gaussian_dropout(x, 0.2)),
    noisy("factor-float16", ROWS.half(), True, lambda x: F.gaussian_dropout(x, 0.2)),
    noisy("factor-of-nothing", ROWS[:0], True, lambda x: F.gaussian_dropout(x, 0.2)),
    noisy("factor-shard", ROWS, True, None, start=55),
    noisy("noise", ROWS.mT, False, lambda x: F.gaussian_noise(x, 0.5)),
    normalised("norm", IMAGES, (W3, B3), 0.0, "identity"),
    normalised("norm-gelu-dropout", IMAGES, (W3, B3), 0.25, "gelu"),
    normalised("norm-channels-last", LAST, (W3, B3), 0.25, "gelu"),
    normalised("norm-bfloat16", IMAGES.to(BF16), (W3, B3), 0.25, "gelu"),
    normalised("norm-without-vectors", IMAGES, (None, None), 0.25, "gelu"),
    normalised("norm-without-bias", IMAGES, (W3, None), 0.25, "gelu"),
    normalised("norm-in-evaluation", IMAGES, (W3, B3), 0.0, "gelu", RUNNING),
    normalised("norm-in-evaluation-dropout", LAST, (W3, B3), 0.25, "gelu", RUNNING),
    normalised("norm-shard", IMAGES, (W3, B3), 0.25, "gelu", start=420),
    biased("bias", ROWS, B5, 0.25, "gelu"),
    biased("bias-none", ROWS, None, 0.25, "gelu"),
    biased("bias-bfloat16", ROWS.to(BF16), B5.to(BF16), 0.25, "gelu"),
    biased("bias-without-dropout", ROWS, B5, 0.0, "leaky_relu"),
    biased("bias-transposed", ROWS.mT.contiguous().mT, B5, 0.25, "gelu"),
    biased("bias-shard", ROWS, B5, 0.25, "gelu", start=55),
)

calls = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
calls_of_eager_code = pytest.mark.parametrize(
    "call", [call for call in CALLS if call.eager], ids=lambda call: call.name
)
smooth_calls = pytest.mark.parametrize(
    "call",
    [c for c in CALLS if not {BF16, torch.half} & {c.tensors[0].dtype}],
    ids=lambda c: c.name,
)


def leaves_of(tensors, dtype=None):
    return [None if t is None else t.detach().to(dtype).requires_grad_() for t in tensors]


def test_names_of_the_operators_are_frozen():
    defined = torch._C._dispatch_get_all_op_names()
    own = {name.split("::")[1].split(".")[0] for name in defined if name.startswith("wolfsbane::")}
    assert sorted(own) == list(OPERATORS) == sorted(library.operators.SCHEMAS)


@calls
@pytest.mark.parametrize("needs_grad", [False, True])
def test_operator_is_what_torch_asks_of_one(call, needs_grad):
    tensors = leaves_of(call.tensors) if needs_grad else call.tensors
    operator = getattr(torch.ops.wolfsbane, call.operator).default
    torch.library.opcheck(operator, call.arguments(tensors=tensors))


@pytest.mark.parametrize("x", [IMAGES, LAST, IMAGES.to(BF16)], ids=["plain", "last", "bfloat16"])
@pytest.mark.parametrize("vectors", [(W3, B3), (W3, None), (None, None)])
def test_backward_of_batch_norm_is_what_torch_asks_of_an_operator(x, vectors):
    statistics = torch.stack(RUNNING).double()
    arguments = (x.sin(), x, *vectors, EPS, statistics, True, KEY, *tail(0.25, "gelu"))
    torch.library.opcheck(torch.ops.wolfsbane.batch_norm_backward.default, arguments)


@pytest.mark.parametrize("bias", [B5, None], ids=["bias", "none"])
def test_backward_of_bias_is_what_torch_asks_of_an_operator(bias):
    arguments = (ROWS.sin(), ROWS, bias, KEY, *tail(0.25, "gelu"))
    torch.library.opcheck(torch.ops.wolfsbane.bias_act_dropout_backward.default, arguments)


@pytest.mark.parametrize("x", [IMAGES, LAST, B3.double()], ids=["plain", "last", "float64"])
def test_snapshot_is_a_copy_and_what_torch_asks_of_an_operator(x):
    torch.library.opcheck(torch.ops.wolfsbane.snapshot.default, (x,))
    copied = torch.ops.wolfsbane.snapshot(x)
    assert torch.equal(copied, x)
    assert copied.data_ptr() != x.data_ptr()


def test_drawn_key_has_the_shape_that_fake_tensors_have():
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")
    for after in (None, KEY):
        torch.library.opcheck(
            torch.ops.wolfsbane.draw_key.default, (after, 3), {"device": CPU}, test_utils=checks
        )


def test_drawn_key_is_that_of_eager_code_whatever_its_arguments():
    expected, state = seeded(lambda: torch.randint(-(2**63), 2**63 - 1, ()))
    for arguments in ((None, 0), (None, 1), (KEY, 0)):
        key, after = seeded(functools.partial(torch.ops.wolfsbane.draw_key, device=CPU), *arguments)
        assert torch.equal(key, expected)
        assert torch.equal(after, state)


@calls_of_eager_code
def test_operator_computes_what_the_function_does(call):
    expected, _ = seeded(call.eager, *call.tensors)
    key, _ = seeded(lambda: torch.ops.wolfsbane.draw_key(None, 0, device=CPU))
    found = call(key, *call.tensors)
    found = found[0] if isinstance(found, tuple) else found
    assert torch.equal(found, expected)
    assert found.stride() == torch.empty_like(call.tensors[0]).stride()


@calls_of_eager_code
def test_gradients_are_those_of_the_function(call):
    key, _ = seeded(lambda: torch.ops.wolfsbane.draw_key(None, 0, device=CPU))
    results = []
    for function in (lambda *t: seeded(call.eager, *t)[0], lambda *t: call(key, *t)):
        leaves = [leaf for leaf in leaves_of(call.tensors) if leaf is not None]
        given = iter(leaves)
        y = function(*(None if t is None else next(given) for t in call.tensors))
        y = y[0] if isinstance(y, tuple) else y
        results.append(torch.autograd.grad(y, leaves, y.detach().cos()))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected)


@smooth_calls
def test_derivatives_of_both_orders_are_those_of_differences(call):
    leaves = leaves_of(call.tensors, torch.float64)
    wide = [v.double() if isinstance(v, torch.Tensor) and v is not KEY else v for v in call.between]
    operator = getattr(torch.ops.wolfsbane, call.operator)
    given = [leaf for leaf in leaves if leaf is not None]

    def function(*given):
        given = iter(given)
        tensors = [None if leaf is None else next(given) for leaf in leaves]
        y = operator(*tensors, *wide, KEY, *call.rest)
        return y[0] if isinstance(y, tuple) else y

    torch.autograd.gradcheck(function, given, fast_mode=True)
    torch.autograd.gradgradcheck(function, given, fast_mode=True)


@calls
@pytest.mark.parametrize("maps_keys", [False, True])
def test_map_over_an_operator_is_a_loop(call, maps_keys):
    stacked = [None if t is None else torch.stack([t, t + 1.0, t * 2.0]) for t in call.tensors]
    keys = torch.tensor([3, -(2**62), 2**40])
    dims = [None if t is None else 0 for t in stacked]
    mapped = vmap(call, in_dims=(0 if maps_keys else None, *dims))
    found = mapped(keys if maps_keys else KEY, *stacked)
    for index in range(3):
        sample = [None if t is None else t[index] for t in stacked]
        expected = call(keys[index] if maps_keys else KEY, *sample)
        if isinstance(expected, tuple):
            assert all(torch.equal(f[index], e) for f, e in zip(found, expected, strict=True))
        else:
            assert torch.equal(found[index], expected)


@pytest.mark.parametrize("randomness", ["same", "different"])
@pytest.mark.parametrize("maps_the_key_before", [False, True])
def test_map_over_draws_is_as_its_randomness_says(randomness, maps_the_key_before):
    def draw(x):
        after = x if maps_the_key_before else None
        return x + torch.ops.wolfsbane.draw_key(after, 0, device=CPU)

    keys = vmap(draw, randomness=randomness)(torch.zeros(3, dtype=torch.int64))
    assert len(keys.unique()) == (1 if randomness == "same" else 3)


@pytest.mark.parametrize("maps_the_key_before", [False, True])
def test_map_over_draws_is_an_error_without_a_word_on_randomness(maps_the_key_before):
    def draw(x):
        after = x if maps_the_key_before else None
        return x + torch.ops.wolfsbane.draw_key(after, 0, device=CPU)

    with pytest.raises(RuntimeError, match="randomness"):
        vmap(draw)(torch.zeros(3, dtype=torch.int64))
