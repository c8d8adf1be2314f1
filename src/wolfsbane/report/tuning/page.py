"""A search's page."""

import json
from itertools import groupby
from typing import Any

from wolfsbane.experiment.comparison import Finding
from wolfsbane.report import page
from wolfsbane.report import words as numbers
from wolfsbane.report.tuning import charts, record, surface, words
from wolfsbane.report.tuning.view import View, label_of
from wolfsbane.tuning.trial import Purpose

_METRICS = ("validation_{}", "test_{}", "test_accuracy", "test_nll", "test_ece")
"""Columns of the table of trainings, where they are measured; {} is the objective."""


def render(view: View) -> str:
    """Return the page as text."""
    answer = view.answer
    return page.render(
        "tuning/page.html.j2",
        data=view.data_name,
        choice=words.choice(view),
        setting=words.setting(view),
        proof=words.proof(view),
        notes=[*words.notes(view), words.cost(view)],
        warnings=words.warnings(view),
        complexity=words.complexity(view),
        cards=_cards(view),
        tables=_tables(view),
        baseline=str(answer.baseline),
        chosen=str(answer.chosen),
        objective=f"validation {view.label} {view.epoch_name(view.setting.objective.epoch)}",
        has_band=any(answer.band),
        surfaces=page.figures(surface.charts(view)),
        curves=[page.figures(charts.learning_curves(view, m)) for m in charts.curve_metrics(view)],
        shown_purpose=charts.PURPOSE_NAMES[view.before_after_purpose],
        is_chosen_shown=answer.chosen in view.before_after,
        reliability=page.figures(charts.reliability_diagrams(view)),
        size_curves=page.figures(charts.size_curves(view)),
        cost=page.figures([charts.cost(view)]),
        spent=_spent(view),
        trainings=_trainings(view),
        configuration=json.dumps(
            record.configuration(view.setting) | {"versions": record.all_versions(view.setting)},
            indent=2,
            default=str,
        ),
    )


def _cards(view: View) -> list[dict[str, Any]]:
    """Return a card for each measure, in the epoch of the objective."""
    asked = view.setting.objective.epoch
    return [
        _cells(pair[0], pair[-1])
        for _, group in groupby(view.answer.findings, key=lambda one: (one.epoch, one.measure.name))
        if (pair := list(group))[-1].epoch is asked
    ]


def _tables(view: View) -> list[dict[str, Any]]:
    return [
        {
            "title": f"On test data, {view.epoch_name(epoch)}: means ± 95% over seeds",
            "rows": [
                _cells(pair[0], pair[-1])
                for _, group in groupby(of_epoch, key=lambda finding: finding.measure.name)
                if (pair := list(group))
            ],
        }
        for epoch, of_epoch in groupby(view.answer.findings, key=lambda finding: finding.epoch)
    ]


def _cells(before: Finding, after: Finding) -> dict[str, Any]:
    return {
        "measure": numbers.label(after.measure),
        "before": numbers.mean_and_margin(before),
        "after": numbers.mean_and_margin(after),
        "difference": numbers.difference(after.measure, after.difference),
        "verdict": numbers.verdict_of(after),
        "css": page.css_class(after.verdict),
    }


def _spent(view: View) -> list[dict[str, Any]]:
    """Return a row for each purpose, and one for the whole: trainings, and how long they took."""
    rows = [
        {
            "purpose": charts.PURPOSE_NAMES[purpose],
            "number": view.answer.num_trainings.get(purpose, 0),
            "seconds": _duration(charts.seconds(view.of(purpose))),
        }
        for purpose in Purpose
    ]
    total = {
        "purpose": f"all, of at most {view.answer.budget}",
        "number": sum(view.answer.num_trainings.values()),
        "seconds": _duration(charts.seconds(view.trainings)),
    }
    clock = (
        []
        if view.seconds is None
        else [{"purpose": "by the clock", "number": "", "seconds": _duration(view.seconds)}]
    )
    return [*rows, total, *clock]


def _duration(seconds: float) -> str:
    if seconds < 100:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _trainings(view: View) -> dict[str, Any]:
    """Return the header and the rows of the table of all trainings."""
    rows = record.table(view)
    asked = dict.fromkeys(name.format(view.setting.objective.name) for name in _METRICS)
    metrics = [name for name in asked if any(row.get(name) is not None for row in rows)]
    names = [name for name, _ in view.answer.chosen.values]
    taken = rows[0] if rows else {}
    dimensions = [f"params_{name}" if f"params_{name}" in taken else name for name in names]
    varied = [
        name for name in ("train_size", "label_noise") if len({row[name] for row in rows}) > 1
    ]
    shown = ["number", "purpose", *dimensions, "seed", *varied, *metrics, "best_epoch", "seconds"]
    formats = dict.fromkeys(metrics, ".4f") | {"seconds": ".1f"}
    return {
        "names": [_heading(name) for name in shown],
        "rows": [[_cell(row.get(name), formats.get(name, "g")) for name in shown] for row in rows],
    }


def _heading(name: str) -> str:
    part, _, metric = name.partition("_")
    return f"{part} {label_of(metric)}" if metric in {"nll", "ece"} else name.replace("_", " ")


def _cell(value: Any, form: str) -> str:
    if value is None:
        return ""
    return format(value, form) if isinstance(value, float) else str(value)
