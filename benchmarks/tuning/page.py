"""The record as a page of the documentation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]

OURS = "wolfsbane"
METRICS = {"nll": "NLL", "accuracy": "accuracy"}
PASSED = 1.0
"""A mean regret up to this many standard errors is counted as within one."""


def page(record: Row) -> str:
    """Return the page."""
    parts = [
        _head(record),
        _summary(record),
        _regrets(record, "nll"),
        _regrets(record, "accuracy"),
        _claims(record),
        _nulls(record),
        _early(record),
        _grid(record),
        _definitions(record),
    ]
    return "\n".join(parts)


def table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows) + "\n"


def _head(record: Row) -> str:
    settings = record["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    cells = len(settings["rates"]) * (settings["truth seeds"] + settings["tuner seeds"])
    problems = len({row["problem"] for row in record["grid"]})
    return f"""# Does the tuner find the rate, and does it say the truth?

What [`wolfsbane tune`](tune.md) chooses and claims, beside Optuna's samplers, Optuna's median
pruner, random search and Concrete dropout, with {settings["budget"]} trainings each. The truth is a
dense grid of ten rates by {settings["truth seeds"]} seeds, {len(settings["rates"]) * settings["truth seeds"]} trainings, on {problems} problems: seven data
sets, clean and with 30% of the training labels wrong. All in all {cells * problems:,} trainings of the default
network, of {settings["epochs"]} epochs. Written by `python benchmarks/tuning` from
[its record](../benchmarks/results/tuning-{record["date"]}.json), with {versions}; {record["machine"]}.

![Test NLL against the drop rate on all problems, with what every tuner chose](images/tuning-benchmark.svg)

