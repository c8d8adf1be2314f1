import pytest
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
)

from wolfsbane.audit.traits.loaders import Batches, batches_of

DATA = TensorDataset(torch.randn(25, 2))


@pytest.mark.parametrize(
    ("batch_size", "drop_last"), [(4, False), (4, True), (5, False), (100, False)]
)
def test_the_last_batch_is_as_large_as_iterating_shows(batch_size, drop_last):
    loader = DataLoader(DATA, batch_size=batch_size, drop_last=drop_last, shuffle=True)
    assert batches_of(loader).last == len(list(loader)[-1][0])


def test_a_batch_sampler_of_torchs_is_read():
    sampler = BatchSampler(RandomSampler(DATA, num_samples=9, replacement=True), 4, drop_last=False)
    assert batches_of(DataLoader(DATA, batch_sampler=sampler)) == Batches(4, 9, drops_last=False)


class Own(BatchSampler):
    pass


class Stream(IterableDataset):
    def __iter__(self):
        yield torch.zeros(2)


def test_a_batch_sampler_of_ones_own_tells_nothing():
    sampler = Own(SequentialSampler(DATA), 4, drop_last=False)
    assert batches_of(DataLoader(DATA, batch_sampler=sampler)) is None


class Broken(TensorDataset):
    def __len__(self):
        raise RuntimeError("not downloaded")


def test_a_data_set_that_cannot_tell_its_length_does_not_either():
    sampler = BatchSampler(SequentialSampler(Broken()), 4, drop_last=False)
    assert batches_of(DataLoader(DATA, batch_sampler=sampler)) == Batches(4, None, drops_last=False)


def test_of_a_stream_the_batch_size_is_known_alone():
    batches = batches_of(DataLoader(Stream(), batch_size=4))
    assert (batches.batch_size, batches.last) == (4, None)


@pytest.mark.parametrize("loader", [None, [1], DataLoader(DATA, batch_size=None)])
def test_what_is_no_loader_of_batches_tells_nothing(loader):
    assert batches_of(loader) is None
