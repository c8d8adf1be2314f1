"""Metrics against independent computations."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss

from wolfsbane.experiment.metrics import NUM_BINS, reliability, scores


@pytest.fixture
def logits_and_classes():
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, 4, (1000,), generator=generator)
    logits = torch.randn(1000, 4, generator=generator)
    logits[torch.arange(1000), y] += 1.5
    return logits, y


def test_accuracy_and_nll_agree_with_scikit_learn(logits_and_classes):
    logits, y = logits_and_classes
    probabilities = logits.double().softmax(1).numpy()
    found = scores(logits, y)
    assert found.accuracy == pytest.approx(accuracy_score(y, probabilities.argmax(1)), abs=1e-12)
    assert found.nll == pytest.approx(log_loss(y, probabilities), abs=1e-12)


def test_calibration_error_agrees_with_its_definition(logits_and_classes):
    logits, y = logits_and_classes
    probabilities = logits.double().softmax(1).numpy()
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == y.numpy()
    expected = 0.0
    edges = np.linspace(0, 1, NUM_BINS + 1)
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert reliability(logits, y).calibration_error == pytest.approx(expected, abs=1e-12)


def test_a_network_that_is_sure_and_right_has_no_calibration_error():
    logits = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]])
    assert reliability(logits, torch.tensor([0, 1])).calibration_error == 0.0


def test_a_network_that_is_sure_and_wrong_has_the_largest():
    logits = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]])
    assert reliability(logits, torch.tensor([1, 0])).calibration_error == 1.0


def test_every_example_is_in_one_bin(logits_and_classes):
    found = reliability(*logits_and_classes)
    assert sum(found.count) == 1000
    assert all(0 <= right <= n for right, n in zip(found.correct, found.count, strict=True))
