"""Statistics merged over ranks, against those of one process that has all batches."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch.nn import BatchNorm1d

from ranks import run_ranks
from wolfsbane import stats

WORKER = Path(__file__).with_name("worker.py")


def load_worker():
    spec = importlib.util.spec_from_file_location("stats_worker", WORKER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


worker = load_worker()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Return what each of two ranks got."""
    return run_ranks(WORKER, 2, tmp_path_factory)


def everything():
    return [batch for rank in worker.SIZES for batch in worker.batches(rank)]


def expected_state(batches):
    model = worker.network(BatchNorm1d)
    stats.recalibrate(model, batches)
    return model.state_dict()


def assert_states(ranks, scenario, expected):
    for rank in ranks:
        state = {name.removeprefix("module."): t for name, t in rank[scenario]["state"].items()}
        for name, value in expected.items():
            torch.testing.assert_close(state[name], value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scenario", ["unequal", "data parallel", "after errors"])
def test_ranks_with_unequal_batches_get_the_statistics_of_all(ranks, scenario):
    assert_states(ranks, scenario, expected_state(everything()))
    assert [rank[scenario]["num_batches"] for rank in ranks] == [4, 4]
    assert [rank[scenario]["counts"] for rank in ranks] == [[18, 18]] * 2


def test_variance_between_ranks_counts(ranks):
    """Averaging the variances of ranks, whose means are 10 apart, would lose it."""
    own = [torch.cat(worker.batches(rank)) for rank in worker.SIZES]
    average = torch.stack([x.var(0) for x in own]).mean(0)
    found = ranks[0]["unequal"]["state"]["0.running_var"]
    torch.testing.assert_close(found, torch.cat(own).var(0), rtol=1e-12, atol=0)
    assert (found > 4 * average).all()


def test_rank_without_batches_gets_those_of_the_others(ranks):
    assert_states(ranks, "none on rank 1", expected_state(worker.batches(0)))
    assert [rank["none on rank 1"]["num_batches"] for rank in ranks] == [3, 3]


def assert_unchanged(ranks, scenario):
    assert_states(ranks, scenario, worker.network(BatchNorm1d).state_dict())


def test_no_batch_on_any_rank_is_an_error_on_all(ranks):
    assert all("at least one batch" in rank["none at all"]["error"] for rank in ranks)
    assert_unchanged(ranks, "none at all")


@pytest.mark.parametrize("scenario", ["failing", "failing in step"])
def test_rank_that_fails_stops_all(ranks, scenario):
    assert ranks[0][scenario]["error"] == "RuntimeError: disk"
    assert ranks[1][scenario]["error"].startswith("ModelError: rank 0 failed")
    assert_unchanged(ranks, scenario)


def test_value_that_is_not_finite_on_one_rank_is_refused_by_all(ranks):
    assert all("would not be finite" in rank["not finite"]["error"] for rank in ranks)
    assert_unchanged(ranks, "not finite")


def normalised(x, batch):
    return (x - batch.mean(0)) / (batch.var(0, correction=0) + 1e-5).sqrt()


@pytest.mark.parametrize("scenario", ["in step", "in step, torch's"])
def test_synchronised_layers_share_batches_while_all_ranks_have_one(ranks, scenario):
    (first, *rest), (other,) = (worker.batches(rank) for rank in worker.SIZES)
    shared = torch.cat([first, other])
    linear = worker.network(BatchNorm1d)[1]
    seen = [normalised(shared, shared), *(normalised(x, x) for x in rest)]
    values = linear(torch.cat(seen)).detach()
    for rank in ranks:
        state = rank[scenario]["state"]
        torch.testing.assert_close(state["0.running_mean"], torch.cat([shared, *rest]).mean(0))
        torch.testing.assert_close(state["2.running_mean"], values.mean(0), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(state["2.running_var"], values.var(0), rtol=1e-9, atol=0)


def test_one_sample_on_each_rank_is_enough_for_layers_that_share(ranks):
    for rank in ranks:
        assert rank["one sample each"]["counts"] == [2]
        assert rank["one sample each"]["state"]["running_mean"].tolist() == [2, 2]
        assert rank["one sample each"]["state"]["running_var"].tolist() == [8, 8]
