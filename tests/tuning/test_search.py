"""A search stays in its budget, goes on where it was, and claims what is there and no more."""

from dataclasses import replace

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from landscapes import SPACE, Table, flat, make_pool, make_setting, rising, valley
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.tuning.choosing import limit
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record import StudyRecord, open_record
from wolfsbane.tuning.search import Limits, check_limits, search
from wolfsbane.tuning.seeds import PROOF_OFFSET
from wolfsbane.tuning.space import Configuration, make_space
from wolfsbane.tuning.trainings import Trainings
from wolfsbane.tuning.trial import Purpose

SETTING = make_setting()


def ignore(_):
    """Take progress and say nothing."""


DEFAULT = Limits()


def run(engine, limits=DEFAULT, setting=SETTING, record=None, on_progress=ignore):
    """Return a search's answer; in a record of its own unless one is given."""
    if record is not None:
        return search(setting, limits, record, engine, on_progress)
    with open_record(setting) as fresh:
        return search(setting, limits, fresh, engine, on_progress)


def at(rate):
    return Configuration((("dropout", rate),))


def pairs(record):
    """Return what was trained, by purpose, whatever its number is."""
    return {
        (one.request.purpose, one.request.configuration, one.request.seed, one.request.train_size)
        for one in record.trials()
    }


@given(
    budget=st.integers(1, 60),
    later=st.integers(1, 60),
    complexity=st.booleans(),
    nll=st.sampled_from([flat, valley, rising]),
)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_no_more_is_trained_than_the_budget_allows(budget, later, complexity, nll):
    setting = make_setting(make_pool())
    with open_record(setting) as record:
        engine = Table(nll)
        for limits in (Limits(budget, complexity=complexity), Limits(later)):
            try:
                check_limits(setting, limits)
            except ArgumentError:
                continue
            before = len(engine.made)
            answer = run(engine, limits, setting, record)
            assert len(engine.made) <= max(before, limits.budget)
            assert answer.is_finished
            assert sum(answer.num_trainings.values()) == len(engine.made) == len(record.trials())


@pytest.mark.parametrize("budget", [1, 2, 3, 5, 8])
def test_a_budget_too_small_for_a_verdict_says_which_is_not(budget):
    answer = run(Table(), Limits(budget))
    assert answer.verdict is None
    assert answer.findings == ()
    assert answer.num_trainings[Purpose.SEARCH] == budget
    assert f"{budget} training" in answer.warnings[0]
    assert "give a budget of at least 11" in answer.warnings[0]
    assert run(Table(), Limits(11)).verdict is not None


def test_an_optimum_is_found_and_proved():
    answer = run(Table(valley, luck=1))
    assert answer.chosen.as_dict()["dropout"] == pytest.approx(0.5, abs=0.15)
    assert answer.verdict is Verdict.GAIN
    (rates,) = answer.ranges
    assert rates.low <= rates.rate <= rates.high
    assert (rates.rate, rates.name) == (answer.chosen.as_dict()["dropout"], "dropout")
    assert rates.low > 0.0
    assert rates.high < 0.9
    (band,) = answer.band
    assert [point.configuration for point in band] == [
        at(rate) for rate in SPACE.dimensions[0][1].values
    ]
    assert all(point.low <= point.mean <= point.high for point in band)
    assert answer.warnings == ()


def test_of_an_objective_of_which_more_is_better_the_most_is_found():
    objective = Objective("accuracy", higher_is_better=True)
    setting = make_setting(objective=objective)
    engine = Table(accuracy=lambda rate: 0.9 - 0.4 * (rate - 0.5) ** 2)
    answer = run(engine, setting=setting)
    assert answer.chosen.as_dict()["dropout"] == pytest.approx(0.5, abs=0.15)
    assert answer.verdict is Verdict.GAIN
    (band,) = answer.band
    assert all(0.7 < point.low <= point.mean <= point.high < 1.0 for point in band)


def test_where_dropout_only_harms_the_baseline_is_chosen_and_nothing_is_left_to_prove():
    answer = run(Table(rising))
    assert answer.chosen == answer.baseline
    assert answer.verdict is Verdict.NOTHING
    assert answer.findings == ()
    assert answer.num_trainings[Purpose.PROOF] == 0


def test_where_rates_do_not_differ_a_gain_is_claimed_by_chance_only():
    """False alarm: below 1e-6 (binomial, n = 100, one-sided, of a claim in 5% of searches)."""
    searches = 100
    gains = sum(
        run(Table(flat, luck=luck), Limits(11)).verdict is Verdict.GAIN for luck in range(searches)
    )
    assert gains <= stats.binom.isf(1e-6, searches, 0.05)


def test_a_rate_that_may_not_be_0_is_still_compared_with_0():
    setting = make_setting(space=make_space({"dropout": Rate(0.3, 0.9, step=0.1)}))
    answer = run(Table(rising), setting=setting)
    assert answer.chosen == at(0.3)
    assert answer.baseline == at(0.0)
    assert answer.verdict is Verdict.HARM
    assert answer.ranges[0].low == 0.3