Black: the grid's mean and its standard error. Below: what each tuner chose in
{settings["repetitions"]} runs, the larger the dot, the more often.
"""


def _rows(record: Row, metric: str, tuner: str) -> list[Row]:
    return [
        row for row in record["replay"] if (row["metric"], row["tuner"]) == (metric, tuner)
    ]


def _tuners(record: Row) -> list[str]:
    return list(dict.fromkeys(row["tuner"] for row in record["replay"]))


def _problems(record: Row) -> list[str]:
    return list(dict.fromkeys(row["problem"] for row in record["grid"]))


def _passed(rows: Sequence[Row]) -> int:
    return sum(row["regret_in_errors"] <= PASSED for row in rows)


def _summary(record: Row) -> str:
    lines = []
    for tuner in _tuners(record):
        cells: list[Any] = [f"**{tuner}**" if tuner == OURS else tuner]
        for metric in METRICS:
            rows = _rows(record, metric, tuner)
            cells += [
                f"{_passed(rows)} of {len(rows)}",
                f"{np.median([row['regret_in_errors'] for row in rows]):.2f}",
                f"{np.mean([row['regret_in_errors'] for row in rows]):.2f}",
            ]
        both = _rows(record, "nll", tuner) + _rows(record, "accuracy", tuner)
        lines.append([*cells, f"{np.mean([row['cost'] for row in both]):.1f}"])
    whole = ["*the whole grid, by validation*"]
    for metric in METRICS:
        rows = [row for row in record["everything"] if row["metric"] == metric]
        regrets = [row["regret_in_errors"] for row in rows]
        whole += [f"{_passed(rows)} of {len(rows)}", f"{np.median(regrets):.2f}"]
        whole.append(f"{np.mean(regrets):.2f}")
    lines.append([*whole, "120"])
    head = ["tuner"]
    for name in METRICS.values():
        head += [f"{name}: within one SE", "median regret", "mean regret"]
    return (
        "## Regret\n\n"
        + _verdict(record)
        + "\nRegret: how much worse than the grid's best rate the chosen one is on test data, in "
        "standard\nerrors (SE) of the best rate's mean. A problem is within one SE where the mean "
        "over all runs is.\n*The whole grid, by validation* chooses by the mean over all twelve "
        "of the tuners' seeds: where it\nmisses, the validation examples favour another rate than "
        "the test examples, and no tuner can know.\n\n" + table([*head, "trainings"], lines)
    )


def _verdict(record: Row) -> str:
    rows = _rows(record, "nll", OURS)
    passed = _passed(rows)
    needed = 5 / 6 * len(rows)
    names = [row["problem"] for row in rows if row["regret_in_errors"] > PASSED]
    whole = {
        row["problem"]: row["regret_in_errors"]
        for row in record["everything"]
        if row["metric"] == "nll"
    }
    beyond = [name for name in names if whole[name] > PASSED]
    own = [name for name in names if whole[name] <= PASSED]
    reached = "reached" if passed >= needed else "not reached"
    text = (
        f"The aim was a regret in NLL within one standard error, with a quarter of the grid's "
        f"trainings, on five\nproblems of six. It is {reached}: {passed} of {len(rows)} "
        f"({passed / len(rows):.0%}).\n"
    )
    if beyond:
        text += f"On {_listed(beyond)} the whole grid, by validation, misses too.\n"
    if own:
        text += f"On {_listed(own)} the miss is the search's own.\n"
    return text


def _listed(names: Sequence[str]) -> str:
    quoted = [f"*{name}*" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _regrets(record: Row, metric: str) -> str:
    tuners = _tuners(record)
    lines = []
    for problem in _problems(record):
        grid = _one(record["grid"], problem, metric)
        whole = _one(record["everything"], problem, metric)
        of = {row["tuner"]: row for row in record["replay"] if _is(row, problem, metric)}
        cells = [
            f"{of[tuner]['regret_in_errors']:.2f} ({of[tuner]['within']:.0%})" for tuner in tuners
        ]
        lines.append(
            [
                problem,
                f"{grid['best']:g} ({grid['as_good'][0]:g} to {grid['as_good'][-1]:g})",
                f"{grid['best_error']:.2g}",
                *cells,
                f"{whole['regret_in_errors']:.2f}",
            ]
        )
    head = ["problem", "best rate (within one SE)", "one SE", *tuners, "the whole grid"]
    return (
        f"### {METRICS[metric]}: mean regret in SE (share of runs within one SE)\n\n"
        + table(head, lines)
    )


def _is(row: Row, problem: str, metric: str) -> bool:
    return (row["problem"], row["metric"]) == (problem, metric)


def _one(rows: Sequence[Row], problem: str, metric: str) -> Row:
    return next(row for row in rows if _is(row, problem, metric))


def _claims(record: Row) -> str:
    lines = []
    for tuner in _tuners(record):
        cells: list[Any] = [tuner]
        for metric in METRICS:
            rows = _rows(record, metric, tuner)
            cells += [
                f"{np.mean([row[key] for row in rows]):.1%}"
                for key in ("claims", "unshown", "wrong")
            ]
        lines.append(cells)
    head = ["tuner"]
    for name in METRICS.values():
        head += [f"{name}: claims a gain", "of all runs: not shown by the grid", "wrong"]
    return (
        "## What is claimed on the problems of the grid\n\n"
        "*Claims a gain*: share of all runs. *Not shown by the grid*: runs that claim one where "
        "the 95% interval\nof the grid's eight pairs, that rate against no dropout, contains zero "
        "or a loss: true small gains\nare among them. *Wrong*: runs that claim one where the "
        "grid's mean is no better.\n\n" + table(head, lines)
    )


def _nulls(record: Row) -> str:
    lines = [
        [
            f"{row['null']}, {METRICS[row['metric']]}",
            row["tuner"],
            f"{row['claims']} of {row['runs']}",
            f"{row['interval'][0]:.1%} to {row['interval'][1]:.1%}",
            f"{row['baseline']} of {row['runs']}",
            f"{row['cost']:.1f}",
        ]
        for row in record["nulls"]
    ]
    head = ["problem", "tuner", "claims a gain", "95% interval", "chose no dropout", "trainings"]
    return NULLS + table(head, lines) + "\n" + _null_grid(record)


NULLS = """\
## What is claimed where there is nothing to gain

Every claim here is false. *random labels*: 300 digits with labels drawn independently of the
pictures, as many of each class, so no network's accuracy can be better than one in ten. (NLL does gain
there, truly: dropout makes a network less sure of what nobody can know.) *linear*: dropout of the
inputs of a linear model trained on 2,000 e-mails, which cannot overfit. Each run has fresh labels,
or another split into training and test examples, and makes its own trainings, which are shorter than
elsewhere. Intervals are Clopper and Pearson's (1934).

