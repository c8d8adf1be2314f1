"""Fused functions at the public boundary: the composition they equal, and their errors."""

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import draw_key, keep_mask, scale


def seeded(function, *args, **kwargs):
    """Return a call's result and the number that torch's generator gives after it."""
    torch.manual_seed(7)
    return function(*args, **kwargs), torch.rand(()).item()


def assert_same(fused, composed):
    torch.testing.assert_close(fused[0], composed[0])
    assert fused[1] == composed[1], "another number of keys was drawn"


class TestComposition:
    """Each function is the composition of wolfsbane's own, under the same seed."""

    @pytest.mark.parametrize("shape", [(9, 5), (5, 3, 7), (5, 3, 7, 4), (0, 3, 7, 4)], ids=str)
    @pytest.mark.parametrize("p", [0.0, 1e-9, 0.3, 1.0])
    @pytest.mark.parametrize("training", [True, False])
    def test_batch_norm_act_dropout(self, shape, p, training):
        x, statistics = torch.randn(shape), (torch.zeros(shape[1]), torch.ones(shape[1]))

        def composed(x):
            y = F.batch_norm(x, *(s.clone() for s in statistics), training=training)
            return F.dropout(y.relu(), p, training)

        fused = seeded(F.batch_norm_act_dropout, x, *statistics, training=training, p=p)
        assert_same(fused, seeded(composed, x))

    @pytest.mark.parametrize("shape", [(5,), (9, 5), (2, 3, 5), (0, 5), ()], ids=str)
    @pytest.mark.parametrize("p", [0.0, 1e-9, 0.3, 1.0])
    @pytest.mark.parametrize("training", [True, False])
    def test_bias_act_dropout(self, shape, p, training):
        x, bias = torch.randn(shape), torch.randn(shape[-1]) if shape else None

        def composed(x):
            return F.dropout((x if bias is None else x + bias).relu(), p, training)

        assert_same(seeded(F.bias_act_dropout, x, bias, "relu", p, training), seeded(composed, x))

    @pytest.mark.parametrize("shape", [(), (5,), (9, 5), (0, 5)], ids=str)
    @pytest.mark.parametrize("p", [0.0, 1e-9, 0.3, 1.0])
    @pytest.mark.parametrize("training", [True, False])
    def test_dropout_add(self, shape, p, training):
        x, residual = torch.randn(shape), torch.randn(shape)
        composed = seeded(lambda x: residual + F.dropout(x, p, training), x)
        assert_same(seeded(F.dropout_add, x, residual, p, training), composed)

    def test_key_comes_from_the_generator_given(self):
        state = torch.get_rng_state()
        for function, args in (
            (F.batch_norm_act_dropout, (torch.randn(9, 3), None, None, None, None, True)),
            (F.bias_act_dropout, (torch.randn(9, 3),)),
            (F.dropout_add, (torch.randn(9, 3), torch.zeros(9, 3))),
        ):
            torch.set_rng_state(state)
            generator = torch.Generator().manual_seed(3)
            key = draw_key(torch.Generator().manual_seed(3))
            options = {} if function is F.dropout_add else {"activation": "sigmoid"}
            y = function(*args, p=0.4, generator=generator, **options)
            assert torch.equal(y != 0, keep_mask((9, 3), 0.4, key))
            assert torch.equal(torch.get_rng_state(), state)


class TestEmpty:
    """An empty batch has an empty output, and zeros as the gradients of everything else."""

    @pytest.mark.parametrize("training", [True, False])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_batch_norm_act_dropout(self, training, dtype):
        x = torch.empty(0, 3, 4, dtype=dtype)
        weight, bias = (torch.ones(3, requires_grad=True) for _ in range(2))
        running = torch.zeros(3), torch.ones(3)
        y = F.batch_norm_act_dropout(x, *running, weight, bias, training, p=0.5)
        y.sum().backward()
        assert (y.shape, y.dtype) == (x.shape, dtype)
        assert torch.equal(weight.grad, torch.zeros(3))
        assert torch.equal(bias.grad, torch.zeros(3))
        assert [vector.tolist() for vector in running] == [[0.0] * 3, [1.0] * 3]

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_bias_act_dropout(self, dtype):
        x, bias = torch.empty(0, 3, dtype=dtype), torch.ones(3, requires_grad=True)
        y = F.bias_act_dropout(x, bias)
        y.sum().backward()
        assert (y.shape, y.dtype) == (x.shape, dtype)
        assert torch.equal(bias.grad, torch.zeros(3))
        assert F.bias_act_dropout(x) is not x

    def test_dropout_add(self):
        x = torch.empty(0, 3, requires_grad=True)
        y = F.dropout_add(x, torch.empty(0, 3))
        y.sum().backward()
        assert y.shape == x.grad.shape == (0, 3)


X = torch.randn(4, 3)
INTEGERS = torch.ones(4, 3, dtype=torch.int64)


def norm(x=X, *args, training=True, **kwargs):
    return F.batch_norm_act_dropout(x, *(args or (None, None)), training=training, **kwargs)


