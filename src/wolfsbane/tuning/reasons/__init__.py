"""Why less can be said than was asked for: each reason with what would help."""

from collections.abc import Iterator, Sequence

from wolfsbane.experiment.comparison import Finding
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.reasons.of_data import reasons_of_data
from wolfsbane.tuning.reasons.of_proof import reasons_of_proof
from wolfsbane.tuning.reasons.of_search import reasons_of_search

__all__ = ["warnings_of"]


def warnings_of(
    evidence: Evidence, findings: Sequence[Finding], *, is_finished: bool
) -> Iterator[str]:
    """Yield what a reader of the answer has to know, what matters most first."""
    yield from reasons_of_search(evidence, is_finished=is_finished)
    yield from reasons_of_proof(evidence, findings)
    yield from reasons_of_data(evidence, findings)