def test_of_a_space_too_large_to_be_listed_every_rate_has_a_range_and_a_band():
    space = make_space({"dropout": Rate(), "second": Rate(), "activation": Choice("relu", "gelu")})
    answer = run(Table(), Limits(5), make_setting(space=space))
    assert [one.name for one in answer.ranges] == ["dropout", "second"]
    assert [len(line) for line in answer.band] == [19, 19]
    for name, line in zip(space.rates, answer.band, strict=True):
        points = [point.configuration.as_dict() for point in line]
        rates = [point.pop(name) for point in points]
        assert rates == sorted(set(rates))
        (rest,) = {tuple(point.items()) for point in points}
        assert set(rest) < set(answer.chosen.values)


def test_a_search_that_has_settled_leaves_its_share():
    engine = Table(noise=0.001, of_seed=0.001)
    answer = run(engine, Limits(200))
    assert answer.num_trainings[Purpose.SEARCH] < 30
    assert answer.verdict is Verdict.GAIN
    assert len(engine.made) < 50


def test_proof_and_search_share_no_seed():
    engine = Table()
    run(engine)
    seeds = {
        purpose: {one.seed for one in engine.made if one.purpose is purpose} for purpose in Purpose
    }
    assert seeds[Purpose.PROOF]
    assert not seeds[Purpose.PROOF] & seeds[Purpose.SEARCH]
    num_pairs = len(seeds[Purpose.PROOF])
    assert {divmod(seed, PROOF_OFFSET) for seed in seeds[Purpose.PROOF]} == {
        (num_pairs, index) for index in range(num_pairs)
    }


def test_trainings_are_asked_for_in_batches():
    sizes = []

    class Counting(Table):
        def run(self, setting, requests):
            sizes.append(len(requests))
            yield from super().run(setting, requests)

    run(Counting(), Limits(24, batch=3))
    assert sizes[0:3] == [3, 1, 3]
    assert max(sizes) == 3


def test_the_order_in_which_a_batch_ends_changes_nothing():
    straight, other = run(Table()), run(Table(latest_first=True))
    assert straight == other


class KilledError(BaseException):
    """The process is gone: nothing is tidied up."""


def reopened(record):
    """Return the record as another process would find it."""
    return StudyRecord(
        record._study,
        record._storage,
        record._space,
        record._objective,
        record._weights,
        record._guard,
    )


def stop(record, engine, number, error):
    """Search until `number` trainings are made, when `error` comes out of the engine."""
    engine.interrupt_after, engine.interrupt_with = number, error
    try:
        return run(engine, record=record)
    finally:
        engine.interrupt_after = None


@pytest.fixture(scope="module")
def whole():
    """Return a search that nothing stopped: its answer and what it trained."""
    with open_record(SETTING) as record:
        return run(Table(), record=record), pairs(record)


def assert_same(answer, other):
    """Assert that answers agree, to the rounding of sums in another order."""
    assert replace(answer, findings=(), band=()) == replace(other, findings=(), band=())
    for one, two in zip(answer.findings, other.findings, strict=True):
        assert one.estimate.mean == pytest.approx(two.estimate.mean)
        assert one.verdict == two.verdict


@pytest.mark.parametrize("number", range(23))
def test_a_killed_search_goes_on_to_what_it_would_have_come_to(number, whole):
    engine = Table()
    number = min(number, len(whole[1]) - 1)
    with open_record(SETTING) as record:
        record.drop = ignore
        with pytest.raises(KilledError):
            stop(record, engine, number, KilledError)
        again = reopened(record)
        assert_same(run(engine, record=again), whole[0])
        assert pairs(again) == whole[1]
    assert len(engine.made) == len(whole[1])


@pytest.mark.parametrize("number", range(1, 23))
def test_an_interrupted_search_answers_and_goes_on_to_the_same(number, whole):
    engine = Table()
    number = min(number, len(whole[1]) - 1)
    with open_record(SETTING) as record:
        answer = stop(record, engine, number, KeyboardInterrupt)
        assert not answer.is_finished
        assert "interrupted after" in answer.warnings[0]
        assert sum(answer.num_trainings.values()) == len(record.trials()) == number
        assert all(trial.outcome is not None for trial in record.trials())
        again = reopened(record)
        assert_same(run(engine, record=again), whole[0])
        assert pairs(again) == whole[1]
    assert len(engine.made) == len(whole[1])


def test_an_interrupt_before_anything_is_finished_goes_on_to_the_caller():
    with open_record(SETTING) as record, pytest.raises(KeyboardInterrupt):
        stop(record, Table(), 0, KeyboardInterrupt)
    assert record.trials() == []


