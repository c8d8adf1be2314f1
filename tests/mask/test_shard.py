"""Parts of one mask: ranks together drop what one process with the whole batch would."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from cases import DROPOUTS, DTYPES, LAYOUTS
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.kernels import conditions
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import keep_mask, shard

BATCH = 12
"""Divisible by the sizes of all worlds."""

SEED = 3
P = 0.4


@dataclass(frozen=True)
class Operation:
    """A function that drops, its layer, and the shape of a sample."""

    name: str
    function: Callable
    layer: Callable
    sample: tuple[int, ...]


def of_dropout(case):
    function = getattr(F, case.function)
    return Operation(
        case.name,
        lambda x: function(x, P, training=True),
        lambda: getattr(nn, case.layer)(P),
        case.shape[1:],
    )


class AddToInput(nn.DropoutAdd):
    """A branch that is its own residual, so that the layer takes one input."""

    def forward(self, x):
        return super().forward(x, 10 * x)


OPERATIONS = (
    *(of_dropout(case) for case in DROPOUTS if case.note != "-unbatched"),
    Operation(
        "BiasActDropout",
        # An activation without arithmetic, whose bits are the same in a kernel and out of one.
        lambda x: F.bias_act_dropout(x, x.new_ones(31), "relu", P),
        lambda: nn.BiasActDropout(31, "relu", P).double(),
        (7, 31),
    ),
    Operation("DropoutAdd", lambda x: F.dropout_add(x, 10 * x, P), lambda: AddToInput(P), (7, 31)),
)

operations = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda case: case.name)
worlds = pytest.mark.parametrize("world_size", [1, 2, 3, 4])
layouts = pytest.mark.parametrize(
    "layout",
    [case for case in LAYOUTS if case.shape == (5, 3, 7, 11) and case.name != "expanded"],
    ids=lambda case: case.name,
)
executors_and_dtypes = pytest.mark.parametrize(
    ("executor", "dtype"),
    [
        (executor, dtype)
        for executor in (None, "reference", "cpu")
        for dtype in DTYPES
        if dtype in conditions.DTYPES.get(executor, DTYPES)
    ],
    ids=str,
)


def run(function, x, upstream):
    """Return the output and the gradient of x, as a process gets them; all have the same seed."""
    torch.manual_seed(SEED)
    x = x.detach().requires_grad_()
    y = function(x)
    (grad,) = torch.autograd.grad(y, x, upstream)
    return y.detach(), grad


def of_ranks(world_size, function, *tensors):
    """Return what ranks get that each have a part of the tensors, one after another."""
    parts = zip(*(tensor.chunk(world_size) for tensor in tensors), strict=True)
    results = []
    for rank, part in enumerate(parts):
        with shard(rank, world_size):
            results.append(run(function, *part))
    assert len(results) == world_size
    return [torch.cat(result) for result in zip(*results, strict=True)]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype is other.dtype
        assert torch.equal(one, other)


def batch_of(shape, dtype=torch.float64):
    """Return an input and an upstream gradient."""
    return torch.randn(2, *shape, dtype=torch.float64).to(dtype).unbind()


@operations
@worlds
@executors_and_dtypes
def test_parts_are_those_of_the_whole(operation, world_size, executor, dtype):
    x, upstream = batch_of((BATCH, *operation.sample), dtype)
    with contextlib.nullcontext() if executor is None else use_executor(executor):
        expected = run(operation.function, x, upstream)
        assert_same(of_ranks(world_size, operation.function, x, upstream), expected)


@layouts
@worlds
@pytest.mark.parametrize("function", [F.dropout, F.dropout2d, F.drop_path, F.feature_alpha_dropout])
def test_parts_are_those_of_the_whole_in_every_layout(function, world_size, layout):
    x, upstream = (layout.make(tensor) for tensor in batch_of((BATCH, 3, 7, 11), torch.float32))

    def drop(x):
        return function(x, P, training=True)

    assert_same(of_ranks(world_size, drop, x, upstream), run(drop, x, upstream))


@worlds
@pytest.mark.parametrize("function", [F.dropout, F.dropout2d, F.drop_path])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    "size",
    [(12, 1, 1, 1), (12, 128, 2, 1), (12, 1024, 1, 2), (12 * 128, 1, 2, 2), (12 * 1024, 2, 1, 1)],
    ids=str,
)
def test_parts_begin_anywhere_in_a_tile(function, world_size, memory_format, size):
    x = torch.ones(size).contiguous(memory_format=memory_format)
    assert_same(of_ranks(world_size, function, x, x), run(function, x, x))


@worlds
def test_rank_has_the_contract_s_mask_from_its_first_index_on(world_size):
    key = torch.randint(-(2**63), 2**63 - 1, (), generator=torch.Generator().manual_seed(SEED))
    for rank in range(world_size):
        with shard(rank, world_size):
            y, grad = run(lambda x: F.dropout(x, P), torch.ones(7, 31), torch.ones(7, 31))
        keep = keep_mask((7, 31), P, int(key) % 2**64, start=rank * 7 * 31)
        assert torch.equal(y != 0, keep)
        assert torch.equal(grad != 0, keep)


@operations
@pytest.mark.parametrize("backward_rank", [None, 0, 2], ids=["outside", "rank-0", "rank-2"])
def test_backward_has_the_mask_of_the_forward_wherever_it_runs(operation, backward_rank):
    x, upstream = batch_of((BATCH, *operation.sample))
    _, expected = run(operation.function, x, upstream)
    part = x.chunk(3)[1].detach().requires_grad_()
    torch.manual_seed(SEED)
    with shard(1, 3):
        y = operation.function(part)
    with contextlib.nullcontext() if backward_rank is None else shard(backward_rank, 3):
        (grad,) = torch.autograd.grad(y, part, upstream.chunk(3)[1])
    assert torch.equal(grad, expected.chunk(3)[1])


@operations
def test_layers_do_as_functions(operation):
    x, upstream = batch_of((BATCH, *operation.sample))
    layer = operation.layer()
    if isinstance(layer, nn.BiasActDropout):
        torch.nn.init.ones_(layer.bias)
    assert_same(of_ranks(2, layer, x, upstream), run(operation.function, x, upstream))


@pytest.mark.parametrize("function", [F.dropout, F.dropout2d, F.drop_path])
def test_part_may_be_written_in_place_and_drawn_from_a_generator(function):
    x, upstream = batch_of((BATCH, 3, 7, 11))

    def in_place(x):
        generator = torch.Generator().manual_seed(SEED)
        return function(x.clone(), P, inplace=True, generator=generator)

    assert_same(of_ranks(3, in_place, x, upstream), run(in_place, x, upstream))


@worlds
@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 7, 11)], ids=["rows", "planes"])
@pytest.mark.parametrize("executor", ["reference", "cpu"])
def test_batch_norm_act_has_its_part_of_the_mask(world_size, shape, executor):
    # The same samples on each rank: the statistics of a part are those of the whole.
    x = torch.randn(shape, dtype=torch.float64).repeat(world_size, *[1] * len(shape[1:]))
    upstream = torch.randn_like(x)
    layer = {2: nn.BatchNormAct1d, 4: nn.BatchNormAct2d}[len(shape)](3, "gelu", P).double()

    def outputs_and_gradients(x, upstream):
        torch.manual_seed(SEED)
        y = layer(x)
        return y.detach(), torch.autograd.grad(y, list(layer.parameters()), upstream)

    parts = []
    with use_executor(executor):
        expected, sums = outputs_and_gradients(x, upstream)
        for rank in range(world_size):
            with shard(rank, world_size):
                part = x.chunk(world_size)[rank], upstream.chunk(world_size)[rank]
                parts.append(outputs_and_gradients(*part))
    found = torch.cat([y for y, _ in parts])
    assert torch.equal(found == 0, expected == 0)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    for gradients, total in zip(
        zip(*(grads for _, grads in parts), strict=True), sums, strict=True
    ):
        torch.testing.assert_close(sum(gradients), total, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("executor", ["reference", "cpu"])
def test_bias_s_gradients_and_second_derivatives_are_those_of_the_whole(executor):
    x, upstream = batch_of((BATCH, 31))
    bias = torch.randn(31, dtype=torch.float64, requires_grad=True)

    def derivatives(x, upstream):
        torch.manual_seed(SEED)
        x = x.detach().requires_grad_()
        y = F.bias_act_dropout(x, bias, "gelu", P)
        first = torch.autograd.grad(y, [x, bias], upstream, create_graph=True)
        (second,) = torch.autograd.grad(first[0].square().sum(), x)
        return first[0].detach(), second, first[1].detach()

    parts = []
    with use_executor(executor):
        *expected, total = derivatives(x, upstream)
        for rank, part in enumerate(zip(x.chunk(3), upstream.chunk(3), strict=True)):
            with shard(rank, 3):
                parts.append(derivatives(*part))
    *found, of_bias = zip(*parts, strict=True)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.cat(one), other, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(sum(of_bias), total, rtol=1e-12, atol=1e-12)
