"""A setting, outcomes and a sampler without any training: what a record is tried with."""

import os
import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from landscapes import Table, make_pool, make_setting
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record import open_record, places
from wolfsbane.tuning.search import Limits, search
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Space, make_space
from wolfsbane.tuning.trial import Outcome

RATE = "dropout"


@dataclass(frozen=True)
class Subject:
    space: Space
    built_by: str = "the default network"
    fingerprint: str = "options"

    def build(self, configuration, data):
        raise AssertionError("nothing is trained here")


def setting(objective=None, space=None, **changes):
    space = space or make_space({RATE: Rate(0, 0.9)})
    asked = {
        "subject": Subject(space),
        "pool": None,
        "data": "no data",
        "objective": objective or Objective(),
        "train": AdamW(3),
        "train_size": 100,
    }
    return Setting(**{**asked, **changes})


MIXED = {"dropout": Rate(0, 0.9), "norm": Choice(None, "batch"), "wide": Choice(False, True)}
"""A space with every kind of value."""


class Counting(BaseSampler):
    """Proposes the n-th of a fixed list of pairs, n being how many were proposed and not lost."""

    def infer_relative_search_space(self, study, trial):
        return {RATE: FloatDistribution(0.0, 0.9), "seed": IntDistribution(0, 2**32 - 1)}

    def sample_relative(self, study, trial, search_space):
        live = (TrialState.COMPLETE, TrialState.RUNNING)
        found = study.get_trials(deepcopy=False, states=live)
        asked = [one for one in found if one.user_attrs.get("purpose") == "search"]
        rate, seed = pair(len(asked))
        return {RATE: rate, "seed": seed}

    def sample_independent(self, study, trial, param_name, param_distribution):
        return param_distribution.choices[0]


def pair(index):
    return (index % 10) / 10, index // 10


def opened(directory=None, storage=None, asked=None):
    return open_record(asked or setting(), directory, storage, lambda *_: Counting())


def outcome(value=0.5, **more):
    """What a training gave: numbers whose digits do not end in binary."""
    return Outcome(
        curves={"validation_nll": (value * 3, value), "test_nll": (1 / 3, value / 7)},
        reliability=Reliability((3, 0), (0.1 + 0.2, 0.0), (2, 0)),
        num_parameters=1234,
        initial_weights="0123456789abcdef",
        seconds=1.1,
        **more,
    )


def compete(place, barrier, answers, rounds):
    """Try to open a record at the same moment as another process, many times."""
    for _ in range(rounds):
        barrier.wait()
        _try(place, barrier, answers)
        barrier.wait()


def _try(place, barrier, answers):
    try:
        with opened(*place) as record:
            answers.put(("got", os.getpid()))
            record.tell(record.suggest(), outcome())
            barrier.wait()  # Until the other one has tried.
    except ValueError as error:
        answers.put(("refused", str(error)))
        barrier.wait()


def compete_without_lock(place, barrier, answers, rounds):
    """As `compete`, on a database that is taken for one without locks."""
    places._database_guard = lambda *_: None
    compete(place, barrier, answers, rounds)


def begin(place, barrier, answers, seed):
    """Begin a search of its own in a database, at the same moment as another process."""
    barrier.wait()
    with opened(*place, setting(seed=seed)) as record:
        record.tell(record.suggest(), outcome(seed))
        answers.put(record.trials()[0].outcome.curves["validation_nll"][-1])


def hold(place, told):
    """Open a record with a training on its way, and keep it until killed."""
    with opened(*place) as record:
        record.suggest()
        told.send(os.getpid())
        time.sleep(600)


@dataclass
class SlowTable(Table):
    """Trainings of a formula that take a moment, so that kills come between and during them."""

    longest: float = 0.02

    def run(self, setting, requests):
        draw = random.Random(os.getpid())
        for made in super().run(setting, requests):
            time.sleep(draw.uniform(0, self.longest))
            yield made


def search_whole(place, told, longest):
    """Make a whole search: the sampler's pairs, the proof, the data's complexity."""
    with open_record(make_setting(make_pool()), Path(place)) as record:
        told.send("opened")
        search(
            make_setting(make_pool()), Limits(), record, SlowTable(longest=longest), told_by(told)
        )
    told.send("done")


def told_by(told):
    """Send the number of every training that is written down."""

    def tell(progress):
        if progress.trial is not None:
            told.send(progress.trial.request.number)

    return tell


def asked_of(record):
    """Return what was trained, whatever its number is, and what came out."""
    return {replace(trial.request, number=0): trial.outcome for trial in record.trials()}
