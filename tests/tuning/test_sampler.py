"""The sampler in real studies of Optuna: what it asks, what it reads, and Optuna's own tests."""

import math
import warnings

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.samplers import PartialFixedSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase, SingleOnlySamplerTestCase
from optuna.trial import TrialState, create_trial

from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.sampler import PURPOSE, SEED, PairedSampler
from wolfsbane.tuning.space import Choice, Rate, make_space
from wolfsbane.tuning.trial import Purpose

SPACE = make_space({"dropout": Rate(0.0, 0.9, step=0.1)})
FIRST = [(0.0, 0), (0.9, 0), (0.0, 1), (0.9, 1)]


@pytest.fixture(autouse=True)
def quiet():
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(verbosity)


def nll(rate, seed):
    return 0.3 + (rate - 0.4) ** 2 + (seed % 5) / 10 + rate * (seed % 3) / 100


def a_study(direction="minimize", **options):
    return optuna.create_study(sampler=PairedSampler(SPACE, **options), direction=direction)


def ask(study, purpose=Purpose.SEARCH):
    trial = study.ask(study.sampler.distributions)
    trial.set_user_attr(PURPOSE, purpose.value)
    return trial


def asked(study, number, sign=1.0):
    """Ask for trials one after another, tell each, and return their pairs."""
    pairs = []
    for _ in range(number):
        trial = ask(study)
        pairs.append((trial.params["dropout"], trial.params[SEED]))
        study.tell(trial, sign * nll(*pairs[-1]))
    return pairs


def add(study, rate, seed, value=None, purpose=Purpose.SEARCH, state=TrialState.COMPLETE):
    study.add_trial(
        create_trial(
            state=state,
            params={"dropout": rate, SEED: seed},
            distributions=study.sampler.distributions,
            value=value,
            user_attrs={PURPOSE: purpose.value},
        )
    )


def next_pair(study):
    trial = study.ask(study.sampler.distributions)
    return trial.params["dropout"], trial.params[SEED]


def test_the_first_four_are_both_ends_under_two_seeds():
    assert asked(a_study(), 4) == FIRST


def test_the_first_four_begin_with_the_first_seed():
    assert asked(a_study(first_seed=40), 4) == [(rate, seed + 40) for rate, seed in FIRST]


def test_the_first_four_are_asked_for_while_the_others_run():
    study = a_study()
    assert [next_pair(study) for _ in range(4)] == FIRST


def test_more_can_be_asked_for_before_any_is_told():
    study = a_study()
    pairs = [next_pair(study) for _ in range(9)]
    assert len(set(pairs)) == 9


def test_what_is_there_of_the_first_four_is_not_asked_for_again():
    study = a_study()
    add(study, 0.9, 0, 0.5)
    assert [next_pair(study) for _ in range(3)] == [(0.0, 0), (0.0, 1), (0.9, 1)]


def test_a_failed_training_is_as_if_it_had_not_been():
    study = a_study()
    study.tell(ask(study), state=TrialState.FAIL)
    assert next_pair(study) == FIRST[0]


def test_running_trainings_are_not_asked_for_again_and_do_not_move_the_mean():
    study = a_study()
    asked(study, 6)
    before = study.sampler.posterior(study)
    pairs = [next_pair(study) for _ in range(4)]
    after = study.sampler.posterior(study)
    assert len(set(pairs)) == 4
    assert (after.mean == before.mean).all()
    assert after.expected_regret != before.expected_regret


def test_the_search_finds_the_rate_whatever_luck_its_seeds_have():
    study = a_study()
    asked(study, 12)
    found = study.sampler.posterior(study).best.as_dict()["dropout"]
    assert found == pytest.approx(0.4, abs=0.11)


def test_only_trials_of_the_search_count():
    study = a_study()
    asked(study, 6)
    before = study.sampler.posterior(study)
    add(study, 0.9, 77, -5.0, purpose=Purpose.PROOF)
    add(study, 0.9, 78, -5.0, purpose=Purpose.COMPLEXITY)
    after = study.sampler.posterior(study)
    assert (after.mean == before.mean).all()
    assert next_pair(study)[1] < 77


def test_a_trial_that_says_no_purpose_is_of_the_search():
    study = a_study()
    study.enqueue_trial({"dropout": 0.0, SEED: 0})
    study.tell(study.ask(study.sampler.distributions), 0.5)
    assert next_pair(study) == FIRST[1]


