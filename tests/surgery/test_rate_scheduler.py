"""A scheduler changes rates by the papers' formulas, and resumes where another one was."""

import copy
import json
import math

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn import Dropout, Linear, Module, Sequential

from wolfsbane import nn, surgery
from wolfsbane.errors import (
    ArgumentError,
    ArgumentTypeError,
    ModelError,
    WolfsbaneWarning,
)


def network():
    return Sequential(Linear(4, 4), Dropout(0.4), nn.Dropout(0.2))


def rates_of(schedule, steps, base=0.4):
    model = Sequential(Dropout(base))
    scheduler = surgery.RateScheduler(model, schedule)
    found = [model[0].p]
    for _ in range(steps):
        scheduler.step()
        found.append(model[0].p)
    return found


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (surgery.constant(), lambda t, p: p),
        (surgery.constant(0.5), lambda t, p: p / 2),
        (surgery.early(cutoff=5), lambda t, p: p * (5 - t) / 5 if t < 5 else 0.0),
        (surgery.late(cutoff=5), lambda t, p: 0.0 if t < 5 else p),
        (
            surgery.curriculum(gamma=0.3),
            lambda t, p: 1 - ((1 - (1 - p)) * math.exp(-0.3 * t) + 1 - p),
        ),
        (lambda step: 1 / (1 + step), lambda t, p: p / (1 + t)),
    ],
)
def test_rates_follow_the_paper_s_formula(schedule, formula):
    assert rates_of(schedule, 9) == pytest.approx([formula(t, 0.4) for t in range(10)], abs=1e-12)


def test_curriculum_reaches_the_rate_at_the_paper_s_gamma():
    found = rates_of(surgery.curriculum(gamma=10 / 50), 50)
    assert found[0] == 0.0
    assert 0.4 * (1 - 1e-4) < found[-1] < 0.4


def test_early_and_late_switch_exactly_at_the_cutoff():
    assert rates_of(surgery.early(3), 4)[2:] == [pytest.approx(0.4 / 3), 0.0, 0.0]
    assert rates_of(surgery.late(3), 4)[2:] == [0.0, 0.4, 0.4]


def test_step_changes_the_fraction_that_is_dropped():
    model = Sequential(nn.Dropout(0.5))
    scheduler = surgery.RateScheduler(model, surgery.early(cutoff=2))
    for expected in (0.5, 0.25, 0.0):
        zeros = (model(torch.ones(100_000)) == 0).double().mean().item()
        assert zeros == pytest.approx(expected, abs=0.01)  # 6 sigma or more: false alarm 4e-9
        scheduler.step()


def test_schedules_show_themselves():
    scheduler = surgery.RateScheduler(network(), surgery.early(cutoff=5))
    scheduler.step()
    assert repr(scheduler) == "RateScheduler(early(5), 2 rates, step 1)"


def test_only_the_rates_meant_are_changed():
    model = network()
    scheduler = surgery.RateScheduler(model, surgery.late(1), which="2")
    assert [model[1].p, model[2].p] == [0.4, 0.0]
    scheduler.step()
    assert scheduler.get_last_rate() == {"2.p": 0.2}
    assert scheduler.last_epoch == 1
    surgery.RateScheduler(model, surgery.late(1), which=["1", "2.p"])
    assert [model[1].p, model[2].p] == [0.0, 0.0]


def test_pattern_without_a_rate_is_an_error():
    with pytest.raises(ArgumentError, match="no drop rate is in what 'blocks' matches"):
        surgery.RateScheduler(network(), surgery.early(5), which="blocks")


def test_resumed_run_sets_the_same_rates_from_the_first_step():
    model = network()
    scheduler = surgery.RateScheduler(model, surgery.curriculum(0.1))
    for _ in range(3):
        scheduler.step()
    state = json.loads(json.dumps(scheduler.state_dict()))
    fresh = network()
    resumed = surgery.RateScheduler(fresh, surgery.curriculum(0.1))
    resumed.load_state_dict(state)
    for _ in range(3):
        assert (fresh[1].p, fresh[2].p) == (model[1].p, model[2].p)
        assert resumed.last_epoch == scheduler.last_epoch
        assert resumed.get_last_rate() == scheduler.get_last_rate()
        scheduler.step()
        resumed.step()


def test_resumed_run_draws_the_same_masks():
    def train(model, scheduler, steps):
        outputs = []
        for _ in range(steps):
            outputs.append(model(torch.ones(3, 4)).detach())
            scheduler.step()
        return outputs

    model = network()
    scheduler = surgery.RateScheduler(model, surgery.early(4))
    train(model, scheduler, 2)
    state, weights = scheduler.state_dict(), copy.deepcopy(model.state_dict())
    random_state = torch.random.get_rng_state()
    expected = train(model, scheduler, 4)
    fresh = network()
    fresh.load_state_dict(weights)
    resumed = surgery.RateScheduler(fresh, surgery.early(4))
    resumed.load_state_dict(state)
    torch.random.set_rng_state(random_state)
    found = train(fresh, resumed, 4)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Sequential(Linear(4, 4), Dropout(0.4)), r"2\.p was 0\.2, is not there"),
        (
            Sequential(network(), Dropout(0.4)),
            r"2\.p was 0\.2, is not there; 0\.1\.p was not there, is 0\.4",
        ),
        (Sequential(Linear(4, 4), Dropout(0.3), Dropout(0.2)), r"1\.p was 0\.4, is 0\.3\. Build"),
    ],
)
def test_state_of_other_rates_is_refused_and_names_them(model, message):
    saved = surgery.RateScheduler(network(), surgery.early(5)).state_dict()
    scheduler = surgery.RateScheduler(model, surgery.early(5))
    saved["last_epoch"] = 3
    before = scheduler.get_last_rate()
    with pytest.raises(ArgumentError, match=message):
        scheduler.load_state_dict(saved)
    assert scheduler.last_epoch == 0
    assert scheduler.get_last_rate() == before


