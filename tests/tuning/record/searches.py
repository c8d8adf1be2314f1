"""A setting, outcomes and a sampler without any training: what a record is tried with."""

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from wolfsbane.experiment.metrics import Reliability
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record import open_record, places
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Choice, Rate, Space, make_space
from wolfsbane.tuning.trial import Outcome, Purpose

RATE = "dropout"


@dataclass(frozen=True)
class Subject:
    space: Space
    built_by: str = "the default network"

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


NUM_SEARCHED, NUM_PROVED, BATCH = 24, 6, 4
"""Trainings of `work`, and how many of them run at once."""


def work(place, told, longest_pause):
    """Make what is missing of a small search in a directory, or a database; say what was told."""
    is_url = "://" in place
    directory, url = (None, place) if is_url else (Path(place), None)
    draw = random.Random(os.getpid())
    with opened(directory, url) as record:
        told.send("opened")
        _search(record, told, lambda: time.sleep(draw.uniform(0, longest_pause)), draw)
        _prove(record, told)
    told.send("done")


def _search(record, told, pause, draw):
    while (made := num_of(record, Purpose.SEARCH)) < NUM_SEARCHED:
        batch = [record.suggest() for _ in range(min(BATCH, NUM_SEARCHED - made))]
        draw.shuffle(batch)
        for request in batch:
            pause()
            record.tell(request, outcome(request.seed + 0.1))
            told.send(request.number)


def _prove(record, told):
    made = {trial.request.seed for trial in record.trials() if is_proof(trial)}
    for seed in range(1000, 1000 + NUM_PROVED):
        if seed not in made:
            configuration = setting().subject.space.baseline
            request = record.add(configuration, seed, Purpose.PROOF, keep_weights=True)
            record.tell(request, outcome(weights=b"weights of %d" % seed))
            told.send(request.number)


def is_proof(trial):
    return trial.request.purpose is Purpose.PROOF


def num_of(record, purpose):
    return sum(trial.request.purpose is purpose for trial in record.trials())


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