def test_what_is_enqueued_is_trained():
    study = a_study()
    asked(study, 4)
    study.enqueue_trial({"dropout": 0.37, SEED: 5})
    trial = ask(study)
    assert trial.params == {"dropout": 0.37, SEED: 5}
    study.tell(trial, 0.1)
    assert len(set(asked(study, 3))) == 3


def test_maximising_is_minimising_the_negative():
    negative = a_study("maximize")
    values = {pair: -nll(*pair) for pair in FIRST}
    for (rate, seed), value in values.items():
        add(negative, rate, seed, value)
    positive = a_study()
    for (rate, seed), value in values.items():
        add(positive, rate, seed, -value)
    assert negative.sampler.posterior(negative).belief.mean == pytest.approx(
        positive.sampler.posterior(positive).belief.mean
    )


def test_an_objective_of_the_other_direction_is_refused():
    study = a_study("maximize", objective=Objective("nll"))
    with pytest.raises(ArgumentError, match=r"maximize, but of 'nll' lower values are better"):
        study.ask(study.sampler.distributions)
    higher = a_study("minimize", objective=Objective("accuracy", higher_is_better=True))
    with pytest.raises(ArgumentError, match=r"minimize, but of 'accuracy' higher values"):
        higher.sampler.posterior(higher)


def test_the_same_study_is_asked_the_same():
    assert asked(a_study(), 9) == asked(a_study(), 9)


def test_a_study_that_goes_on_elsewhere_is_asked_the_same(tmp_path):
    url = f"sqlite:///{tmp_path / 'study.db'}"
    whole = asked(a_study(), 8)
    first = optuna.create_study(study_name="s", storage=url, sampler=PairedSampler(SPACE))
    start = asked(first, 5)
    again = optuna.load_study(study_name="s", storage=url, sampler=PairedSampler(SPACE))
    assert start + asked(again, 3) == whole
    first._storage.remove_session()
    again._storage.remove_session()


def test_an_infinite_objective_is_a_bad_one():
    study = a_study()
    for rate, seed in FIRST:
        add(study, rate, seed, math.inf if rate else nll(rate, seed))
    assert study.sampler.posterior(study).best != SPACE.extreme
    next_pair(study)


def test_options_are_asked_for_as_they_were_given():
    space = make_space({"dropout": Rate(0.0, 0.6, step=0.3), "act": Choice("relu", None, True)})
    study = optuna.create_study(sampler=PairedSampler(space))
    options = set()
    for _ in range(10):
        trial = study.ask(study.sampler.distributions)
        options.add(trial.params["act"])
        study.tell(trial, nll(trial.params["dropout"], trial.params[SEED]))
    assert options <= {"relu", None, True}
    assert len(options) > 1


def test_a_parameter_of_the_users_own_is_drawn_at_random():
    study = a_study()

    def objective(trial):
        rate = trial.suggest_float("dropout", 0.0, 0.9)
        seed = trial.suggest_int(SEED, 0, 2**32 - 1)
        return nll(rate, seed) + trial.suggest_float("rate of learning", 0.1, 0.2)

    study.optimize(objective, n_trials=6)
    drawn = [trial.params["rate of learning"] for trial in study.trials]
    assert len(set(drawn)) == 6
    assert [(t.params["dropout"], t.params[SEED]) for t in study.trials[:4]] == FIRST


def test_a_narrower_range_of_seeds_is_kept_to():
    study = a_study()

    def objective(trial):
        return nll(trial.suggest_float("dropout", 0.0, 0.9), trial.suggest_int(SEED, 0, 1))

    study.optimize(objective, n_trials=7)
    assert {trial.params[SEED] for trial in study.trials} == {0, 1}


def test_a_parameter_that_is_held_fixed_stays_so():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = PartialFixedSampler({SEED: 3}, PairedSampler(SPACE))
    study = optuna.create_study(sampler=sampler)
    distributions = {**SPACE.distributions, SEED: IntDistribution(0, 10)}
    assert [study.ask(distributions).params[SEED] for _ in range(3)] == [3, 3, 3]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
class TestAsOptunaWantsIt(BasicSamplerTestCase, SingleOnlySamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: PairedSampler(SPACE)
