"""Inside a block, whatever stands between a call and plain memory gets torch's own path."""

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.utils import counters
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from wolfsbane import accelerate

# Torch's exporter and compiler still use what they have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

X = torch.randn(64, 256)
SEED = 7
OPERATORS = ("dropout", "alpha_dropout")

operators = pytest.mark.parametrize("operator", OPERATORS)


def seeded(function, *args):
    """Return the results with the generator set, and the generator's state after."""
    torch.manual_seed(SEED)
    result = function(*args)
    results = result if isinstance(result, tuple | list) else (result,)
    return [*results, torch.get_rng_state()]


def assert_same_inside(function):
    """Assert the same results and random numbers inside a block as outside, and after."""
    outside = seeded(function)
    with accelerate():
        inside = seeded(function)
    after = seeded(function)
    for a, b, c in zip(outside, inside, after, strict=True):
        assert a == b == c if isinstance(a, str) else torch.equal(a, b) and torch.equal(a, c)


@operators
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_vmap_has_torch_s_random_numbers(operator, randomness, routed):
    x = torch.randn(3, 64, 256)

    def function():
        drop = torch.func.vmap(
            lambda row: getattr(torch, operator)(row, 0.5, True), randomness=randomness
        )
        return drop(x)

    assert_same_inside(function)
    assert not routed


@operators
def test_vmap_refuses_randomness_as_in_torch(operator):
    with accelerate(), pytest.raises(RuntimeError, match="randomness"):
        torch.func.vmap(lambda row: getattr(torch, operator)(row, 0.5, True))(X[None])


@operators
def test_functional_derivatives_are_torch_s(operator, routed):
    def function():
        def loss(x):
            return getattr(torch, operator)(x, 0.5, True).square().sum()

        value, tangent = torch.func.jvp(loss, (X,), (torch.ones_like(X),))
        return torch.func.grad(loss)(X), value, tangent

    assert_same_inside(function)
    assert not routed


