"""Wrong results are found, of each kind that a kernel could give; right ones pass."""

import dataclasses

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane.bench import subjects
from wolfsbane.bench.case import RedCheckError, Settings
from wolfsbane.bench.check import check, check_values
from wolfsbane.bench.measure import measure_reused, measure_saved, measure_subject
from wolfsbane.bench.subject import SEED
from wolfsbane.bench.training_step import network, subject_of
from wolfsbane.mask import draw_key
from wolfsbane.nn import BatchNormAct1d

CHANNELS_LAST = torch.channels_last
SETTINGS = Settings(rounds=3, compiles=False, num_processes=1, clock=lambda: 0.0)


class NoisyMultiplication(torch.autograd.Function):
    """Right forward, wrong backward."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * 1.001


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(SEED)


@pytest.mark.parametrize(
    "make",
    [
        lambda: subjects.dropout(3, 700, grad=True),
        lambda: subjects.dropout2d(7, 5, 3, 11),
        lambda: subjects.batch_norm(31, 6),
        lambda: subjects.batch_norm(5, 6, 7, 3),
        lambda: subjects.batch_norm(5, 6, 7, 3, layout=CHANNELS_LAST),
        lambda: subjects.block(31, 6, p=0.5),
        lambda: subjects.block(5, 6, 7, 3, activation="gelu"),
        lambda: subjects.bias_act_dropout(31, 6),
        lambda: subjects.dropout_add(5, 6, 7),
    ],
)
def test_right_results_pass_forward_and_backward(make):
    check(make(), backward=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: subjects.accelerated_dropout(64, 1024),
        lambda: subjects.accelerated_attention(2, 4, 64, 16),
    ],
)
def test_right_results_of_accelerate_pass(make):
    check(make(), backward=False)


def test_torch_without_accelerate_has_another_mask():
    subject = subjects.accelerated_dropout(64, 1024)
    stock = dataclasses.replace(subject, around=type(subject).around)
    with pytest.raises(RedCheckError, match="keep_mask"):
        check(stock, backward=False)


def test_a_right_training_step_passes_and_a_wrong_rate_does_not():
    x, y = torch.randn(16, 784), torch.randint(10, (16,))
    for rate, is_right in ((0.5, True), (0.25, False)):
        model = network(lambda width, rate=rate: [BatchNormAct1d(width, "relu", rate)])
        if is_right:
            check(subject_of(model, x, y), backward=True)
        else:
            with pytest.raises(RedCheckError, match="off by"):
                check(subject_of(model, x, y), backward=True)


def nan_at_one_place(x):
    y = F.dropout(x).clone()
    y.data.view(-1)[(y.data.view(-1) != 0).nonzero()[0]] = torch.nan
    return y


WRONG = {
    "another mask": (lambda x: (draw_key(), F.dropout(x))[1], "keep_mask"),
    "nothing dropped": (lambda x: (draw_key(), x * 1.0)[1], "not zero"),
    "everything dropped": (lambda x: x * 0.0, "keeps are zero"),
    "no scale": (lambda x: F.dropout(x) * 0.5, "the output is off"),
    "one element nan": (nan_at_one_place, "the output is off"),
    "wrong gradient": (lambda x: F.dropout(NoisyMultiplication.apply(x)), "gradient 1 is off"),
    "wrong dtype": (lambda x: F.dropout(x).double(), "torch.float64"),
    "wrong shape": (lambda x: F.dropout(x)[None], r"\(1, 3, 700\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_result_is_red(name):
    function, said = WRONG[name]
    wrong = dataclasses.replace(subjects.dropout(3, 700, grad=True), ours=function)
    with pytest.raises(RedCheckError, match=said):
        check(wrong, backward=name == "wrong gradient")


def test_nothing_is_timed_where_the_check_is_red():
    def clock():
        raise AssertionError("timed")

    def make():
        return dataclasses.replace(subjects.dropout(700), ours=lambda x: x * 1.0)

    with pytest.raises(RedCheckError):
        measure_subject(dataclasses.replace(SETTINGS, clock=clock), make, ["eager"], False, 1.0)


def test_twice_the_error_of_torch_and_the_floor_are_allowed_and_no_more():
    truth = torch.ones(3, dtype=torch.float64)
    theirs = torch.full((3,), 1.25)
    check_values("it", torch.full((3,), 1.5), theirs, truth)
    with pytest.raises(
        RedCheckError, match=r"it is off by 0\.75; torch in the same dtype by 0\.25"
    ):
        check_values("it", torch.full((3,), 1.75), theirs, truth)


def test_the_block_saves_its_input_and_little_more():
    found = measure_saved(SETTINGS, lambda: subjects.block(8, 16, 32, 32))
    size = 8 * 16 * 32 * 32 * 4
    # Ours: gamma and beta in float32, mean and variance in float64. Torch: gamma, mean, deviation
    # and the running statistics in float32; and ReLU's output, and dropout's noise.
    assert found.samples["ours"] == [size + 2 * 64 + 2 * 128]
    assert found.samples["eager"] == [3 * size + 5 * 64]


def test_a_reused_output_is_checked_and_timed_against_a_copy():
    found = measure_reused(SETTINGS, size=5000, p=0.5)
    assert {name: len(of_one) for name, of_one in found.samples.items()} == {"ours": 3, "copy": 3}


def test_a_large_input_is_timed_against_a_copy_too():
    large = measure_subject(
        SETTINGS, lambda: subjects.dropout(1 << 15), ["eager"], backward=False, copies=1.0
    )
    small = measure_subject(
        SETTINGS, lambda: subjects.dropout(64), ["eager"], backward=False, copies=1.0
    )
    assert (set(large.samples), large.copies) == ({"ours", "eager", "copy"}, 1.0)
    assert (set(small.samples), small.copies) == ({"ours", "eager"}, None)
    assert large.executor == "cpu"


def test_a_compiler_that_fails_is_told_and_the_rest_goes_on(monkeypatch):
    def broken(function):
        raise RuntimeError("backend failed\nmore") from FileNotFoundError("no C++ compiler\nhelp")

    monkeypatch.setattr("wolfsbane.bench.measure.compiled", broken)
    settings = dataclasses.replace(SETTINGS, compiles=True)
    found = measure_subject(
        settings, lambda: subjects.dropout(64), ["eager", "torch.compile"], False, None
    )
    assert found.absent == {
        "torch.compile": "torch.compile failed: FileNotFoundError: no C++ compiler"
    }
    assert set(found.samples) == {"ours", "eager"}
