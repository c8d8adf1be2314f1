"""Each measure reads the right curve, at the right epoch, in the right direction."""

import pytest

from wolfsbane.experiment.comparison import _value
from wolfsbane.experiment.measures import SCORES, Epoch, epochs_to
from wolfsbane.experiment.metrics import Reliability, Scores
from wolfsbane.experiment.training import Measurement, Run


def measurement(train, validation, test, calibration_error):
    return Measurement(Scores(*train), Scores(*validation), Scores(*test), calibration_error)


# The lowest validation NLL is at the second epoch, the lowest test NLL at the third.
RUN = Run(
    variant="a",
    seed=0,
    curve=(
        measurement((0.60, 0.9), (0.50, 0.8), (0.95, 0.7), 0.10),
        measurement((0.80, 0.5), (0.70, 0.4), (0.55, 0.6), 0.20),
        measurement((1.00, 0.1), (0.90, 0.5), (0.75, 0.3), 0.30),
    ),
    reliability=Reliability((1,), (1.0,), (1,)),
    initial_weights="",
    num_parameters=1,
)


def test_the_best_epoch_is_chosen_on_validation():
    assert RUN.best_epoch == 1


@pytest.mark.parametrize(
    ("name", "last", "best"),
    [("accuracy", 0.75, 0.55), ("nll", 0.3, 0.6), ("ece", 0.30, 0.20), ("gap", 0.25, 0.25)],
)
def test_measures_are_those_of_the_test_examples(name, last, best):
    (measure,) = (measure for measure in SCORES if measure.name == name)
    assert _value(RUN, measure, Epoch.LAST) == pytest.approx(last)
    assert _value(RUN, measure, Epoch.BEST) == pytest.approx(best)


def test_the_direction_of_every_measure():
    directions = {measure.name: measure.higher_is_better for measure in SCORES}
    assert directions == {"accuracy": True, "nll": False, "ece": False, "gap": False}
    assert epochs_to(0.5).higher_is_better is False


@pytest.mark.parametrize(("target", "epochs"), [(0.5, 1), (0.6, 2), (0.9, 3), (0.95, None)])
def test_epochs_to_a_target_are_counted_on_validation(target, epochs):
    assert _value(RUN, epochs_to(target), Epoch.LAST) == epochs