class Recorder(TorchDispatchMode):
    """Writes down the operators that it sees."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@operators
def test_a_dispatch_mode_sees_the_same_operators(operator, routed):
    def function():
        with Recorder() as recorder:
            y = getattr(torch, operator)(X, 0.5, True)
        return y, " ".join(recorder.seen)

    assert_same_inside(function)
    assert not routed


class Wrapped(torch.Tensor):
    """A subclass that writes down the operators that it sees, below autograd."""

    seen = ()

    @staticmethod
    def __new__(cls, inner):
        self = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)
        self.inner = inner
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        cls.seen = (*cls.seen, str(func))
        args = [arg.inner if isinstance(arg, Wrapped) else arg for arg in args]
        return cls(func(*args, **(kwargs or {})))


def test_a_subclass_with_its_own_dispatch_sees_the_same_operators(routed):
    def function():
        Wrapped.seen = ()
        y = torch.dropout(Wrapped(X), 0.5, True)
        return y.inner, " ".join(Wrapped.seen)

    assert_same_inside(function)
    assert not routed


class Named(torch.Tensor):
    """A subclass that keeps its class and computes as a tensor does."""


@operators
def test_a_subclass_keeps_its_class_and_torch_s_numbers(operator, routed):
    x = X.as_subclass(Named)

    def function():
        y = getattr(torch, operator)(x, 0.5, True)
        assert type(y) is Named
        return y.as_subclass(torch.Tensor)

    assert_same_inside(function)
    assert not routed


def test_a_function_mode_sees_the_same_calls():
    class Calls(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.seen = []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.seen.append(func.__name__)
            return func(*args, **(kwargs or {}))

    def seen():
        x = torch.randn(32, 16, 8, 8, requires_grad=True)
        with Calls() as calls:
            y = F.batch_norm(F.dropout(x, 0.5), None, None, training=True)
            torch.autograd.backward(y.square().mean())
        return calls.seen

    outside = seen()
    with accelerate():
        inside = seen()
    assert inside == outside


def test_a_default_device_does_not_leak_into_a_routed_backward():
    x = torch.randn(32, 16, 8, 8, requires_grad=True)
    with accelerate():
        y = F.batch_norm(x, None, None, training=True).square().mean()
        with torch.device("meta"):
            torch.autograd.backward(y)
    assert x.grad.device.type == "cpu"


@operators
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.inference_mode])
def test_fake_tensors_stay_fake_and_draw_nothing(operator, mode, routed):
    state = torch.get_rng_state()
    with accelerate(), mode(), FakeTensorMode():
        y = getattr(torch, operator)(torch.empty(64, 256), 0.5, True)
    assert isinstance(y, FakeTensor)
    assert y.shape == (64, 256)
    assert torch.equal(torch.get_rng_state(), state)
    assert not routed


def test_a_block_may_be_opened_while_tensors_are_fake():
    with FakeTensorMode(), accelerate():
        assert isinstance(F.dropout(torch.empty(64, 256), 0.5), FakeTensor)
        assert isinstance(torch.nn.BatchNorm1d(256)(torch.empty(64, 256)), FakeTensor)


def test_on_the_meta_device_nothing_is_routed(routed):
    x = torch.empty(64, 256, device="meta")
    with accelerate():
        assert F.dropout(x, 0.5).is_meta
        assert torch.nn.BatchNorm1d(256, device="meta")(x).is_meta
    assert not routed


@operators
@pytest.mark.parametrize("tracing_mode", ["real", "fake", "symbolic"])
@pytest.mark.parametrize("pre_dispatch", [False, True])
def test_make_fx_records_the_same_graph(operator, tracing_mode, pre_dispatch):
    def function():
        graph = make_fx(
            lambda x: getattr(torch, operator)(x, 0.5, True),
            tracing_mode=tracing_mode,
            pre_dispatch=pre_dispatch,
        )(X)
        return graph.code

    assert_same_inside(function)


def model():
    torch.manual_seed(SEED)
    return torch.nn.Sequential(
        torch.nn.Linear(256, 256),
        torch.nn.Dropout(0.5),
        torch.nn.BatchNorm1d(256),
        torch.nn.AlphaDropout(0.1),
    )


def test_export_records_the_same_programme():
    def function():
        exported = torch.export.export(model(), (X,))
        return exported.graph_module.code, exported.run_decompositions().graph_module.code

    assert_same_inside(function)


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_compiled_model_computes_the_same(backend, routed):
    def function():
        torch._dynamo.reset()
        compiled = torch.compile(model(), backend=backend, fullgraph=True)
        x = X.clone().requires_grad_()
        y = compiled(x)
        y.square().mean().backward()
        return y, x.grad

    outside = seeded(function)
    with accelerate():
        inside = seeded(function)
    after = seeded(function)
    assert all(torch.equal(a, b) for a, b in zip(outside, after, strict=True))
    # aot_eager calls native_batch_norm_backward, as eager code does: that is routed.
    assert set(routed) <= {("backward", (64, 256))}
    assert torch.equal(inside[0], outside[0])
    torch.testing.assert_close(inside[1], outside[1])
    assert torch.equal(inside[2], outside[2])


def test_what_was_compiled_outside_runs_the_same_inside():
    compiled = torch.compile(model(), backend="aot_eager")
    with torch.no_grad():
        assert_same_inside(lambda: compiled(X))


def test_a_block_inside_compiled_code_routes_and_ends_with_it(routed):
    def function(x):
        y = x + 1
        with accelerate():
            y = F.dropout(y, 0.5)
        return y * 2

    expected = seeded(function, X)
    given = seeded(torch.compile(function, backend="aot_eager"), X)
    assert torch.equal(given[0], expected[0])
    assert len(routed) == 2


def test_eager_parts_of_compiled_code_are_routed_and_not_compiled(routed):
    layer = torch.nn.LSTM(16, 64, 2, dropout=0.5)
    counters.clear()
    with accelerate():
        torch.compile(lambda x: layer(x)[0], backend="aot_eager")(torch.randn(16, 8, 16))
    assert routed == [("dropout", (16, 8, 64))]
    assert not any("wolfsbane" in reason for reason in counters["graph_break"])
