"""FSDP2 over gloo: parameters in parts on the ranks, against one process that has them whole."""

from pathlib import Path

import pytest
import torch

from ranks import run_ranks
from significance import assert_as_accurate_as_torch
from skips import require_fully_shard
from training import BATCH, batches, every_layer, normalised_over_all, train

WORKER = Path(__file__).with_name("worker.py")
NUM_RANKS = 2
SYNCHRONISED = "4.running_var"
"""Of the only batch norm in `every_layer` that sees the batches of all ranks."""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Return what each rank got."""
    require_fully_shard()
    jobs = ["fully_sharded_parts_of_one_mask", "fully_sharded_same_batch"]
    return run_ranks(WORKER, NUM_RANKS, tmp_path_factory, *jobs)


def assert_same(found, expected):
    assert_as_accurate_as_torch(found, expected, expected, 1e-12 * (1 + expected.abs().max()))


def test_training_on_parts_is_training_on_the_whole_batch(ranks):
    alone = train(normalised_over_all(), batches())
    results = [rank["fully_sharded_parts_of_one_mask"] for rank in ranks]
    assert_same(torch.stack([result["losses"] for result in results]).mean(0), alone["losses"])
    for result in results:
        for one, other in zip(result["gradients"], alone["gradients"], strict=True):
            assert_same(one, other)
        assert list(result["state"]) == list(alone["state"])
        for name, value in alone["state"].items():
            assert_same(result["state"][name].double(), value.double())


def test_every_layer_trains_as_with_its_parameters_whole(ranks):
    alone = train(every_layer(), batches())
    for rank in ranks:
        result = rank["fully_sharded_same_batch"]
        assert_same(result["losses"], alone["losses"])
        for one, other in zip(result["gradients"], alone["gradients"], strict=True):
            assert_same(one, other)
        for name, value in alone["state"].items():
            if name != SYNCHRONISED:
                assert_same(result["state"][name].double(), value.double())


def test_synchronised_variance_is_that_of_the_batch_on_all_ranks(ranks):
    # The same values on each rank: of 2n values the unbiased variance is less than of n.
    n = BATCH * 4 * 3
    factor = (NUM_RANKS * n / (NUM_RANKS * n - 1)) / (n / (n - 1))
    steps = batches()
    of_first = 0.9 ** len(steps)  # what the steps leave of the variance 1 at the start
    alone = train(every_layer(), steps)["state"][SYNCHRONISED]
    for rank in ranks:
        found = rank["fully_sharded_same_batch"]["state"][SYNCHRONISED]
        assert_same(found, of_first + factor * (alone - of_first))


def test_no_rank_holds_all_parameters(ranks):
    held = [rank["fully_sharded_same_batch"]["num_held"] for rank in ranks]
    total = sum(parameter.numel() for parameter in every_layer().parameters())
    assert sum(held) == total
    assert max(held) < total
