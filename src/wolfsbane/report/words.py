"""Numbers and verdicts in words, the same in the terminal and on the page."""

from collections.abc import Sequence

from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import Estimate, Verdict
from wolfsbane.experiment.measures import Epoch, Measure

EPOCH_NAMES = {
    Epoch.LAST: "after the last epoch",
    Epoch.BEST: "at the epoch with the best validation NLL",
}

PERCENT = 100

NOT_COMPARED = "not compared"


def value(measure: Measure, number: float) -> str:
    """Return a number as people read it: shares in percent, whole epochs with one decimal."""
    if measure.is_share:
        return f"{number * PERCENT:.1f}"
    return f"{number:.1f}" if measure.name == "epochs_to_target" else f"{number:.3f}"


def label(measure: Measure) -> str:
    """Return the measure's label with its unit."""
    return f"{measure.label}, %" if measure.is_share else measure.label


def mean_and_margin(finding: Finding) -> str:
    """Return `mean ± half the interval`, or how many seeds have a value."""
    measure, estimate = finding.measure, finding.estimate
    if estimate is None:
        return f"{finding.num_reached} of {finding.num_reached + finding.num_missing} reach it"
    if estimate.num_seeds == 1:
        return value(measure, estimate.mean)
    return f"{value(measure, estimate.mean)} ± {value(measure, estimate.high - estimate.mean)}"


def difference(measure: Measure, estimate: Estimate | None) -> str:
    """Return `difference [low, high]`."""
    if estimate is None:
        return ""
    mean = signed(value(measure, estimate.mean))
    if estimate.num_seeds == 1:
        return mean
    low, high = (signed(value(measure, end)) for end in (estimate.low, estimate.high))
    return f"{mean} [{low}, {high}]"


def verdict_of(finding: Finding) -> str:
    """Return the verdict, and "not compared" where a target was not reached."""
    if finding.verdict is None:
        return NOT_COMPARED if finding.num_missing else ""
    return str(finding.verdict)


def signed(text: str) -> str:
    """Return a number's text with its sign, and without one where it is shown as zero."""
    if not float(text):
        return text.lstrip("-")
    return text if text.startswith("-") else f"+{text}"


def by_verdict(findings: Sequence[Finding]) -> str:
    """Return gains and harms with their differences, then what differs in neither way."""
    parts = []
    for kind in (Verdict.GAIN, Verdict.HARM):
        named = [
            f"{finding.measure.label} ({difference(finding.measure, finding.difference)}"
            f"{' points' if finding.measure.is_share else ''})"
            for finding in findings
            if finding.verdict is kind
        ]
        if named:
            parts.append(f"{kind} in {listing(named)}")
    rest = [finding.measure.label for finding in findings if finding.verdict is Verdict.NOTHING]
    if rest:
        parts.append(f"{Verdict.NOTHING} in {listing(rest)}")
    return "; ".join(parts)


def listing(names: Sequence[str]) -> str:
    """Return "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