def test_an_interrupt_while_progress_is_shown_counts_what_is_finished():
    def interrupt(progress):
        if progress.finished == 6:
            raise KeyboardInterrupt

    with open_record(SETTING) as record:
        answer = run(Table(), record=record, on_progress=interrupt)
        assert not answer.is_finished
        assert sum(answer.num_trainings.values()) == len(record.trials()) == 6


@pytest.mark.parametrize("done_by_then", [False, True])
def test_an_interrupt_while_an_outcome_is_written_keeps_it(done_by_then, monkeypatch):
    """Ctrl-C between the two lines that a finished training is in the journal, or after them."""
    tell = optuna.Study.tell

    def interrupted(study, *args, **named):
        monkeypatch.undo()
        if done_by_then:
            tell(study, *args, **named)
        raise KeyboardInterrupt

    with open_record(SETTING) as record:
        monkeypatch.setattr(optuna.Study, "tell", interrupted)
        answer = run(Table(), record=record)
        assert not answer.is_finished
        assert sum(answer.num_trainings.values()) == len(record.trials()) == 1


def test_an_interrupted_proof_is_measured_by_the_pairs_that_are_whole(whole):
    with open_record(SETTING) as record:
        search_trainings = whole[0].num_trainings[Purpose.SEARCH]
        answer = stop(record, Table(), search_trainings + 5, KeyboardInterrupt)
    assert answer.num_trainings[Purpose.PROOF] == 5
    assert {one.estimate.num_seeds for one in answer.findings} == {2}


def test_a_failed_training_leaves_nothing_that_looks_as_if_it_ran():
    with open_record(SETTING) as record:
        with pytest.raises(ModelError):
            stop(record, Table(), 6, ModelError)
        assert len(record.trials()) == 6


def test_a_finished_search_trains_nothing_more_and_says_the_same(whole):
    with open_record(SETTING) as record:
        engine = Table()
        answer = run(engine, record=record)
        made = len(engine.made)
        assert run(engine, record=reopened(record)) == answer
        assert len(engine.made) == made


def test_more_budget_proves_the_same_choice_better():
    engine = Table(noise=0.03)
    with open_record(SETTING) as record:
        little = run(engine, Limits(14), record=record)
        more = run(engine, Limits(40), record=record)
        assert more.chosen == little.chosen
        assert more.num_trainings[Purpose.SEARCH] == little.num_trainings[Purpose.SEARCH]
        assert more.num_trainings[Purpose.PROOF] > little.num_trainings[Purpose.PROOF]


@pytest.mark.parametrize(("first", "later"), [(Limits(12), 7), (Limits(25, complexity=True), 16)])
def test_what_complexity_has_spent_is_not_left_for_a_smaller_budget_to_choose_by(first, later):
    setting, engine = make_setting(make_pool()), Table(rising)
    with open_record(setting) as record:
        search(setting, first, record, engine, ignore)
        made = len(record.trials())
        evidence = Trainings(setting, Limits(later), record, engine, ignore).evidence()
        spent = len(evidence.of(Purpose.COMPLEXITY))
        assert spent
        assert limit(evidence) <= later - spent  # else choosing never ends
        search(setting, Limits(later), record, engine, ignore)
        assert len(record.trials()) <= max(made, later)


def test_a_phase_without_trainings_is_not_announced():
    phases = []
    run(Table(rising), Limits(11), on_progress=lambda state: phases.append(state.phase))
    assert set(phases) == {Purpose.SEARCH}


def test_progress_names_phases_and_counts_trainings():
    seen = []
    answer = run(Table(), setting=make_setting(make_pool()), on_progress=seen.append)
    assert list(dict.fromkeys(state.phase for state in seen)) == list(Purpose)
    starts = [state for state in seen if state.trial is None]
    assert [state.phase for state in starts] == list(Purpose)
    assert [state.running for state in starts] == [0, 0, 0]
    ended = [state for state in seen if state.trial is not None]
    assert [state.finished for state in ended] == list(
        range(1, 1 + sum(answer.num_trainings.values()))
    )
    assert max(state.running for state in ended) == 3
    assert {state.budget for state in seen} == {24}
    assert (seen[0].best, seen[0].value) == (None, None)
    assert seen[-1].best == answer.chosen
    assert seen[-1].value == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize(
    ("limits", "error", "said"),
    [
        ({"budget": 0}, ArgumentError, "budget has to be a positive integer"),
        ({"budget": 2.5}, ArgumentTypeError, "budget has to be a positive integer"),
        ({"budget": True}, ArgumentTypeError, "budget has to be a positive integer"),
        ({"batch": -1}, ArgumentError, "batch has to be a positive integer"),
        ({"precision": 0.0}, ArgumentError, "precision has to be a number above 0"),
        ({"precision": float("nan")}, ArgumentError, "precision has to be a number above 0"),
        ({"precision": "1%"}, ArgumentTypeError, "precision has to be a number above 0"),
    ],
)
def test_impossible_limits_are_refused(limits, error, said):
    with pytest.raises(error, match=said):
        Limits(**limits)
