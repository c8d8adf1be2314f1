"""The search's first phase: trainings that choose the configuration, by validation data."""

from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.record import Record
from wolfsbane.tuning.shares import INITIAL, LEAST_PAIRS
from wolfsbane.tuning.trainings import Trainings
from wolfsbane.tuning.trial import Purpose

LEAST_BEFORE_SETTLED = 8
"""Two batches: the second says what lies between the ends, which the first can only guess."""

LEAST_BEFORE_BASELINE = 16
"""Before nothing is dropped for good. Where dropout helps only at high rates the curve has two
valleys, of which a few trainings show one: on 500 digits of MNIST the better one was found by 8
trainings in no search, by 12 in 4 of 10, by 16 in 7, by 20 in all. They cost a proof not needed."""

SETTLED = 0.1
"""Of the precision: a regret that no proof of that precision would notice. Replayed as in
`wolfsbane.tuning.shares`, half of all searches come to it within fourteen trainings."""


def choose(trainings: Trainings, record: Record, batch: int) -> None:
    """Make the search's trainings until it has settled or its share is spent; write the choice.

    A choice of which nothing is proved yet is asked for again: with a greater budget the search
    goes on, and with the same one it ends where it did.
    """
    if trainings.evidence().of(Purpose.PROOF):
        return
    record.choose(None)
    evidence = trainings.evidence()
    trainings.start(Purpose.SEARCH, evidence)
    while trainings.num_open or not is_over(evidence):
        asked = len(evidence.of(Purpose.SEARCH))
        room = limit(evidence) - asked
        trainings.suggest(min(room, to_ask(asked, batch, goes_on=trainings.num_open > 0)))
        trainings.make_open(Purpose.SEARCH)
        evidence = trainings.evidence()
        trainings.show_best(evidence)
    record.choose(evidence.best)


def to_ask(asked: int, batch: int, *, goes_on: bool) -> int:
    """Return how many to ask for now: what a batch lacks, as if nothing had come between.

    Args:
        asked: trainings of the search that were asked for.
        batch: trainings asked for at once, of which the first `INITIAL` end one.
        goes_on: whether some of those asked for are still to be made.
    """
    into = asked % batch if asked < INITIAL else (asked - INITIAL) % batch
    if goes_on and not into:
        return 0
    missing = batch - into
    return min(missing, INITIAL - asked) if asked < INITIAL else missing


def limit(evidence: Evidence) -> int:
    """Return how many trainings may choose.

    Where nothing can be proved, all but complexity's. Where the baseline is the best so far there
    may be nothing to prove: what the proof would take goes on searching, but for the fewest pairs.
    """
    shares = evidence.shares
    # An earlier call with a greater budget may have spent more on complexity than this one would.
    free = evidence.limits.budget - max(shares.complexity, len(evidence.of(Purpose.COMPLEXITY)))
    if evidence.outcomes(Purpose.SEARCH) and not evidence.measures:
        return free
    if evidence.is_comparison and evidence.best == evidence.baseline:
        return min(free, max(shares.search, free - 2 * LEAST_PAIRS))
    return min(free, shares.search)


def is_over(evidence: Evidence) -> bool:
    """Whether the search has settled, or spent its share."""
    return len(evidence.of(Purpose.SEARCH)) >= limit(evidence) or (
        _is_whole(evidence) and has_settled(evidence)
    )


def has_settled(evidence: Evidence) -> bool:
    """Whether a better configuration would gain too little to be noticed."""
    least = LEAST_BEFORE_BASELINE if evidence.best == evidence.baseline else LEAST_BEFORE_SETTLED
    return (
        len(evidence.of(Purpose.SEARCH)) >= least
        and evidence.posterior.expected_regret <= SETTLED * evidence.precision
    )


def _is_whole(evidence: Evidence) -> bool:
    """Whether the last batch is complete: settling is asked then, and after Ctrl-C too."""
    asked = len(evidence.of(Purpose.SEARCH))
    return to_ask(asked, evidence.limits.batch, goes_on=True) == 0
