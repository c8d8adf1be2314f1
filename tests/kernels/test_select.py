"""The choice of an executor: what it says, what is forced, and that nothing falls back unsaid."""

import asyncio
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad

from wolfsbane import functional as F
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.kernels import conditions
from wolfsbane.kernels.select import (
    EXECUTORS,
    OPERATIONS,
    choose,
    executor_for,
    explain,
    use_executor,
)

operations = pytest.mark.parametrize("operation", OPERATIONS)


class Subclass(torch.Tensor):
    pass


def obstacle(choice, executor="cpu"):
    return dict(choice.obstacles).get(executor)


def assert_agree(operation, x):
    """Assert that the two ways to choose agree, and that a forced executor never falls back."""
    choice = choose(operation, x)
    assert (
        (executor_for(operation, x) is not None)
        == (choice.executor == "cpu")
        == (obstacle(choice) is None)
    )
    with use_executor("reference"):
        assert not executor_for(operation, x)
        assert choose(operation, x).executor == "reference"
    with use_executor("cpu"):
        if choice.executor == "cpu":
            assert executor_for(operation, x)
            return
        with pytest.raises(ArgumentError, match="cannot run"):
            executor_for(operation, x)


@operations
def test_plain_cpu_tensor_runs_compiled(operation):
    choice = explain(operation, torch.ones(3))
    assert (choice.operation, choice.executor) == (operation, "cpu")
    assert choice.reason == "compiled kernels (Numba)"
    assert choice.obstacles == (("gpu", "the tensor is on cpu, not on a GPU"),)
    assert str(choice) == (
        f"{operation} runs on cpu: compiled kernels (Numba)\n"
        "  not on gpu: the tensor is on cpu, not on a GPU"
    )


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (lambda: torch.ones(3, dtype=torch.float16), "not torch.float16"),
        (lambda: torch.ones(3, dtype=torch.complex64), "not torch.complex64"),
        (lambda: torch.ones(3, dtype=torch.int64), "not torch.int64"),
        (lambda: torch.ones(3, device="meta"), "the tensor is on meta, not on a CPU"),
        (lambda: torch.eye(3).to_sparse(), "layout torch.sparse_coo"),
        (lambda: torch.ones(3).as_subclass(Subclass), "this is a Subclass"),
        (lambda: torch._neg_view(torch.ones(3)), "whose numbers do not lie there"),
        (lambda: torch._efficientzerotensor(3), "whose numbers do not lie there"),
        (lambda: torch.ones(3, 3).to_mkldnn(), "layout torch._mkldnn"),
    ],
    ids=["half", "complex", "integer", "meta", "sparse", "subclass", "negated", "zero", "mkldnn"],
)
@operations
def test_tensor_that_no_kernel_reads_is_named(operation, tensor, words):
    choice = explain(operation, tensor())
    assert choice.executor == "reference"
    assert words in obstacle(choice)
    assert f"\n  not on cpu: {obstacle(choice)}" in str(choice)
    assert_agree(operation, tensor())


def test_parameter_view_and_strided_memory_run_compiled():
    x = torch.ones(4, 6)
    for tensor in (torch.nn.Parameter(x), x[1:, ::2], x.mT, x[0, 0], x[:, :0], x.expand(5, 4, 6)):
        assert_agree("dropout", tensor)
        assert executor_for("dropout", tensor)


def under_vmap(check, x):
    torch.func.vmap(lambda row: check(row) or row)(x[None])


def under_grad(check, x):
    torch.func.grad(lambda x: check(x) or x.sum())(x)


def under_forward_ad(check, x):
    with forward_ad.dual_level():
        check(forward_ad.make_dual(x, x))


def under_fake_mode(check, x):
    with FakeTensorMode(allow_non_fake_inputs=True):
        check(torch.ones(3))
        check(x)


def under_trace(check, x):
    torch.fx.experimental.proxy_tensor.make_fx(lambda x: check(x) or x + 1)(x)


@pytest.mark.parametrize(
    "transform", [under_vmap, under_grad, under_forward_ad, under_fake_mode, under_trace]
)
@operations
def test_transformation_that_would_miss_a_kernel_is_named(operation, transform):
    seen = []

    def check(x):
        assert_agree(operation, x)
        seen.append(obstacle(explain(operation, x)))

    transform(check, torch.ones(3))
    assert seen
    assert all("which a transformation" in why for why in seen)
    assert executor_for(operation, torch.ones(3))


def test_missing_numba_is_said_and_the_reference_runs(monkeypatch):
    torch.manual_seed(0)
    expected = F.dropout(torch.ones(3000))
    monkeypatch.setattr(conditions.importlib.util, "find_spec", lambda _: None)
    conditions.has_numba.cache_clear()
    conditions.is_usable.cache_clear()
    try:
        choice = explain("dropout", torch.ones(3))
        assert choice.executor == "reference"
        assert obstacle(choice) == "Numba is not installed: pip install numba"
        torch.manual_seed(0)
        assert torch.equal(F.dropout(torch.ones(3000)), expected)
        with use_executor("cpu"), pytest.raises(ArgumentError, match="Numba is not installed"):
            F.dropout(torch.ones(3))
    finally:
        monkeypatch.undo()
        conditions.has_numba.cache_clear()
        conditions.is_usable.cache_clear()