"""


def _null_grid(record: Row) -> str:
    rates = record["settings"]["rates"]
    lines = [
        [
            f"{row['null']}, {METRICS[row['metric']]}",
            *[
                f"{gain:+.2g} ± {error:.1g}"
                for gain, error in zip(row["gain"][1:], row["error"][1:], strict=True)
            ],
        ]
        for row in record["null grid"]
    ]
    return (
        "The dense grid of the same: gain over no dropout, mean and standard error over "
        f"{record['null grid'][0]['seeds']} seeds with\nfresh data each.\n\n"
        + table(["problem", *[f"{rate:g}" for rate in rates[1:]]], lines)
    )


def _early(record: Row) -> str:
    lines = []
    for metric, name in METRICS.items():
        for epoch in sorted({row["epoch"] for row in record["early"]}):
            rows = [
                row for row in record["early"] if (row["metric"], row["epoch"]) == (metric, epoch)
            ]
            correlation = [row["correlation"] for row in rows]
            lines.append(
                [
                    name,
                    epoch,
                    f"{np.median(correlation):+.2f} ({min(correlation):+.2f} to "
                    f"{max(correlation):+.2f})",
                    f"{np.mean([row['dropped'] for row in rows]):.0%}",
                    f"{np.mean([row['saved'] for row in rows]):.0%}",
                    f"{np.median([row['regret'] for row in rows]):.2f}",
                    f"{np.median([row['regret_kept'] for row in rows]):.2f}",
                ]
            )
    head = [
        "validation metric",
        "after epoch",
        "rank correlation with the last, median (range)",
        "best rate dropped",
        "epochs saved",
        "median regret",
        "without dropping",
    ]
    return EARLY + table(head, lines)


EARLY = """\
## Why no training is cut short

Ten trainings under one seed, one a rate; after some epochs the worse half is dropped, as a median
rule does. The correlation is over the rates' means. *Best rate dropped*: seeds under which the rate
that is best in the end is among the worse half then. Regrets, in SE, are of the best of those that
go on; *without dropping*: of all ten.

"""


def _grid(record: Row) -> str:
    lines = []
    for row in record["grid"]:
        gain = row["gain"]
        lines.append(
            [
                row["problem"],
                METRICS[row["metric"]],
                f"{row['mean'][0]:.4g}",
                f"{row['best']:g}",
                f"{gain[0]:.3g} ({gain[1]:.3g} to {gain[2]:.3g})",
            ]
        )
    head = ["problem", "metric", "no dropout", "best rate", "gain, 95% interval"]
    return (
        "## The truth\n\nThe gain of the best rate against none, over eight pairs; the rate was "
        "chosen by the same numbers,\nso small gains are flattered.\n\n" + table(head, lines)
    )


def _definitions(record: Row) -> str:
    settings = record["settings"]
    sizes = ", ".join(f"{name} {size}" for name, size in settings["train sizes"].items())
    return f"""## How it was done

- Training examples: {sizes}. The test examples of a data set are the same for every seed; which of the
  others are trained on, and which validate, is drawn by the seed.
- The truth's seeds are {settings["truth seeds"]}; tuners train under {settings["tuner seeds"]} others, in another order in each of
  {settings["repetitions"]} runs. So runs share trainings, and are not independent of each other.
- All choose among the rates 0, 0.1, ..., 0.9, by the validation metric after the last epoch.
- wolfsbane: its search with a budget of {settings["budget"]}: the trainings that choose, those that prove under
  seeds the choice never saw, and on clean data one with wrong labels that measures memorisation. It
  stops early where it can. It claims a gain where its verdict is one.
- Optuna's samplers and random search: {settings["budget"] - 1} trials under one seed; one more training without
  dropout under the seed of the best trial, for the usual claim: the best trial's test metric is
  better than that one's. *A seed a trial*: each trial has another seed (twelve, in turns).
- MedianPruner with Optuna's defaults sees the metric of every epoch; the epochs it saves go to more
  trials, until those of {settings["budget"] - 1} trainings are spent.
- *TPE, then a t-test*: 10 trials, then five pairs under fresh seeds and a paired t-test at 5%: what a
  careful user can do by hand.
- Concrete dropout (Gal et al. 2017, arXiv:1705.07832): two layers with learned rates where the others
  have dropout, one training each under five seeds. Its choice is the mean of both rates, its regret
  read off the grid's line between rates. It claims as Optuna does, with a second training. The rates
  learn at 0.05, the weights at 0.001; at the latter the rates would stay where they begin.
- The shape of the tuner's prior was settled with trainings of these data sets in view: see
  [the tuner](tune.md).
"""
