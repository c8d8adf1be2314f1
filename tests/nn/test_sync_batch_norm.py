"""Sync batch norm on two real processes over gloo, against one process on the whole batch."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from significance import assert_as_accurate_as_torch
from skips import require_gloo
from wolfsbane import nn

WORKER = Path(__file__).with_name("sync_worker.py")
NUM_RANKS = 2
TIMEOUT = 120


@dataclass(frozen=True)
class Scenario:
    name: str
    sizes: tuple[int, int]
    rest: tuple[int, ...] = (3, 5)
    options: dict = field(default_factory=dict)
    channels_last: bool = False


SCENARIOS = [
    Scenario("even", (4, 4)),
    Scenario("uneven", (2, 7)),
    Scenario("empty-first", (0, 6)),
    Scenario("empty-last", (6, 0)),
    Scenario("one-sample-each", (1, 1)),
    Scenario("vectors", (1, 3), (3,)),
    Scenario("images", (2, 3), (3, 4, 5), channels_last=True),
    Scenario("volumes", (2, 1), (2, 3, 2, 2)),
    Scenario("no-affine", (2, 3), options={"affine": False}),
    Scenario("no-bias", (2, 3), options={"bias": False}),
    Scenario("no-momentum", (2, 3), options={"momentum": None}),
    Scenario("no-statistics", (2, 3), options={"track_running_stats": False}),
]

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)


def batch_of(scenario):
    """Return the whole batch and upstream gradient, and the state that the layers start from."""
    generator = torch.Generator().manual_seed(sum(scenario.sizes))
    shape = (2, sum(scenario.sizes), *scenario.rest)
    x, upstream = (3 + torch.randn(shape, generator=generator, dtype=torch.float64)).unbind()
    if scenario.channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    state = plain_layer(scenario).state_dict()
    for name in ("weight", "bias", "running_mean", "running_var"):
        if name in state:
            state[name].uniform_(0.5, 1.5, generator=generator)
    return x, upstream, state


def plain_layer(scenario):
    cls = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d, 4: nn.BatchNorm3d}
    layer = cls[len(scenario.rest)]
    return layer(scenario.rest[0], dtype=torch.float64, **scenario.options)


def as_worker_input(scenario):
    x, upstream, state = batch_of(scenario)
    return {
        "x": x.split(scenario.sizes),
        "upstream": upstream.split(scenario.sizes),
        "state": state,
        "options": scenario.options,
    }


def data_parallel_input():
    generator = torch.Generator().manual_seed(1)
    steps = torch.randn(3, 7, 4, generator=generator, dtype=torch.float64)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).double()
    return {"x": [step.split((2, 5)) for step in steps], "state": model.state_dict()}


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Return what each of two processes got, and what they were given."""
    require_gloo()
    folder = tmp_path_factory.mktemp("ranks")
    given = {
        "batches": {scenario.name: as_worker_input(scenario) for scenario in SCENARIOS},
        "data-parallel": data_parallel_input(),
    }
    torch.save(given, folder / "scenarios.pt")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, WORKER, str(rank), str(NUM_RANKS), folder],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(NUM_RANKS)
    ]
    try:
        errors = [process.communicate(timeout=TIMEOUT)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * NUM_RANKS, "\n".join(errors)
    results = [torch.load(folder / f"rank{r}.pt", weights_only=False) for r in range(NUM_RANKS)]
    return results, given


@pytest.fixture
def whole(scenario):
    """Return what one process gets on the concatenated batch."""
    x, upstream, state = batch_of(scenario)
    bn = plain_layer(scenario)
    bn.load_state_dict(state)
    x.requires_grad_()
    y = bn(x)
    loss = (y * upstream).pow(3).sum()
    first = torch.autograd.grad(loss, [x, *bn.parameters()], create_graph=True)
    (second,) = torch.autograd.grad(first[0].square().sum(), x)
    return {"y": y.detach(), "gradients": first, "second": second, "state": bn.state_dict()}


def assert_same(one, other):
    assert_as_accurate_as_torch(one, other, other, 1e-12 * (1 + other.abs().max().item()))


@scenarios
def test_output_is_that_of_the_whole_batch(ranks, scenario, whole):
    results, _ = ranks
    assert_same(torch.cat([rank[scenario.name]["y"] for rank in results]), whole["y"])


@scenarios
def test_input_gradients_are_those_of_the_whole_batch(ranks, scenario, whole):
    results, _ = ranks
    parts = [rank[scenario.name]["gradients"][0] for rank in results]
    assert_same(torch.cat(parts), whole["gradients"][0].detach())


@scenarios
def test_second_derivatives_are_those_of_the_whole_batch(ranks, scenario, whole):
    results, _ = ranks
    assert_same(torch.cat([rank[scenario.name]["second"] for rank in results]), whole["second"])


@scenarios
def test_parameter_gradients_add_up_to_those_of_the_whole_batch(ranks, scenario, whole):
    results, _ = ranks
    parts = zip(*(rank[scenario.name]["gradients"][1:] for rank in results), strict=True)
    for of_ranks, of_whole in zip(parts, whole["gradients"][1:], strict=True):
        assert_same(sum(of_ranks), of_whole.detach())


@scenarios
def test_every_rank_keeps_the_statistics_of_the_whole_batch(ranks, scenario, whole):
    results, _ = ranks
    for rank in results:
        state = rank[scenario.name]["state"]
        assert list(state) == list(whole["state"])
        for name, value in whole["state"].items():
            assert_same(state[name].double(), value.double())


def test_layout_of_the_input_is_kept(ranks):
    results, given = ranks
    for rank, parts in zip(results, given["batches"]["images"]["x"], strict=True):
        assert rank["images"]["stride"] == parts.stride()


def test_one_value_in_all_ranks_is_refused_and_changes_nothing(ranks):
    for rank in ranks[0]:
        message = rank["one-value"]["message"]
        assert message.startswith("Expected more than 1 value per channel when training")
        assert "on all ranks together" in message
        assert rank["one-value"]["state"]["num_batches_tracked"] == 0
        assert torch.equal(rank["one-value"]["state"]["running_mean"], torch.zeros(3))


def test_empty_batch_on_all_ranks_leaves_the_statistics_alone(ranks):
    for rank in ranks[0]:
        assert rank["no-value"]["shape"] == (0, 3)
        assert torch.equal(rank["no-value"]["state"]["running_mean"], torch.zeros(3))
        assert torch.equal(rank["no-value"]["state"]["running_var"], torch.ones(3))


def test_evaluation_waits_for_no_other_rank(ranks):
    y = ranks[0][0]["evaluation"]["y"]
    assert torch.equal(y, nn.BatchNorm1d(3).eval()(torch.ones(2, 3)))


def test_group_of_one_is_a_plain_batch_norm(ranks):
    for rank in ranks[0]:
        result = rank["group-of-one"]
        assert torch.equal(result["y"], nn.BatchNorm1d(3)(result["x"]).detach())


def test_training_under_ddp_is_training_on_the_whole_batch(ranks):
    results, given = ranks
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), nn.BatchNorm1d(3)).double()
    model.load_state_dict(given["data-parallel"]["state"])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for parts in given["data-parallel"]["x"]:
        optimiser.zero_grad()
        # DDP averages over the ranks what each rank sums over its own samples.
        (model(torch.cat(parts)).pow(3).sum() / NUM_RANKS).backward()
        optimiser.step()
    for rank in results:
        for name, value in model.state_dict().items():
            assert_same(rank["data-parallel"]["state"][name].double(), value.double())


def test_sum_over_ranks_has_derivatives(ranks):
    for index, rank in enumerate(ranks[0]):
        x = torch.tensor([1.0 + index, 10.0])
        assert rank["sums"]["total"].tolist() == [5.0, 200.0]
        # The gradient sums the ranks' upstream gradients 1 and 2: 3 * 2x.
        assert torch.equal(rank["sums"]["first"], 6 * x)
        # Differentiated again on both ranks, each of weight 1 + 2 over the same path.
        assert torch.equal(rank["sums"]["second"], torch.full((2,), 6.0))
