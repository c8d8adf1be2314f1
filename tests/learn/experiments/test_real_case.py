"""A real case: trainings as those of a comparison, answers in both modes, own pictures."""

import csv
import gzip
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from learn.experiments.step_runs import (
    all_of,
    grows,
    last_of,
    outcome_of,
    run_step,
    series_of,
    texts_of,
)
from wolfsbane.errors import DataError
from wolfsbane.experiment.data import bundled, load, split
from wolfsbane.experiment.intervals import estimate
from wolfsbane.experiment.training import AdamW, train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.learn.blocks import Finding, Progress, Table, Text
from wolfsbane.learn.experiments import real_case, single_mails
from wolfsbane.learn.experiments.real_case import Contender
from wolfsbane.learn.sections.real_case import SECTION

SMALL = {"train_size": 100, "seeds": 2, "epochs": 3}
NUM_PICTURES = 12


@pytest.fixture(scope="module")
def spam():
    return run_step(SECTION, "spam", **SMALL)


@pytest.fixture(scope="module")
def mails():
    return run_step(SECTION, "single-mails")


def tables_of(blocks):
    return [block for block in blocks if isinstance(block, Table)]


def test_each_point_is_a_training_as_the_comparison_makes_it(spam):
    pool = load("spam")
    plain, chosen = make_variants({"a": {}, "b": {"dropout": 0.5, "batchnorm": True}})
    for series, variant in zip(last_of(spam, "finals").series, (plain, chosen), strict=True):
        for seed in (0, 1):
            data = split(pool, 100, seed)
            trained = train_variant(variant, data, seed, AdamW(3), lambda: None)
            assert series.y[seed] == pytest.approx(trained.curves["test_accuracy"][-1])


def test_the_outcome_is_the_paired_difference_with_its_interval(spam):
    plain, chosen = (series.y for series in last_of(spam, "finals").series)
    differences = [b - a for a, b in zip(plain, chosen, strict=True)]
    expected = estimate(differences, resolution=1 / 2248)
    assert outcome_of(spam).choice == (0 if expected.low > 0 else 2 if expected.high < 0 else 1)
    assert f"{100 * expected.mean:+.2f} points" in outcome_of(spam).text


@pytest.mark.parametrize(
    ("finals", "choice"), [([0.9, 0.91], 0), ([0.8, 0.81], 1), ([0.7, 0.71], 2)]
)
def test_the_choice_follows_the_interval(finals, choice):
    plain = Contender("plain", None, finals=[0.8, 0.81])
    chosen = Contender("chosen", None, finals=finals)
    assert real_case._outcome(plain, chosen, 2000).choice == choice


def test_a_curve_grows_within_a_training_and_begins_anew_with_the_next(spam):
    lengths = [tuple(len(series.x) for series in chart.series) for chart in all_of(spam, "curves")]
    assert lengths == 2 * [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3)]
    assert grows(all_of(spam, "finals"))
    done = [block.done for block in spam if isinstance(block, Progress)]
    assert done == list(range(13))


def test_the_auditor_watches_and_finds_nothing_wrong_with_our_networks(spam):
    assert not [block for block in spam if isinstance(block, Finding)]
    words = [block.text for block in spam if isinstance(block, Text)]
    assert words == ["The auditor watched all 4 trainings, and found nothing."]


def test_the_classes_shares_add_up_to_the_accuracy(spam):
    data_table, classes = tables_of(spam)
    tested = [int(row[3].text) for row in data_table.rows]
    for column, series in ((1, 0), (2, 1)):
        finals = last_of(spam, "finals").series[series].y
        shares = [float(row[column].text.rstrip(" %")) for row in classes.rows]
        total = sum(share * count for share, count in zip(shares, tested, strict=True))
        assert total / sum(tested) == pytest.approx(100 * sum(finals) / len(finals), abs=0.1)


def write_pictures(folder):
    torch.manual_seed(0)
    for part in ("train", "test"):
        for name, red in (("cat", 200), ("dog", 40)):
            place = folder / part / name
            place.mkdir(parents=True)
            for number in range(NUM_PICTURES):
                shade = red + int(torch.randint(40, ()))
                Image.new("RGB", (20, 16), (shade, 90, 90)).save(place / f"{number}.png")


