"""The real search on the trainings of the grid: its engine looks a training up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from data import Problem, load_pool
from grid import RATES
from peers import BUDGET, Choice
from truth import Table

from wolfsbane.experiment.data import Data, Pool
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.tuning.answer import Answer
from wolfsbane.tuning.objective import BETTER_WHEN_HIGHER, Objective
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, search
from wolfsbane.tuning.seeds import PROOF_OFFSET
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Configuration, Rate, Space, make_space
from wolfsbane.tuning.trial import Outcome, Purpose, Request

NAME = "dropout"
SPACE = make_space({NAME: Rate(RATES[0], RATES[-1], step=0.1)})

MEMORISED = 0.5
"""What the look-up says of the wrong labels; it decides nothing."""


@dataclass(frozen=True)
class TableSubject:
    """Stands for the default network, which is not built: its trainings were made."""

    built_by: str = "the default network"
    fingerprint: str = "the grid's"

    @property
    def space(self) -> Space:
        """The grid's rates."""
        return SPACE

    def build(self, configuration: Configuration, data: Data | None) -> torch.nn.Module:
        """Never called."""
        raise NotImplementedError


@dataclass(frozen=True)
class TableEngine:
    """Looks trainings up.

    Attributes:
        table: of the problem.
        seeds: of the table, in the order in which the search takes them; the proof takes them from
            the end.
    """

    table: Table
    seeds: tuple[int, ...]
    num_workers: int = 1

    def run(
        self, setting: Setting, requests: Sequence[Request]
    ) -> Iterator[tuple[Request, Outcome]]:
        """Yield each request with its outcome."""
        assert setting.seed == 0, "the table's seeds are counted from 0"
        for request in requests:
            yield request, self._outcome(request)

    def _outcome(self, request: Request) -> Outcome:
        rate = float(request.configuration.as_dict()[NAME] or 0.0)
        cell = self.table.cells[round(rate, 1), self.seed(request)]
        curves = {name: tuple(of) for name, of in cell.items() if name != "reliability"}
        reliability = Reliability(**{key: tuple(of) for key, of in cell["reliability"].items()})
        return Outcome(curves, reliability, memorised=MEMORISED)

    def seed(self, request: Request) -> int:
        """Return the table's seed for one of the search, whose first is 0."""
        if request.purpose is Purpose.PROOF:
            return self.seeds[-1 - request.seed % PROOF_OFFSET]
        return self.seeds[request.seed]


@cache
def _pool(name: str) -> Pool:
    return load_pool(name)


def tune_ours(problem: Problem, table: Table, metric: str, seeds: tuple[int, ...]) -> Choice:
    """Search and prove, within the budget."""
    objective = Objective(metric, BETTER_WHEN_HIGHER[metric])
    pool, size = _pool(problem.data), problem.train_size
    setting = Setting(
        TableSubject(), pool, None, objective, None, size, problem.label_noise, seed=0
    )
    engine = TableEngine(table, seeds)
    with open_record(setting) as record:
        answer = search(setting, Limits(BUDGET), record, engine, lambda _: None)
        requests = [trial.request for trial in record.trials()]
    _check_apart(engine, requests)
    return choice_of(answer)


def _check_apart(engine: TableEngine, requests: Sequence[Request]) -> None:
    """Raise where search and proof, coming from both ends of the seeds, have met."""
    proof = {engine.seed(one) for one in requests if one.purpose is Purpose.PROOF}
    others = {engine.seed(one) for one in requests if one.purpose is not Purpose.PROOF}
    if proof & others:
        raise ValueError("the table has too few seeds for a search and its proof")


def choice_of(answer: Answer) -> Choice:
    """Return what a search came to, as its peers' is kept."""
    made = answer.num_trainings
    return Choice(
        rate=float(answer.chosen.as_dict()[NAME] or 0.0),
        claims=answer.verdict is Verdict.GAIN,
        cost=float(sum(made.values())),
        trials=made[Purpose.SEARCH],
    )
