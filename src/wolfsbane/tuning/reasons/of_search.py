"""What the search's trainings leave open."""

from collections.abc import Iterator

from wolfsbane.tuning.complexity.plan import plan
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.proof import has_proof, num_first_pairs
from wolfsbane.tuning.reasons.amounts import difference as amount
from wolfsbane.tuning.shares import LEAST_FOR_VERDICT, LEAST_PAIRS, LEAST_SEARCH
from wolfsbane.tuning.trial import Purpose

WORTH_TELLING = 0.25
"""Of the precision: an expected regret above this is a choice that more trainings would better."""


def reasons_of_search(evidence: Evidence, *, is_finished: bool) -> Iterator[str]:
    """Yield what the budget, Ctrl-C or the trainings' noise left open."""
    if not is_finished:
        yield from _interrupted(evidence)
        return
    yield from _budget(evidence)
    yield from _unsettled(evidence)
    yield from _curve(evidence)


def _interrupted(evidence: Evidence) -> Iterator[str]:
    made = sum(trial.outcome is not None for trial in evidence.trials)
    state = (
        "before the search had chosen: what is called chosen is the best so far, and not proved"
        if evidence.decided is None
        else "before all was measured that was to be"
    )
    yield f"interrupted after {_trainings(made)}, {state}. Called again, the search goes on"


def _budget(evidence: Evidence) -> Iterator[str]:
    budget = evidence.limits.budget
    pairs = 2 * LEAST_PAIRS
    if budget < LEAST_FOR_VERDICT:
        yield (
            f"{_trainings(budget)} cannot support a verdict: {LEAST_SEARCH} are needed to choose, "
            f"and {pairs} under fresh seeds to prove the choice; give a budget of at least "
            f"{LEAST_FOR_VERDICT}"
        )
    elif has_proof(evidence) and not num_first_pairs(evidence):
        others = len(evidence.of(Purpose.SEARCH)) + len(evidence.of(Purpose.COMPLEXITY))
        yield (
            f"{others} of {_trainings(budget)} are spent, and the rest cannot support a verdict: "
            f"a proof takes {pairs} at least; give a budget of at least {others + pairs}"
        )


def _unsettled(evidence: Evidence) -> Iterator[str]:
    if not evidence.is_comparison:
        return
    objective = evidence.setting.objective.name
    allowed = sum(map(evidence.setting.subject.space.allows, evidence.posterior.candidates))
    if len(evidence.posterior.as_good()) == allowed:
        yield (
            f"these trainings do not tell the rates apart: each of the {allowed} "
            "candidates is as good as the chosen one, as far as they show"
        )
        return
    regret = evidence.posterior.expected_regret
    if regret > WORTH_TELLING * evidence.precision:
        yield (
            "the search's share of the budget was spent before it settled: the best rate is "
            f"expected to be better than the chosen one by {amount(objective, regret)} of "
            f"{objective}. " + _better_choice(evidence)
        )


def _better_choice(evidence: Evidence) -> str:
    budget = f"a budget of more than {evidence.limits.budget}"
    if evidence.of(Purpose.PROOF):
        return f"The choice is final here: for a better one search afresh, with {budget}"
    return f"Nothing is proved of it yet: called again with {budget}, the search goes on"


def _curve(evidence: Evidence) -> Iterator[str]:
    if not evidence.limits.complexity:
        return
    if evidence.setting.pool is None:
        yield (
            "no learning curve over training-set size, and nothing on what is memorised: the data "
            "is not wolfsbane's to split"
        )
        return
    wanted = plan(evidence.setting, evidence.best, with_curve=True)
    missing = len(wanted) - len(evidence.of(Purpose.COMPLEXITY))
    if missing > 0:
        budget = len(evidence.trials) + missing
        yield (
            f"the learning curve lacks {_trainings(missing)}, which the budget does not have; give "
            f"a budget of at least {budget}"
        )


def _trainings(number: int) -> str:
    return f"{number} training{'s' if number > 1 else ''}"
