"""The proof: fresh seeds, trained without dropout and as chosen, measured on test data.

Stein's two stages. The first number of pairs is fixed before any is made, by the deviation that
the search saw and the precision that is wanted. If the pairs deviate by more, their deviation says
how many there have to be in all; intervals then take deviation and quantile from the first ones and
the mean from all, which keeps their coverage. The difference itself decides nothing.

The first number stays what it was when the budget is raised later. Who raises it once because there
was no gain finds one in 3 of 100 simulated searches with nothing to gain, for 2.5 of 100 without.

References:
    Stein 1945, doi:10.1214/aoms/1177731088.
"""

from wolfsbane.experiment.intervals import count_for, total_for
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.pairs import of_objective, pairs_of, spread
from wolfsbane.tuning.seeds import MOST_FIRST_PAIRS, first_pairs_of, proof_seed
from wolfsbane.tuning.shares import LEAST_PAIRS
from wolfsbane.tuning.trainings import Trainings
from wolfsbane.tuning.trial import Purpose
from wolfsbane.tuning.wanted import Wanted

LEAST_FIRST_PAIRS = 4
"""Where the budget has them. Student's interval of three pairs is half as wide again as that of
four, at three quarters of the price."""


def prove(trainings: Trainings) -> None:
    """Make the trainings that measure the gain of the choice."""
    evidence = trainings.evidence()
    first = num_first_pairs(evidence)
    if not first:
        return
    trainings.start(Purpose.PROOF, evidence)
    trainings.make_wanted(Purpose.PROOF, _wanted(evidence, first))
    total = num_pairs_in_all(trainings.evidence())
    most = num_affordable_pairs(evidence)
    trainings.make_wanted(Purpose.PROOF, _wanted(evidence, int(min(total, most))))


def has_proof(evidence: Evidence) -> bool:
    """Whether there is something to prove, and to prove it by."""
    return evidence.decided not in {None, evidence.baseline} and bool(evidence.measures)


def num_affordable_pairs(evidence: Evidence) -> int:
    """Return how many pairs the budget has after search and complexity."""
    spent = len(evidence.of(Purpose.SEARCH))
    kept = max(evidence.shares.complexity, len(evidence.of(Purpose.COMPLEXITY)))
    return max(0, evidence.limits.budget - spent - kept) // 2


def num_first_pairs(evidence: Evidence) -> int:
    """Return the number of pairs fixed before any is made; 0 where there is no proof."""
    begun = evidence.of(Purpose.PROOF)
    if begun:
        return first_pairs_of(evidence.setting.seed, begun[0].request.seed)
    affordable = num_affordable_pairs(evidence)
    if affordable < LEAST_PAIRS or not has_proof(evidence):
        return 0
    needed = count_for(evidence.posterior.pair_deviation, evidence.precision)
    return int(min(max(needed, LEAST_FIRST_PAIRS), affordable, MOST_FIRST_PAIRS))


def num_pairs_in_all(evidence: Evidence) -> float:
    """Return Stein's number of pairs, by the objective's spread in the first ones.

    Infinite where no number is enough; as many as the first where some of those are missing, or
    the objective is not measured on test data.
    """
    measure = of_objective(evidence)
    first = num_first_pairs(evidence)
    pairs = pairs_of(evidence)[:first]
    if measure is None or len(pairs) < max(first, LEAST_PAIRS):
        return first
    epoch = evidence.setting.objective.epoch
    return total_for(spread(evidence, pairs, measure, epoch), evidence.precision, first)


def _wanted(evidence: Evidence, num_pairs: int) -> list[Wanted]:
    """Return both trainings of every pair; the first seed's chosen network is kept."""
    first, fixed = evidence.setting.seed, num_first_pairs(evidence)
    seeds = [proof_seed(first, fixed, index) for index in range(num_pairs)]
    return [
        Wanted(
            configuration,
            seed,
            keep_weights=configuration == evidence.best and seed == seeds[0],
        )
        for seed in seeds
        for configuration in (evidence.baseline, evidence.best)
    ]
