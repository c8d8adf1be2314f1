"""Searches of a moment, real from the first training to the answer."""

from dataclasses import replace

import pytest

from wolfsbane.experiment.data import load
from wolfsbane.experiment.training import AdamW
from wolfsbane.report.tuning.view import View
from wolfsbane.tuning.default_network import DefaultNetwork
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.engines.here import Here
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, search
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import make_space
from wolfsbane.tuning.training import perform

RATE = make_space({"dropout": Rate(0, 0.9, 0.1)})


def searched(budget, on_progress=lambda _: None, *, complexity=False, **changes):
    """Search, and return the view of it."""
    given = {
        "subject": DefaultNetwork(RATE),
        "pool": load("digits"),
        "data": None,
        "objective": Objective(),
        "train": AdamW(2),
        "train_size": 80,
    }
    setting = Setting(**given | changes)
    limits = Limits(budget=budget, complexity=complexity)
    with open_record(setting) as record:
        answer = search(setting, limits, record, Here(perform), on_progress)
        return View(setting, answer, tuple(record.trials()), seconds=1.5)


@pytest.fixture(scope="session")
def search_of():
    """Return the function that searches."""
    return searched


@pytest.fixture(scope="session")
def progress():
    """Return where the search of `view` stood, from its start to its end."""
    return []


@pytest.fixture(scope="session")
def view(progress):
    """Return a search that chose a rate, proved it, and asked how hard the data is."""
    made = searched(14, progress.append, label_noise=0.4, train=AdamW(25))
    assert made.answer.findings, "the other tests need a proof"
    return made


@pytest.fixture(scope="session")
def single():
    """Return a search of one training."""
    return searched(1)


@pytest.fixture(scope="session")
def two_dimensions():
    """Return a search of a rate and an option, too small for a proof."""
    space = make_space({"dropout": Rate(0, 0.8, 0.2), "activation": Choice("relu", "tanh")})
    return searched(6, subject=DefaultNetwork(space))


class Loop:
    """A training loop that measures its own metric, and nothing of wolfsbane's."""

    def __call__(self, model, data, seed, report):
        for epoch in range(3):
            rate = next((m.p for m in model.modules() if hasattr(m, "p")), 0.0)
            report(validation_f1=0.5 + rate / 10 + epoch / 100 + seed % 7 / 1000)


@pytest.fixture(scope="session")
def own_metric():
    """Return a search by a metric of the user's, without test data."""
    return searched(6, objective=Objective("f1", higher_is_better=True), train=Loop())


@pytest.fixture(scope="session")
def with_curve(view):
    """Return a search that has a learning curve over training-set size."""
    from wolfsbane.tuning.answer import LearningCurvePoint  # noqa: PLC0415

    values = {
        (20, view.answer.baseline): (1.9, 1.8),
        (20, view.answer.chosen): (1.2, 1.3),
        (80, view.answer.baseline): (0.8, 0.7),
        (80, view.answer.chosen): (0.6, 0.6),
    }
    curve = tuple(
        LearningCurvePoint(size, configuration, "nll", found)
        for (size, configuration), found in values.items()
    )
    complexity = replace(view.answer.complexity, curve=curve, memorised_chosen=0.25)
    return replace(view, answer=replace(view.answer, complexity=complexity))