ERRORS = {
    "norm-p": (lambda: norm(p=30), ArgumentError, "As a percentage that is p=0.3"),
    "norm-activation": (lambda: norm(activation="swish"), ArgumentError, "did you mean 'silu'?"),
    "norm-activation-type": (lambda: norm(activation=3), ArgumentTypeError, "but got 3 (of type"),
    "norm-generator": (lambda: norm(generator=3), ArgumentTypeError, "manual_seed(3)"),
    "norm-eps": (lambda: norm(eps=-1.0), ArgumentError, "eps must be positive during training"),
    "norm-one-value": (lambda: norm(X[:1]), ShapeError, "Expected more than 1 value per channel"),
    "norm-dims": (lambda: norm(X[0]), ShapeError, "expected at least 2D input (got 1D input)"),
    "norm-integers": (lambda: norm(INTEGERS), DtypeError, "Convert it: input.float()"),
    "norm-evaluation": (
        lambda: norm(training=False),
        ArgumentError,
        "Expected running_mean and running_var to be defined when training=False",
    ),
    "norm-one-statistic": (
        lambda: norm(X, torch.zeros(3), None),
        ArgumentError,
        "must either both be None or neither be None",
    ),
    "norm-weight": (
        lambda: norm(weight=torch.ones(4)),
        ShapeError,
        "weight should contain 3 elements not 4",
    ),
    "norm-dtype": (lambda: norm(weight=torch.ones(3).double()), DtypeError, "mixed dtype"),
    "norm-keyword": (lambda: norm(rate=0.5), ArgumentTypeError, "did you mean p=0.5?"),
    "bias-p": (lambda: F.bias_act_dropout(X, p=True), ArgumentTypeError, "to switch dropout on"),
    "bias-activation": (
        lambda: F.bias_act_dropout(X, activation=torch.nn.PReLU()),
        ArgumentError,
        "no fused kernel",
    ),
    "bias-shape": (
        lambda: F.bias_act_dropout(X, torch.ones(4)),
        ShapeError,
        "last dimension (its shape is (4, 3)), but its shape is (4,)",
    ),
    "bias-dims": (lambda: F.bias_act_dropout(X, torch.ones(1, 3)), ShapeError, "shape is (1, 3)"),
    "bias-none": (
        lambda: F.bias_act_dropout(X[0, 0], torch.ones(1)),
        ShapeError,
        "bias should contain 0 elements",
    ),
    "bias-integers": (
        lambda: F.bias_act_dropout(X, torch.ones(3, dtype=torch.int64)),
        DtypeError,
        "bias has to be floating-point and on cpu as the input, but got torch.int64 on cpu",
    ),
    "bias-device": (
        lambda: F.bias_act_dropout(X, torch.ones(3, device="meta")),
        DtypeError,
        "but got torch.float32 on meta",
    ),
    "bias-input": (
        lambda: F.bias_act_dropout(INTEGERS),
        DtypeError,
        '"bias_act_dropout" not implemented for torch.int64',
    ),
    "add-p": (lambda: F.dropout_add(X, X, 1.1), ArgumentError, "p=1 drops every element"),
    "add-shape": (
        lambda: F.dropout_add(X, X[:1]),
        ShapeError,
        "one shape, but got (4, 3) and (1, 3): expand the smaller one (residual.expand_as(input))",
    ),
    "add-integers": (
        lambda: F.dropout_add(INTEGERS, INTEGERS),
        DtypeError,
        '"dropout_add" not implemented for torch.int64',
    ),
    "add-generator": (lambda: F.dropout_add(X, X, generator=3), ArgumentTypeError, "manual_seed"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error_says_what_was_given_and_what_to_do_and_draws_nothing(name):
    call, error, words = ERRORS[name]
    state = torch.get_rng_state()
    with pytest.raises(error) as raised:
        call()
    assert words in str(raised.value)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "wrong",
    [
        {"p": 2.5},
        {"activation": "swish"},
        {"generator": 3},
        {"eps": 0.0},
        {"weight": torch.ones(4)},
        {"bias": torch.ones(3, dtype=torch.float16)},
    ],
    ids=str,
)
def test_error_leaves_the_running_statistics_alone(wrong):
    running = torch.zeros(3), torch.ones(3)
    with pytest.raises((ArgumentError, ArgumentTypeError, ShapeError, DtypeError)):
        norm(X, *running, **wrong)
    assert [vector.tolist() for vector in running] == [[0.0] * 3, [1.0] * 3]
    assert [vector._version for vector in running] == [0, 0]


def test_default_device_of_another_kind_changes_nothing():
    """The kernels' own memory is on the CPU as the input is, whatever torch.empty makes."""
    x, residual = torch.randn(4, 3, 5, 5), torch.randn(4, 3, 5, 5)
    functions = {
        "norm": lambda: norm(x, p=0.5),
        "bias": lambda: F.bias_act_dropout(x, x[0, 0, 0]),
        "add": lambda: F.dropout_add(x, residual),
        "batch_norm": lambda: F.batch_norm(x, None, None, training=True),
        "dropout": lambda: F.dropout(x.contiguous(memory_format=torch.channels_last)),
        "dropout2d": lambda: F.dropout2d(x),
    }
    for name, function in functions.items():
        torch.manual_seed(1)
        expected = function()
        torch.manual_seed(1)
        with torch.device("meta"):
            found = function()
        assert torch.equal(found, expected), name


@pytest.mark.parametrize("executor", ["cpu", "reference"])
def test_rate_of_the_mask_is_its_quantised_one(executor):
    x = torch.ones(1000, 3)
    p = 0.3333
    with use_executor(executor):
        y = F.bias_act_dropout(x, activation="identity", p=p)
    assert set(y.unique().tolist()) == {0.0, torch.tensor(scale(p)).item()}


def test_dropout_add_of_two_dtypes_has_the_wider_one():
    x, residual = torch.ones(64, dtype=torch.bfloat16), torch.ones(64)
    y = F.dropout_add(x, residual, 0.5)
    assert y.dtype is torch.float32
    assert set(y.tolist()) == {1.0, 3.0}
