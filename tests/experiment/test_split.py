"""Splitting: nothing is in two parts, classes keep their shares, only training sets the scale."""

import pytest
import torch

from wolfsbane.errors import DataError
from wolfsbane.experiment.data import (
    Examples,
    Pool,
    add_label_noise,
    default_train_size,
    load,
    split,
)


def numbered_pool(size, test_size=0):
    """Each example's only feature is its number, so parts can be told apart."""
    x = torch.arange(float(size)).unsqueeze(1)
    y = torch.arange(size) % 2
    test = Examples(torch.full((test_size, 1), -1.0), torch.arange(test_size) % 2)
    return Pool("numbers", "table", Examples(x, y), ("even", "odd"), test if test_size else None)


def values(part):
    return set(part.x.flatten().tolist())


def test_parts_are_disjoint_and_complete():
    data = split(numbered_pool(400), 100, seed=3)
    parts = [values(part) for part in (data.train, data.validation, data.test)]
    assert [len(part) for part in parts] == [100, 150, 150]
    assert len(set.union(*parts)) == 400


def test_the_test_set_is_the_same_for_all_seeds_and_the_training_set_is_not():
    pool = numbered_pool(400)
    first, second = split(pool, 100, seed=0), split(pool, 100, seed=1)
    # Standardisation differs by seed, the labels and their order do not.
    assert torch.equal(first.test.y, second.test.y)
    order = first.test.x.flatten().argsort()
    assert torch.equal(order, second.test.x.flatten().argsort())
    assert not torch.equal(first.train.y, second.train.y)


def test_the_same_seed_gives_the_same_split():
    pool = numbered_pool(400)
    assert torch.equal(split(pool, 100, seed=5).train.x, split(pool, 100, seed=5).train.x)


def test_a_part_of_the_training_examples_leaves_validation_and_test_as_they_are():
    pool = numbered_pool(400)
    whole, part = split(pool, 100, seed=3), split(pool, 20, seed=3, part_of=100)
    assert [len(of) for of in (part.train, part.validation, part.test)] == [20, 150, 150]
    for one, other in ((whole.validation, part.validation), (whole.test, part.test)):
        assert torch.equal(one.x.flatten().argsort(), other.x.flatten().argsort())
    assert part.train.y.sum() == 10


def test_a_class_too_rare_for_a_part_is_refused():
    pool = Pool(
        "rare", "table", Examples(torch.rand(60, 1), (torch.arange(60) < 5).long()), ("a", "b")
    )
    with pytest.raises(DataError, match="class 'b' has 1 of 12 training examples"):
        split(pool, 6, seed=0, part_of=12)


def test_every_part_has_its_share_of_every_class():
    pool = load("spam")
    data = split(pool, 500, seed=0)
    share = pool.examples.y.double().mean()
    for part in (data.train, data.validation, data.test):
        assert abs(part.y.double().mean() - share) < 1 / len(part)


def test_every_part_is_scaled_by_the_training_examples_and_cut_at_three_deviations():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 1, generator=generator, dtype=torch.float64) * 7 + 30
    pool = Pool("one", "table", Examples(x, torch.arange(400) % 2), ("a", "b"))
    # Of nine values none can be more than 8 / sqrt(9) deviations from their mean: none is cut.
    data = split(pool, 9, seed=0)
    # Undo the scale: some training mean and deviation must explain all uncut values of all parts.
    raw = x.flatten().sort().values
    scaled = torch.cat([part.x.flatten() for part in (data.train, data.validation, data.test)])
    scaled = scaled.double().sort().values
    inside = scaled.abs() < 3.0
    assert 0 < (~inside).sum() < 200
    slope = (scaled[inside][-1] - scaled[inside][0]) / (raw[inside][-1] - raw[inside][0])
    line = (raw - raw[inside][0]) * slope + scaled[inside][0]
    assert torch.allclose(scaled, line.clamp(-3, 3), atol=1e-5)
    train = data.train.x.double()
    assert train.abs().max() < 3.0
    assert abs(train.mean()) < 1e-6
    assert abs(train.var(correction=0) - 1) < 1e-5


@pytest.mark.parametrize(("scale", "offset"), [(1e-14, 0.0), (30.0, 1.7e9)])
def test_features_of_any_scale_survive(scale, offset):
    labels = torch.arange(40) % 2
    x = (labels.double() * scale + offset).unsqueeze(1)
    data = split(Pool("odd", "table", Examples(x, labels), ("a", "b")), 20, seed=0)
    assert torch.equal(data.train.x.flatten() > 0, data.train.y.bool())


def test_a_class_too_rare_to_be_trained_on_is_named():
    y = (torch.arange(10_000) >= 9_996).long()
    pool = Pool("rare", "table", Examples(torch.randn(10_000, 1), y), ("often", "rare"))
    with pytest.raises(DataError, match="none of the 500 training examples is of class 'rare'"):
        split(pool, 500, seed=0)


def test_a_constant_feature_is_harmless():
    x = torch.cat([torch.full((40, 1), 1e8), torch.randn(40, 1)], dim=1)
    pool = Pool("flat", "table", Examples(x, torch.arange(40) % 2), ("a", "b"))
    assert torch.equal(split(pool, 10, seed=0).train.x[:, 0], torch.zeros(10))


def test_given_test_examples_stay_the_test_examples():
    data = split(numbered_pool(50, test_size=6), 30, seed=0)
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 20, 6)


@pytest.mark.parametrize("train_size", [1, 397, 400, 5000])
def test_a_train_size_that_leaves_nothing_is_refused(train_size):
    with pytest.raises(DataError, match=rf"between 2 .* and 396 .* but got {train_size}"):
        split(numbered_pool(400), train_size, seed=0)


def test_the_default_train_size_leaves_enough_to_test_on():
    assert default_train_size(numbered_pool(10_000)) == 500
    assert default_train_size(numbered_pool(100)) == 50
    assert default_train_size(numbered_pool(100, test_size=10)) == 80


def test_label_noise_changes_the_share_asked_for_and_only_in_training():
    clean = split(load("digits"), 500, seed=0)
    noisy = add_label_noise(clean, 0.3, seed=0)
    assert (noisy.train.y != clean.train.y).sum() == 150
    assert torch.equal(noisy.validation.y, clean.validation.y)
    assert torch.equal(noisy.test.y, clean.test.y)
    assert noisy.train.y.min() >= 0
    assert noisy.train.y.max() < 10


def test_no_label_noise_changes_nothing():
    clean = split(load("digits"), 100, seed=0)
    assert add_label_noise(clean, 0.0, seed=0) is clean


def test_spam_is_the_data_set_it_says_it_is():
    pool = load("spam")
    assert len(pool.examples) == 4597
    assert pool.examples.x.shape[1] == 57
    assert pool.examples.y.bincount().tolist() == [2785, 1812]
