"""DistributedDataParallel over gloo, against one process with the whole batch."""

from pathlib import Path

import pytest
import torch

from ranks import run_ranks
from significance import assert_as_accurate_as_torch
from training import batches, independent_samples, normalised_over_all, part_of, train

WORKER = Path(__file__).with_name("worker.py")

JOBS = {
    1: ["parts_of_one_mask"],
    2: ["parts_of_one_mask", "masks_of_their_own", "compiled", "compiled_statistics"],
    4: ["parts_of_one_mask"],
}
"""What worlds of these sizes do."""

worlds = pytest.mark.parametrize("world_size", JOBS)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """Return what each rank of each world got."""
    return {size: run_ranks(WORKER, size, tmp_path_factory, *jobs) for size, jobs in JOBS.items()}


@pytest.fixture(scope="module")
def alone():
    """Return what one process with the whole batch gets."""
    return train(normalised_over_all(), batches())


def assert_same(found, expected):
    assert_as_accurate_as_torch(found, expected, expected, 1e-12 * (1 + expected.abs().max()))


@worlds
def test_losses_are_those_of_the_whole_batch(ranks, alone, world_size):
    losses = torch.stack([rank["parts_of_one_mask"]["losses"] for rank in ranks[world_size]])
    assert_same(losses.mean(0), alone["losses"])


@worlds
def test_gradients_are_those_of_the_whole_batch(ranks, alone, world_size):
    for rank in ranks[world_size]:
        gradients = rank["parts_of_one_mask"]["gradients"]
        for one, other in zip(gradients, alone["gradients"], strict=True):
            assert_same(one, other)


@worlds
def test_parameters_and_statistics_become_those_of_the_whole_batch(ranks, alone, world_size):
    for rank in ranks[world_size]:
        state = rank["parts_of_one_mask"]["state"]
        assert list(state) == list(alone["state"])
        for name, value in alone["state"].items():
            assert_same(state[name].double(), value.double())


def test_rank_with_a_seed_of_its_own_drops_as_one_process_with_that_seed(ranks):
    for number, rank in enumerate(ranks[2]):
        first_step = part_of(number, 2)[:1]
        expected = train(independent_samples(), first_step, seed=number)["losses"]
        assert_same(rank["masks_of_their_own"]["losses"][:1], expected)


def test_ranks_with_seeds_of_their_own_train_one_model(ranks):
    one, other = (rank["masks_of_their_own"]["state"] for rank in ranks[2])
    assert all(torch.equal(one[name], other[name]) for name in one)
    trained = independent_samples()
    trained.load_state_dict(one)
    assert loss_of(trained) < loss_of(independent_samples())


def loss_of(model):
    """Return the loss on all batches, with nothing dropped."""
    model.eval()
    losses = [torch.nn.functional.cross_entropy(model(x), labels) for x, labels in batches()]
    return torch.stack(losses).mean().item()


def test_compiled_model_trains_as_one_process_with_the_whole_batch(ranks):
    alone = train(independent_samples(), batches())
    results = [rank["compiled"] for rank in ranks[2]]
    assert_same(torch.stack([result["losses"] for result in results]).mean(0), alone["losses"])
    for result in results:
        assert result["num_graphs"] > 0
        assert list(result["state"]) == list(alone["state"])
        for name, value in alone["state"].items():
            assert_same(result["state"][name], value)


def test_compiled_sync_batch_norm_is_the_eager_one(ranks):
    for rank in ranks[2]:
        result = rank["compiled_statistics"]
        assert result["num_graphs"] > rank["compiled"]["num_graphs"]
        assert_same(result["compiled"]["y"], result["eager"]["y"])
        assert_same(result["compiled"]["grad"], result["eager"]["grad"])
