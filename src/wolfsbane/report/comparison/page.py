"""A comparison's page."""

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from wolfsbane.experiment.comparison import Finding, Plan
from wolfsbane.experiment.measures import Epoch
from wolfsbane.experiment.training import Run
from wolfsbane.report import page, words
from wolfsbane.report.comparison import charts
from wolfsbane.report.comparison.record import configuration
from wolfsbane.report.record import versions


def render(plan: Plan, runs: Sequence[Run], findings: Sequence[Finding], verdict: str) -> str:
    """Return the page as text."""
    trained = {one.variant for one in runs}
    names = [variant.name for variant in plan.variants if variant.name in trained]
    title, *sentences = verdict.splitlines()
    return page.render(
        "comparison/page.html.j2",
        data=plan.pool.name,
        setting=title,
        sentences=sentences,
        verdicts=_verdicts(findings),
        tables=_tables(findings),
        baseline=plan.variants[0].name,
        loss_curves=page.figures(charts.loss_curves(runs, names)),
        accuracy_curves=page.figures(charts.accuracy_curves(runs, names)),
        gap=page.figures([charts.gap_curves(runs, names)]),
        reliability=page.figures(charts.reliability_diagrams(runs, names)),
        configuration=json.dumps(
            configuration(plan) | {"versions": versions(plan.pool.kind)},
            indent=2,
            default=str,
        ),
    )


def _verdicts(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return a card for each variant but the first: its verdicts at both epochs."""
    judged = {
        (finding.variant, finding.measure.name, finding.epoch): finding
        for finding in findings
        if finding.verdict is not None
    }
    cards: dict[str, list[dict[str, Any]]] = {}
    for (name, measure, epoch), finding in judged.items():
        if epoch is Epoch.LAST:
            best = judged.get((name, measure, Epoch.BEST), finding)
            differs = best.verdict is not finding.verdict
            cards.setdefault(name, []).append(
                _cells(finding) | {"best": _cells(best) if differs else None}
            )
    return [{"name": name, "rows": rows} for name, rows in cards.items()]


def _tables(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "title": words.EPOCH_NAMES[epoch],
            "groups": [
                {"label": words.label(measure), "rows": [_cells(finding) for finding in group]}
                for measure, group in groupby(of_epoch, key=lambda finding: finding.measure)
            ],
        }
        for epoch, of_epoch in groupby(findings, key=lambda finding: finding.epoch)
    ]


def _cells(finding: Finding) -> dict[str, Any]:
    return {
        "variant": finding.variant,
        "measure": finding.measure.label,
        "mean": words.mean_and_margin(finding),
        "difference": words.difference(finding.measure, finding.difference),
        "verdict": words.verdict_of(finding),
        "css": page.css_class(finding.verdict),
    }
