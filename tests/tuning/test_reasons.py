"""Each reason to doubt an answer is told where it holds, and is not told where it does not."""

import pytest

from landscapes import Table, flat, make_pool, make_setting
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.tuning.dimensions import Rate
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.reasons.of_data import num_validation, standard_error
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, search
from wolfsbane.tuning.space import make_space
from wolfsbane.tuning.trial import Outcome, Purpose


def run(engine, limits, setting=None):
    setting = setting or make_setting()
    with open_record(setting) as record:
        return search(setting, limits, record, engine, lambda _: None)


def said(answer, words):
    return [warning for warning in answer.warnings if words in warning]


def test_a_clear_answer_has_no_warnings():
    assert run(Table(luck=1), Limits(24), make_setting(make_pool())).warnings == ()


def test_an_interval_wider_than_what_matters_says_how_many_trainings_would_do():
    answer = run(Table(noise=0.1, of_seed=0.0, luck=1), Limits(24))
    assert answer.verdict is Verdict.NOTHING
    (wide,) = said(answer, "less precisely than")
    budget = int(wide.split("a budget of about ")[1].split()[0].replace(",", ""))
    # Deviation 0.14, wanted ±0.025: (1.96 * 0.14 / 0.025)^2 = 120 pairs, by a deviation of six.
    assert 60 <= budget <= 600


def test_a_precision_that_was_asked_for_and_missed_is_told_of_a_gain_too():
    answer = run(Table(), Limits(24, precision=0.001))
    assert answer.verdict is Verdict.GAIN
    assert said(answer, "less precisely than the ±0.001")


def test_of_accuracy_differences_are_told_in_points():
    setting = make_setting(make_pool(), Objective("accuracy", higher_is_better=True))
    table = Table(accuracy=lambda rate: 0.9 + 0.01 * rate, test_examples=50)
    answer = run(table, Limits(24, precision=0.0005), setting)
    assert said(answer, "less precisely than the ±0.05 points")
    assert said(answer, "test accuracy itself to ±4.")


def test_trainings_that_do_not_tell_the_rates_apart_say_so():
    answer = run(Table(flat, noise=0.05, luck=3), Limits(11))
    assert said(answer, "do not tell the rates apart")


def test_rates_are_not_told_apart_where_the_baseline_may_not_be_chosen_either():
    space = make_space({"dropout": Rate(0.1, 0.9, step=0.1)})
    answer = run(Table(flat, noise=0.05, luck=3), Limits(11), make_setting(space=space))
    assert said(answer, "each of the 9 candidates is as good")


def test_a_share_spent_before_the_search_settled_is_told():
    answer = run(Table(noise=0.02, luck=2), Limits(11, precision=0.002))
    assert said(answer, "spent before it settled")
    assert said(answer, "The choice is final here")


def test_a_choice_of_which_nothing_is_proved_is_not_called_final():
    answer = run(Table(noise=0.02, luck=2), Limits(8, precision=0.002))
    assert said(answer, "called again with a budget of more than 8, the search goes on")
    assert not said(answer, "final")


def test_the_budget_that_would_do_does():
    """Stein's quantile is that of the first pairs, however many follow."""
    setting, limits = make_setting(), Limits(40, precision=0.02)
    with open_record(setting) as record:
        first = search(setting, limits, record, Table(noise=0.05), lambda _: None)
        (wide,) = said(first, "less precisely than")
        budget = int(wide.split("a budget of about ")[1].split()[0])
        limits = Limits(budget, precision=0.02)
        answer = search(setting, limits, record, Table(noise=0.05), lambda _: None)
    assert not said(answer, "less precisely than")
    assert sum(answer.num_trainings.values()) == budget


def test_a_loop_without_test_metrics_chooses_and_has_no_verdict():
    engine = Table(measures_test=False)
    answer = run(engine, Limits(24))
    assert (answer.verdict, answer.findings) == (None, ())
    assert said(answer, "gives no test_nll")
    assert {one.purpose for one in engine.made} == {Purpose.SEARCH}


def test_a_small_test_set_says_how_many_examples_would_do():
    answer = run(
        Table(lambda rate: 0.5 - 0.02 * (rate > 0.3), noise=0.002, test_examples=50), Limits(24)
    )
    (told,) = said(answer, "test NLL itself")
    assert "50 test examples" in told
    # An error of 0.5 / sqrt(n) is as large as 0.02 where n is 625.
    assert int(told.split("about ")[1].split()[0].replace(",", "")) == pytest.approx(625, rel=0.3)


def test_the_standard_error_is_that_of_the_examples():
    assert standard_error("accuracy", 0.9, 100) == pytest.approx(0.03)
    assert standard_error("nll", 0.5, 100) == pytest.approx(0.05)
    assert standard_error("ece", 0.1, 100) == 0.0


@pytest.mark.parametrize(("examples", "is_small"), [(600, True), (698, True), (700, False)])
def test_a_small_validation_set_is_told(examples, is_small):
    setting = make_setting(make_pool(examples))
    assert num_validation(setting.pool, 500) == (examples - 500) // 2
    answer = run(Table(), Limits(5), setting)
    assert bool(said(answer, "validation examples")) is is_small


def test_the_same_accuracy_everywhere_is_a_ceiling():
    answer = run(Table(accuracy=lambda _: 1.0, noise_of_accuracy=0.0), Limits(11))
    assert said(answer, "the test accuracy is 100.0% in every training")
    assert not said(run(Table(), Limits(11)), "in every training")


def test_a_gain_in_one_measure_and_harm_in_the_other_is_told():
    answer = run(Table(accuracy=lambda rate: 0.9 - 0.1 * rate), Limits(24))
    assert answer.verdict is Verdict.GAIN
    assert said(answer, "a gain in NLL and a harm in accuracy")


def test_one_pair_has_no_verdict():
    with open_record(make_setting()) as record:
        whole = search(make_setting(), Limits(24), record, Table(), lambda _: None)
    with open_record(make_setting()) as record:
        engine = Table(interrupt_after=whole.num_trainings[Purpose.SEARCH] + 3)
        answer = search(make_setting(), Limits(24), record, engine, lambda _: None)
    assert answer.num_trainings[Purpose.PROOF] in {2, 3}
    assert answer.verdict is None
    assert said(answer, "one pair of trainings has no interval")


def test_a_resumed_search_without_trainings_left_for_the_proof_says_what_it_takes():
    setting = make_setting()
    with open_record(setting) as record:
        search(setting, Limits(9), record, Table(), lambda _: None)
        answer = search(setting, Limits(12), record, Table(), lambda _: None)
    assert answer.verdict is None
    assert said(answer, "give a budget of at least")
    assert sum(answer.num_trainings.values()) <= 9


def test_a_metric_of_the_users_has_no_test_set_to_count():
    class Own(Table):
        def outcome(self, request):
            value = super().outcome(request).curves["validation_nll"]
            return Outcome({"validation_loss": value, "test_loss": value})

    answer = run(Own(), Limits(24), make_setting(objective=Objective("loss")))
    assert answer.verdict is Verdict.GAIN
    assert answer.warnings == ()
