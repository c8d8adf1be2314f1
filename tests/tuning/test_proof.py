"""The proof makes as many pairs as the precision takes, and measures them on test data alone."""

import pytest

from landscapes import Table, make_setting, valley
from wolfsbane.experiment.intervals import Verdict, estimate
from wolfsbane.experiment.measures import Epoch
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.proof import LEAST_FIRST_PAIRS
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, search
from wolfsbane.tuning.trial import Purpose


def run(engine, limits, **setting):
    made = make_setting(**setting)
    with open_record(made) as record:
        answer = search(made, limits, record, engine, lambda _: None)
        return answer, record.trials()


def finding(answer, name="nll", epoch=Epoch.LAST):
    (found,) = (
        one
        for one in answer.findings
        if (one.measure.name, one.epoch) == (name, epoch) and one.difference
    )
    return found


def test_a_wide_precision_takes_the_least_number_of_pairs():
    answer, _ = run(Table(), Limits(100, precision=1.0))
    assert answer.num_trainings[Purpose.PROOF] == 2 * LEAST_FIRST_PAIRS


def test_a_precision_that_the_first_pairs_miss_is_met_by_a_second_stage():
    """The trainings of the proof deviate twice as much as the search's."""

    class Louder(Table):
        def outcome(self, request):
            self.noise = 0.02 if request.purpose is Purpose.PROOF else 0.01
            return super().outcome(request)

    answer, trials = run(Louder(luck=2), Limits(300, precision=0.03))
    found = finding(answer)
    assert found.difference.high - found.difference.mean <= 0.03
    differences = paired(trials, answer)
    assert len(differences) == found.difference.num_seeds > LEAST_FIRST_PAIRS
    agreeing = [
        first
        for first in range(2, len(differences))
        if estimate(differences, first=first) == found.difference
    ]
    assert agreeing, "deviation and quantile come from the first pairs"


def test_more_budget_or_another_precision_leaves_the_first_pairs_as_they_were_fixed():
    """Six were affordable; the search's deviation would ask for more of them now."""
    made, engine = make_setting(), Table(noise=0.05)
    with open_record(made) as record:
        search(made, Limits(24, precision=0.02), record, engine, lambda _: None)
        before = {one.request.seed for one in record.trials() if one.request.purpose == "proof"}
        answer = search(made, Limits(80, precision=0.03), record, engine, lambda _: None)
        trials = record.trials()
    differences = paired(trials, answer)
    assert len(before) == 6 < len(differences)
    assert finding(answer).difference == estimate(differences, first=6)


def paired(trials, answer):
    """Return the test NLL's differences in the order of the proof's seeds."""
    proof = [one for one in trials if one.request.purpose is Purpose.PROOF]
    found = {(one.request.configuration, one.request.seed): one.outcome for one in proof}
    seeds = sorted({seed for _, seed in found})
    return [
        found[answer.chosen, seed].curves["test_nll"][-1]
        - found[answer.baseline, seed].curves["test_nll"][-1]
        for seed in seeds
    ]


def test_the_budget_ends_the_second_stage_in_whole_pairs():
    answer, trials = run(Table(noise=0.2), Limits(25, precision=0.001))
    assert len(trials) <= 25
    assert answer.num_trainings[Purpose.PROOF] % 2 == 0


def test_every_measure_is_found_at_both_epochs_for_baseline_and_chosen():
    answer, _ = run(Table(), Limits(24))
    names = {(one.variant, one.measure.name, one.epoch) for one in answer.findings}
    assert names == {
        (str(configuration), name, epoch)
        for configuration in (answer.baseline, answer.chosen)
        for name in ("accuracy", "nll", "ece", "gap")
        for epoch in Epoch
    }
    assert len(answer.findings) == len(names)
    assert {one.difference is None for one in answer.findings if one.variant == "dropout=0"} == {
        True
    }


def test_the_gain_is_that_of_test_data():
    """Validation data praises dropout, test data does not."""

    class Misleading(Table):
        def outcome(self, request):
            outcome = super().outcome(request)
            flat = Table(lambda _: 0.5, noise=0.01).outcome(request)
            curves = {**outcome.curves, "test_nll": flat.curves["test_nll"]}
            return type(outcome)(curves, outcome.reliability)

    answer, _ = run(Misleading(valley), Limits(24))
    assert answer.chosen != answer.baseline
    assert answer.verdict is Verdict.NOTHING


def test_the_verdict_is_of_the_objectives_epoch():
    """The best epoch is the last one but for the chosen rate, whose first one is best."""

    class Early(Table):
        def outcome(self, request):
            outcome = super().outcome(request)
            if request.configuration.as_dict()["dropout"] == 0.0:
                return outcome
            curves = {name: values[::-1] for name, values in outcome.curves.items()}
            return type(outcome)(curves, outcome.reliability)

    at_best, _ = run(Early(), Limits(24), objective=Objective(epoch=Epoch.BEST))
    assert at_best.verdict is Verdict.GAIN
    assert finding(at_best, epoch=Epoch.BEST).verdict is Verdict.GAIN
    assert finding(at_best, epoch=Epoch.LAST).verdict is not Verdict.GAIN


def test_a_metric_of_the_users_is_proved_in_its_direction():
    class Own(Table):
        def outcome(self, request):
            outcome = super().outcome(request)
            curves = {
                name.replace("nll", "f1"): tuple(1 - value for value in values)
                for name, values in outcome.curves.items()
                if name.endswith("_nll")
            }
            return type(outcome)(curves)

    objective = Objective("f1", higher_is_better=True)
    answer, _ = run(Own(), Limits(24), objective=objective)
    assert {one.measure.name for one in answer.findings} == {"f1"}
    assert finding(answer, "f1").measure.label == "test f1"
    assert answer.verdict is Verdict.GAIN
    assert answer.complexity.gap is None


def test_one_network_of_the_chosen_configuration_is_kept():
    engine = Table()
    answer, _ = run(engine, Limits(24))
    (kept,) = (one for one in engine.made if one.keep_weights)
    assert (kept.purpose, kept.configuration) == (Purpose.PROOF, answer.chosen)


@pytest.mark.parametrize(
    ("objective", "precision"),
    [(Objective(), 0.025), (Objective("accuracy", higher_is_better=True), 0.01)],
)
def test_the_default_precision_follows_the_objective(objective, precision):
    """5% of the baseline's NLL of about 0.5, or one point."""
    from wolfsbane.tuning.trainings import Trainings  # noqa: PLC0415

    made = make_setting(objective=objective)
    with open_record(made) as record:
        search(made, Limits(5), record, Table(), lambda _: None)
        evidence = Trainings(made, Limits(5), record, Table(), lambda _: None).evidence()
    assert evidence.precision == pytest.approx(precision, rel=0.1)
