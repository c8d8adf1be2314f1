"""What a search came to, in the forms that people ask for."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from wolfsbane.errors import ModelError
from wolfsbane.experiment.data import split
from wolfsbane.report import frame
from wolfsbane.report.files import REPORT_FILE, RESULTS_FILE, make_folder, write_whole
from wolfsbane.report.tuning import record, words
from wolfsbane.report.tuning.view import View
from wolfsbane.surgery import Undo
from wolfsbane.tuning.answer import Answer
from wolfsbane.tuning.application import apply
from wolfsbane.tuning.dimensions import Value
from wolfsbane.tuning.training import perform
from wolfsbane.tuning.trial import Outcome, Purpose, Request

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TuneResult:
    """What came out of a search.

    Attributes:
        view: what was asked, and everything that came out.
        num_resumed: trainings that were there when the search went on.
    """

    view: View
    num_resumed: int = 0

    @property
    def answer(self) -> Answer:
        """The choice, what is as good, the gain with its interval, how hard the data is."""
        return self.view.answer

    @property
    def best_params(self) -> dict[str, Value]:
        """The chosen value of each dimension of the space."""
        return self.answer.chosen.as_dict()

    @property
    def interrupted(self) -> bool:
        """Whether trainings are missing."""
        return not self.answer.is_finished

    @property
    def verdict(self) -> str:
        """What may be said: the choice, what is as good, the gain, the data, the cost."""
        return words.verdict(self.view)

    def __str__(self) -> str:
        return self.verdict

    __repr__ = __str__

    @property
    def table(self) -> list[dict[str, Any]]:
        """One record for each training: number, purpose, the configuration, seed, metrics."""
        return record.table(self.view)

    def to_frame(self) -> "pd.DataFrame":
        """Return `table` as a pandas DataFrame.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return frame.to_frame(self.table)

    def to_json(self) -> str:
        """Return everything as JSON: configuration, versions, answer, trainings."""
        return record.to_json(self.view)

    def best_model(self) -> torch.nn.Module:
        """Return a trained network of the chosen configuration, in evaluation mode.

        It is one of those that the gain was measured with, where such weights were kept; else it is
        trained again, under the search's first seed.

        Raises:
            ModelError: the training fails, or the loop gave its model no weights to keep.
        """
        request, outcome = self._kept() or self._retrained()
        if outcome.weights is None:
            raise ModelError("the training returned no weights")
        setting = self.view.setting
        data = None
        if setting.pool is not None:
            data = split(setting.pool, setting.train_size, request.seed)
        with torch.random.fork_rng(devices=[]):
            model = setting.subject.build(request.configuration, data)
        if data is not None:
            with torch.no_grad():
                model.eval()(data.train.x[:2])  # gives lazy layers their shapes
        model.load_state_dict(torch.load(io.BytesIO(outcome.weights), weights_only=True))
        return model.eval()

    def _kept(self) -> tuple[Request, Outcome] | None:
        found = (
            (trial.request, trial.outcome)
            for trial in self.view.trials
            if trial.request.configuration == self.answer.chosen
            and trial.outcome is not None
            and trial.outcome.weights is not None
        )
        return next(found, None)

    def _retrained(self) -> tuple[Request, Outcome]:
        request = Request(
            number=len(self.view.trials),
            configuration=self.answer.chosen,
            seed=self.view.setting.seed,
            purpose=Purpose.PROOF,
            keep_weights=True,
        )
        return request, perform(self.view.setting, request)

    def apply(self, model: torch.nn.Module) -> Undo:
        """Set the chosen rates in a model of yours, through `surgery.set_rates`.

        Returns:
            What takes it back: `undo = result.apply(model)`; `undo()`.

        Raises:
            ArgumentError: the model has no drop rates, or it is not clear which rate goes where.
        """
        return apply(self.answer.chosen, self.view.setting.subject.space, model)

    def save(self, directory: str | Path) -> Path:
        """Write report.html and results.json into `directory`, and return it.

        Raises:
            ArgumentError: the directory cannot be written to.
        """
        from wolfsbane.report.tuning.page import render  # noqa: PLC0415  # matplotlib: a second

        folder = make_folder(directory)
        write_whole(folder / REPORT_FILE, render(self.view))
        write_whole(folder / RESULTS_FILE, self.to_json())
        return folder
