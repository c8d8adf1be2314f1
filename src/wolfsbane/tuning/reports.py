"""What a training loop reports, epoch by epoch: wolfsbane measures, or the loop does."""

from collections.abc import Mapping
from typing import Any

import torch

from wolfsbane.errors import ModelError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.experiment.training import Measurement, Meter, check_output
from wolfsbane.tuning.own_metrics import PARTS, read_metrics, read_name, read_number


class Reports:
    """What `report` is in a training loop.

    `report()` measures the model; `report(validation_nll=..., ...)` or `report({...})` takes what
    the loop has measured. Either is one epoch.

    Args:
        label: names the training in messages.
        model: what is trained.
        data: what the loop is given; only a `Data` can be measured on.
        needed: the objective's metric on validation data.
    """

    def __init__(self, label: str, model: torch.nn.Module, data: Any, needed: str) -> None:
        self._label = label
        self._model = model
        self._data = data if isinstance(data, Data) else None
        self._meter = None if self._data is None else Meter(label, model, self._data)
        self._needed = needed
        self._epochs: list[dict[str, float]] = []
        self._is_measured = False

    def __call__(self, metrics: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Note one epoch.

        Raises:
            ModelError: a metric is missing, is no finite number, or was not there in the epochs
                before.
        """
        if not isinstance(metrics, Mapping | None):
            raise ModelError(
                f"{self._label}: report() takes metrics by name, such as "
                f"report({self._needed}=0.4), but got {metrics!r}"
            )
        self._is_measured = metrics is None and not named
        given = self._measured() if self._is_measured else {**(metrics or {}), **named}
        where = f"{self._label}, epoch {len(self._epochs) + 1}"
        self._epochs.append(read_metrics(where, given, self._needed, self._last))

    def close(self, returned: object) -> None:
        """Take what the loop returned: nothing, or the metrics of the state it ended in.

        Raises:
            ModelError: it is neither, nothing was reported, or something else was reported last.
        """
        if returned is None and not self._epochs:
            raise ModelError(
                f"{self._label}: train() never called report(): call it after each epoch, or "
                f"return the metrics of the last: {{{self._needed!r}: ...}}"
            )
        if returned is None:
            return
        if not isinstance(returned, Mapping):
            raise ModelError(
                f"{self._label}: train() has to return nothing, or a dictionary of metrics such as "
                f"{{{self._needed!r}: 0.4}}, but returned {type(returned).__name__}"
            )
        if self._epochs:
            self._check_reported(returned)
        else:
            self(returned)

    @property
    def curves(self) -> dict[str, tuple[float, ...]]:
        """Metrics by name, one value an epoch."""
        return {name: tuple(epoch[name] for epoch in self._epochs) for name in self._last}

    @property
    def reliability(self) -> Reliability | None:
        """On the test examples after the last epoch; None where the loop measured it."""
        if self._meter is None or not self._is_measured:
            return None
        return self._meter.reliability

    @property
    def _last(self) -> dict[str, float]:
        return self._epochs[-1] if self._epochs else {}

    def _measured(self) -> dict[str, float]:
        if self._data is None or self._meter is None:
            raise ModelError(
                f"{self._label}: report() without metrics measures the model on data that "
                "wolfsbane splits, but this data is handed over as it is. Give metrics: "
                f"report({self._needed}=..., {self._needed.replace('validation', 'test', 1)}=...)"
            )
        if not self._epochs:
            check_output(self._label, self._model, self._data)
        return _named(self._meter.measure())

    def _check_reported(self, returned: Mapping[str, Any]) -> None:
        where = f"{self._label}, what train() returned"
        for name, value in returned.items():
            read_name(where, name, self._last)
            if read_number(where, name, value) != self._last.get(name):
                raise ModelError(
                    f"{where}: {name}={value} was not reported last, which was {self._last}. "
                    "Report this state too, as one more epoch, or return nothing"
                )


def _named(measured: Measurement) -> dict[str, float]:
    """Return wolfsbane's own metrics of an epoch by their names."""
    metrics: dict[str, float] = {}
    for part, of in zip(PARTS, (measured.train, measured.validation, measured.test), strict=True):
        metrics |= {f"{part}_nll": of.nll, f"{part}_accuracy": of.accuracy}
    return {**metrics, "test_ece": measured.calibration_error}