def test_a_folder_of_pictures_is_learned(tmp_path):
    write_pictures(tmp_path)
    blocks = run_step(SECTION, "pictures", folder=str(tmp_path), seeds=2, epochs=8, p=0, norm=False)
    table = tables_of(blocks)[0]
    assert "3 x 16 x 20 numbers" in table.caption
    assert [row[0].text for row in table.rows] == ["cat", "dog"]
    assert sum(int(row[1].text) for row in table.rows) == int(0.8 * 2 * NUM_PICTURES)
    assert all(accuracy == 1 for accuracy in series_of(last_of(blocks, "finals"), "plain").y)
    assert outcome_of(blocks).choice == 1  # both networks are the same one


def test_without_a_folder_the_pictures_step_takes_the_mails(spam):
    blocks = run_step(SECTION, "pictures", **SMALL)
    assert [b for b in blocks if not isinstance(b, Progress)] == [
        b for b in spam if not isinstance(b, Progress)
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere", "no such data: .*nowhere"),
        (lambda folder: folder, "has no folder 'train'"),
    ],
)
def test_a_wrong_folder_ends_the_run_with_one_sentence_and_no_outcome(tmp_path, make, message):
    run = real_case.compare_networks(0.5, True, 100, 2, 3, str(make(tmp_path)))
    assert isinstance(next(run), Progress)
    with pytest.raises(DataError, match=message):
        next(run)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    write_pictures(tmp_path)
    (tmp_path / "train" / "cat" / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cannot read the picture .*0\.png"):
        list(real_case.compare_networks(0.5, True, 100, 2, 3, str(tmp_path)))


@pytest.mark.parametrize(("given", "choice"), [({}, 2), ({"p": 0, "norm": False}, 0)])
def test_answers_wobble_in_training_mode_where_there_is_dropout_or_batch_norm(given, choice):
    assert outcome_of(run_step(SECTION, "single-mails", **given)).choice == choice


def test_an_answer_has_flipped_where_it_is_on_the_other_side():
    answers = single_mails.Answers(
        torch.tensor([0.9, 0.2, 0.6]),
        torch.tensor([[0.8, 0.7, 0.1], [0.7, 0.1, 0.2]]),
        torch.zeros(3),
        0.0,
    )
    assert answers.flips.tolist() == [0, 1, 2]
    assert single_mails._outcome(answers).choice == 2


def test_batch_norm_alone_leaves_traces_of_being_asked(mails):
    means, probabilities = (float(row[1].text) for row in tables_of(mails)[-1].rows)
    assert means > 0
    assert probabilities > 0
    dropout_alone = tables_of(run_step(SECTION, "single-mails", norm=False))[-1]
    assert [row[1].text for row in dropout_alone.rows] == ["0", "0"]


def test_asking_leaves_the_model_itself_alone():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    single_mails.ask(model, torch.randn(10, 4), 5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training


def test_the_answers_in_evaluation_are_those_of_the_network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    x = torch.randn(10, 4)
    answers = single_mails.ask(model, x, 5)
    model.eval()
    logits = model(x).detach()
    expected = torch.sigmoid(logits[:, 1] - logits[:, 0])
    assert torch.allclose(answers.evaluation, expected, atol=1e-6)
    assert answers.training.shape == (single_mails.DRAWS, 10)
    assert not torch.equal(answers.training[0], answers.training[1])


def test_the_measurements_have_the_names_of_the_datas_file(mails):
    names = single_mails.feature_names()
    assert len(names) == load("spam").examples.x.shape[1]
    table = Path(bundled.__file__).with_name("spambase.csv.gz")
    with gzip.open(table, "rt") as file:
        head = next(csv.reader(file))
    assert names[0] == head[0].removeprefix("word_freq_") == "make"
    assert [name for name in names if "run of capitals" in name] == list(names[-3:])
    shown = texts_of(tables_of(mails)[0], "e-mail 1")[1]
    assert any(shown.startswith(name) for name in names)
