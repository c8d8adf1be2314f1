"""What may be as good as possible, and what is said of anything else."""

import pytest

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.experiment.measures import Epoch
from wolfsbane.tuning.objective import Objective, make_objective


def test_the_default_is_the_lowest_nll_of_the_last_epoch():
    assert make_objective() == Objective("nll", higher_is_better=False, epoch=Epoch.LAST)


def test_accuracy_is_better_when_higher():
    assert make_objective("accuracy", "best") == Objective("accuracy", True, Epoch.BEST)
    assert make_objective("accuracy", Epoch.BEST, "maximize") == make_objective("accuracy", "best")


@pytest.mark.parametrize(("direction", "higher"), [("minimize", False), ("maximize", True)])
def test_a_metric_of_the_users_own_takes_its_direction(direction, higher):
    assert make_objective("f1", direction=direction) == Objective("f1", higher)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("acuracy",), r"unknown objective 'acuracy': did you mean 'accuracy'\?"),
        (("loss",), r"unknown objective 'loss': did you mean 'nll'\?"),
        (("NLL",), r"did you mean 'nll'\?"),
        (("f1",), r"'f1'. There are: nll, accuracy. .* direction=\"minimize\" or \"maximize\""),
        (("",), "unknown objective ''"),
        (("", "last", "maximize"), "unknown objective ''"),
        (("validation_nll",), "'validation_nll' names a part .* Give objective='nll'"),
        (("val_f1", "last", "maximize"), "objective='f1': validation_f1 chooses, test_f1 proves"),
        (("f1", "last", "up"), "direction is 'minimize' or 'maximize', but got 'up'"),
        (("nll", "last", "maximize"), "'maximize' for nll, which is better when lower"),
        (("accuracy", "last", "minimize"), "accuracy, which is better when higher. Leave it out"),
        (("nll", "first"), "epoch is 'last' or 'best', but got 'first'"),
        ((None,), "objective is the name of a metric, .* but got None"),
    ],
)
def test_an_objective_that_cannot_be_is_explained(arguments, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        make_objective(*arguments)