def test_numba_switched_off_is_said_and_the_reference_runs(monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    conditions.is_numba_off.cache_clear()
    conditions.is_usable.cache_clear()
    try:
        choice = explain("dropout", torch.ones(3))
        assert_agree("dropout", torch.ones(3))
    finally:
        conditions.is_numba_off.cache_clear()
        conditions.is_usable.cache_clear()
    assert choice.executor == "reference"
    assert "unset the environment variable NUMBA_DISABLE_JIT" in obstacle(choice)


@given(
    operation=st.sampled_from(OPERATIONS),
    dtype=st.sampled_from(
        [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int32, torch.cfloat]
    ),
    device=st.sampled_from(["cpu", "meta"]),
    kind=st.sampled_from(["plain", "parameter", "subclass", "sparse", "negated", "view"]),
)
def test_choice_and_its_short_form_agree(operation, dtype, device, kind):
    x = torch.ones(2, 3, dtype=dtype, device=device)
    makers = {
        "parameter": lambda: torch.nn.Parameter(x, requires_grad=False),
        "subclass": lambda: x.as_subclass(Subclass),
        "sparse": lambda: x.to_sparse() if device == "cpu" else x,
        "negated": lambda: torch._neg_view(x),
        "view": lambda: x.mT[1:],
    }
    assert_agree(operation, makers.get(kind, lambda: x)())


@pytest.mark.parametrize(
    "operand", [lambda: torch.ones(3, device="meta"), lambda: torch._neg_view(torch.ones(3))]
)
def test_every_operand_counts_forced_or_not(operand):
    x = torch.ones(3)
    assert executor_for("dropout_add", x, x, None)
    assert not executor_for("dropout_add", x, None, operand())
    with use_executor("cpu"):
        assert executor_for("dropout_add", x, x, None)
        with pytest.raises(ArgumentError, match="cannot run dropout_add"):
            executor_for("dropout_add", x, operand())


@pytest.mark.parametrize("executor", EXECUTORS)
@operations
def test_forced_executor_runs_or_says_why_not(operation, executor):
    x = torch.ones(3)
    with use_executor(executor):
        if executor == "gpu":
            with pytest.raises(ArgumentError, match="the tensor is on cpu, not on a GPU"):
                explain(operation, x)
            return
        choice = explain(operation, x)
    assert choice.executor == executor
    assert choice.reason == f"use_executor('{executor}') asks for it"


CALLS = {
    "dropout": F.dropout,
    "dropout2d": lambda x: F.dropout2d(x[..., None, None]),
    "alpha_dropout": lambda x: F.alpha_dropout(x, training=True),
    "batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "batch_norm_act_dropout": lambda x: F.batch_norm_act_dropout(x, None, None, training=True),
    "bias_act_dropout": F.bias_act_dropout,
    "dropout_add": lambda x: F.dropout_add(x, x),
    "gaussian_dropout": F.gaussian_dropout,
    "gaussian_noise": F.gaussian_noise,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("executor", ["cpu", "gpu"])
def test_forced_executor_never_falls_back(name, executor):
    x = torch.ones(5, 3, dtype=torch.float16)
    assert CALLS[name](x).shape
    with use_executor(executor), pytest.raises(ArgumentError) as raised:
        CALLS[name](x)
    assert str(raised.value).startswith(f"use_executor({executor!r}) asks for an executor that")
    assert "name another: cpu, gpu, reference" in str(raised.value)


def test_forced_executor_ends_with_its_block_also_by_an_exception():
    x = torch.ones(3, dtype=torch.float16)
    with use_executor("reference"):
        with use_executor("cpu"), pytest.raises(ArgumentError):
            choose("dropout", x)
        assert explain("dropout", torch.ones(3)).executor == "reference"
        with pytest.raises(ZeroDivisionError), use_executor("cpu"):
            _ = 1 / 0
        assert explain("dropout", torch.ones(3)).executor == "reference"
    assert explain("dropout", torch.ones(3)).executor == "cpu"


def test_forced_executor_is_that_of_one_thread():
    found = []

    def ask():
        found.append(explain("dropout", torch.ones(3)).executor)

    with use_executor("reference"):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        ask()
    assert found == ["cpu", "reference"]


def test_forced_executor_is_that_of_one_task():
    async def forced(executor, turn, other):
        with use_executor(executor):
            turn.set()
            await other.wait()
            return explain("dropout", torch.ones(3)).executor

    async def both():
        one, other = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(forced("cpu", one, other), forced("reference", other, one))

    assert asyncio.run(both()) == ["cpu", "reference"]


def test_forced_executor_can_be_a_decorator():
    @use_executor("reference")
    def ask():
        return explain("dropout", torch.ones(3)).executor

    assert [ask(), ask()] == ["reference", "reference"]


@pytest.mark.parametrize("executor", ["numba", "CPU", ""])
def test_unknown_executor_is_refused_with_the_names(executor):
    with (
        pytest.raises(ArgumentError, match=rf"one of cpu, gpu, reference, but got '{executor}'"),
        use_executor(executor),
    ):
        pass


@pytest.mark.parametrize("executor", [None, 0, torch.device("cpu")])
def test_executor_of_another_type_is_refused_with_the_names(executor):
    with (
        pytest.raises(ArgumentTypeError, match=r"one of cpu, gpu, reference, but got .* \(of type"),
        use_executor(executor),
    ):
        pass


def test_explain_refuses_what_is_not_an_operation_or_not_a_tensor():
    with pytest.raises(ArgumentError, match=r"one of dropout, .*gaussian, but got 'dropuot'"):
        explain("dropuot", torch.ones(3))
    with pytest.raises(ArgumentTypeError, match=r"but got \[1\.0\] \(of type list\)"):
        explain("dropout", [1.0])


def test_explain_computes_and_draws_nothing():
    state = torch.get_rng_state()
    x = torch.ones(3, requires_grad=True)
    version = x._version
    explain("dropout", x)
    assert torch.equal(torch.get_rng_state(), state)
    assert x._version == version
