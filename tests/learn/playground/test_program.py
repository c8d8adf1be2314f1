import itertools
import os
import re
import subprocess
import sys

import pytest
import torch

from wolfsbane.audit import check_source
from wolfsbane.learn.playground.building import build
from wolfsbane.learn.playground.mistakes import MISTAKES
from wolfsbane.learn.playground.program import ACTIVATIONS, program_of, sound_program_of
from wolfsbane.learn.playground.setup import ACTIVATION, DATA, LAYERS, NORM, Setup

LONGEST_LINE = 100


@pytest.mark.parametrize("order", list(itertools.permutations(LAYERS)))
def test_the_layers_are_called_in_the_order_that_was_set(order):
    program = sound_program_of(Setup(order=order))
    called = re.findall(r"x = self\.(\w+)\(x\)", program)
    assert called == [*order, "hidden", "output"]


@pytest.mark.parametrize("order", list(itertools.permutations(LAYERS)))
@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_the_network_of_every_order_takes_its_data(order, norm):
    setup = Setup(order=order, norm=norm, width=5, num_hidden=2, num_examples=32)
    built = build(sound_program_of(setup), setup)
    assert built.model(built.train_data[0]).shape == (32, 2)


@pytest.mark.parametrize("data", [value for value, _ in DATA.options])
def test_data_are_standardised_by_the_training_examples(data):
    setup = Setup(data=data, num_examples=100)
    built = build(sound_program_of(setup), setup)
    (x_train, y_train), (x_test, y_test) = built.train_data, built.test_data
    assert (len(x_train), len(y_train), len(x_test), len(y_test)) == (100, 100, 500, 500)
    # Mean 0, up to float32's rounding of sums of 100; a constant feature stays at 0.
    assert torch.allclose(x_train.mean(0), torch.zeros(x_train.shape[1]), atol=1e-4)
    spread = x_train.std(0)
    varying = spread > 0.5
    assert varying.any()
    assert torch.allclose(spread[varying], torch.ones(int(varying.sum())), atol=1e-2)


def test_label_noise_changes_its_share_of_the_training_labels_alone():
    clean = build(sound_program_of(setup := Setup(num_examples=1000)), setup)
    noisy = build(sound_program_of(setup := Setup(num_examples=1000, label_noise=0.4)), setup)
    changed = (clean.train_data[1] != noisy.train_data[1]).float().mean()
    # 40% get a random label, half of which is the old one. 5 standard deviations of 1,000 draws.
    assert abs(float(changed) - 0.2) < 5 * (0.2 * 0.8 / 1000) ** 0.5
    assert torch.equal(clean.test_data[1], noisy.test_data[1])


def test_an_option_of_the_setup_is_an_activation_of_the_program():
    assert {"none", *ACTIVATIONS} == {value for value, _ in ACTIVATION.options}


@pytest.mark.parametrize("norm", [value for value, _ in NORM.options])
@pytest.mark.parametrize("mistake", ["", *(mistake.name for mistake in MISTAKES)])
def test_every_program_is_python_with_lines_that_fit(norm, mistake):
    program = program_of(Setup(norm=norm, mistake=mistake, num_hidden=4, label_noise=0.2))
    compile(program, "program.py", "exec")
    assert max(map(len, program.splitlines())) <= LONGEST_LINE


def test_nothing_of_a_layer_that_is_absent_is_in_the_program():
    program = sound_program_of(Setup(p=0, norm="none", activation="none"))
    assert not re.search(r"[Dd]ropout|[Nn]orm|activation|drop_last", program)


def test_the_sound_program_has_no_findings_in_its_text():
    assert check_source(sound_program_of(Setup())) == []


def test_outside_the_program_prints_the_scores_that_the_page_shows(tmp_path):
    setup = Setup(num_examples=64, epochs=3, width=8)
    program = sound_program_of(setup)
    path = tmp_path / "program.py"
    path.write_text(program)
    # Sums of as many threads: their order decides the last digits, and in training the others.
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    ran = subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, **threads},
    )
    printed = [[float(each) for each in line.split()] for line in ran.stdout.splitlines()[1:]]
    shown = list(build(program, setup).fit())
    assert [line[0] for line in printed] == [1, 2, 3]
    for line, scores in zip(printed, shown, strict=True):
        # Four and three decimals are printed.
        assert line[1:] == pytest.approx(scores, abs=6e-4)