def test_model_without_a_rate_above_zero_is_refused():
    with pytest.raises(ArgumentError, match="The model has no drop rates"):
        surgery.RateScheduler(Linear(2, 2), surgery.early(5))
    with pytest.raises(ArgumentError, match=r"are 0, .*set_rates\(model, 0.1\)\.apply"):
        surgery.RateScheduler(Sequential(Dropout(0.0)), surgery.early(5))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: surgery.early(0), ArgumentError, "cutoff has to be a positive integer.*got 0"),
        (lambda: surgery.late(2.5), ArgumentTypeError, "cutoff has to be a positive integer"),
        (lambda: surgery.early(True), ArgumentTypeError, "got True"),
        (lambda: surgery.curriculum(0), ArgumentError, "gamma has to be a positive.*got 0"),
        (lambda: surgery.curriculum(math.inf), ArgumentError, "got inf"),
        (lambda: surgery.curriculum("1"), ArgumentTypeError, "got '1'"),
        (lambda: surgery.constant(2), ArgumentError, "between 0 and 1, but this one gave 2"),
        (
            lambda: surgery.RateScheduler(network(), 0.5),
            ArgumentTypeError,
            "a function from a step to a factor",
        ),
    ],
)
def test_impossible_schedule_is_explained(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_factor_outside_its_range_changes_nothing():
    model = network()
    scheduler = surgery.RateScheduler(model, lambda step: 1.0 + step)
    with pytest.raises(ArgumentError, match=r"between 0 and 1, but this one gave 2\.0"):
        scheduler.step()
    assert (model[1].p, scheduler.last_epoch) == (0.4, 0)


class Written(Module):
    def forward(self, x):
        return F.dropout(x, 0.25, self.training)


def test_rate_in_the_source_is_warned_of():
    model = Sequential(Written(), Dropout(0.1))
    with pytest.warns(
        WolfsbaneWarning, match=r"cannot change 1 .*0: written in the source"
    ) as seen:
        surgery.RateScheduler(model, surgery.early(5))
    assert seen[0].filename == __file__
    surgery.RateScheduler(Sequential(Written(), Dropout(0.1)), surgery.early(5), which="1")


def test_scheduler_goes_on_after_the_layers_were_converted():
    model = network()
    scheduler = surgery.RateScheduler(model, surgery.early(4))
    surgery.convert(model).apply()
    scheduler.step()
    assert type(model[1]) is nn.Dropout
    assert model[1].p == pytest.approx(0.3)


def test_rate_that_is_gone_is_named():
    model = network()
    scheduler = surgery.RateScheduler(model, surgery.early(4))
    model[2] = torch.nn.Identity()
    with pytest.raises(ModelError, match=r"no longer has the drop rate of 2\.p"):
        scheduler.step()
    assert (model[1].p, scheduler.last_epoch) == (0.4, 0)


def test_wrapped_model_has_the_same_names():
    model = network()
    wrapped = torch.nn.DataParallel(torch.compile(model, backend="eager"))
    assert list(surgery.RateScheduler(wrapped, surgery.early(4)).base_rates) == ["1.p", "2.p"]


def test_rates_as_tensors_follow_the_schedule():
    model = network()
    scheduler = surgery.RateScheduler(model, surgery.early(4), as_tensors=True)
    p = model[2].p
    scheduler.step()
    assert model[2].p is p
    assert p.item() == pytest.approx(0.15)
    assert model[1].p == pytest.approx(0.3)
    assert "2.p" not in model.state_dict()
    resumed = surgery.RateScheduler(network(), surgery.early(4), as_tensors=True)
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.get_last_rate() == scheduler.get_last_rate()


@pytest.mark.parametrize(("as_tensors", "compiled"), [(False, 5), (True, 1)])
def test_compiled_model_is_compiled_once_where_rates_are_tensors(as_tensors, compiled):
    torch._dynamo.reset()
    model = Sequential(nn.Dropout(0.5))
    counter = CompileCounterWithBackend("eager")
    run = torch.compile(model, backend=counter)
    scheduler = surgery.RateScheduler(run, surgery.early(4), as_tensors=as_tensors)
    for step in range(5):
        zeros = (run(torch.ones(100_000)) == 0).double().mean().item()
        # 6 sigma or more: false alarm 1e-8
        assert zeros == pytest.approx(0.5 * (1 - step / 4), abs=0.01)
        scheduler.step()
    torch._dynamo.reset()
    assert counter.frame_count == compiled


@pytest.mark.parametrize("state", [{}, None, {"base_rates": {}, "last_epoch": "now"}])
def test_what_is_no_state_is_explained(state):
    scheduler = surgery.RateScheduler(torch.nn.Dropout(0.4), surgery.early(4))
    with pytest.raises(ArgumentError, match=r"has to be what RateScheduler\.state_dict"):
        scheduler.load_state_dict(state)
