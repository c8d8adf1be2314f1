"""Section 8, single e-mails: one network's answers in evaluation mode, and in training mode."""

import copy
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import torch
from torch import Tensor, nn

from wolfsbane.experiment.data import Examples, load
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import Block, Cell, Mark, Outcome, Progress, Table
from wolfsbane.learn.experiments.figures import figure
from wolfsbane.learn.experiments.reproducible import reproducible
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import Recipe, build, prepare, train

TRAIN_SIZE = 500
EPOCHS = 30
ASKED = 200
SHOWN = 6
DRAWS = 20
UNUSUAL = 3
"""Measurements that are named of each e-mail: those farthest from the mean."""
ONE_IN_TEN = 0.1
SPAM = 1


@dataclass(frozen=True)
class Answers:
    """Probabilities of spam, (times asked, e-mails).

    Attributes:
        evaluation: in evaluation mode, before anything else.
        training: in training mode, with another mask and other company each time.
        afterwards: in evaluation mode once more.
        moved: by how much the running means have moved, at most; 0 without batch norm.
    """

    evaluation: Tensor
    training: Tensor
    afterwards: Tensor
    moved: float

    @property
    def flips(self) -> Tensor:
        """How often each e-mail's answer in training mode is not that of evaluation mode."""
        return ((self.training > 1 / 2) != (self.evaluation > 1 / 2)).sum(0)


def single_mails(
    p: float, norm: bool, batch_size: int, seed: int, epochs: int = EPOCHS
) -> Iterator[Block]:
    """Train on spam, then ask the same network about the same e-mails again and again."""
    yield Progress(0, epochs + 1, "reading the e-mails")
    data, _ = prepare(load("spam"), TRAIN_SIZE, 0.0, seed)
    model = build(NetworkOptions(dropout=p, batchnorm=norm), data, seed)
    for epoch in train(model, data, Recipe(epochs), seed):
        yield Progress(epoch, epochs + 1, f"epoch {epoch} of {epochs}")
    mails = data.test[torch.arange(ASKED)]
    with reproducible(seed):
        answers = ask(model, mails.x, batch_size)
    yield Progress(epochs + 1, epochs + 1, "asked")
    yield _features_table(mails)
    yield _answers_table(mails, answers)
    yield _afterwards_table(answers)
    yield _outcome(answers)


def ask(model: nn.Module, mails: Tensor, batch_size: int) -> Answers:
    """Ask a copy of the model in both modes; in training mode in batches that are drawn anew."""
    model = copy.deepcopy(model)
    before = _running_means(model)
    evaluation = _probabilities(model.eval(), mails)
    model.train()
    drawn = []
    for _ in range(DRAWS):
        order = torch.randperm(len(mails))
        answers = torch.empty(len(mails))
        for index in order.tensor_split(len(mails) // batch_size):
            answers[index] = _probabilities(model, mails[index])
        drawn.append(answers)
    moved = (_running_means(model) - before).abs().max().item() if len(before) else 0.0
    return Answers(evaluation, torch.stack(drawn), _probabilities(model.eval(), mails), moved)


def _probabilities(model: nn.Module, mails: Tensor) -> Tensor:
    with torch.no_grad():
        probabilities: Tensor = model(mails).softmax(1)[:, SPAM]
    return probabilities


def _running_means(model: nn.Module) -> Tensor:
    means = [value for name, value in model.named_buffers() if name.endswith("running_mean")]
    return torch.cat(means).clone() if means else torch.empty(0)


def feature_names() -> tuple[str, ...]:
    """Return the names of the 57 measurements, from the head of the data's file."""
    resource = files("wolfsbane.experiment.data") / "spambase.csv.gz"
    with resource.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as lines:
        names = lines.readline().strip().split(",")[:-1]
    return tuple(
        name.replace("word_freq_", "")
        .replace("char_freq_", "")
        .replace("capital_run_length", "run of capitals")
        .replace("_", " ")
        for name in names
    )


def _features_table(mails: Examples) -> Table:
    names = feature_names()
    rows = []
    for place in range(SHOWN):
        farthest = mails.x[place].abs().topk(UNUSUAL).indices.tolist()
        unusual = ", ".join(f"{names[each]} {mails.x[place, each]:+.1f}" for each in farthest)
        rows.append(row(f"e-mail {place + 1}", (_label(mails, place), unusual)))
    return Table(
        f"The first {SHOWN} of {ASKED} test e-mails, and their most unusual measurements: how many "
        "deviations each frequency lies from the mean of the training e-mails",
        ("", "is", "measurements"),
        tuple(rows),
    )


def _label(mails: Examples, place: int) -> str:
    return "spam" if mails.y[place] == SPAM else "not spam"


def _answers_table(mails: Examples, answers: Answers) -> Table:
    rows = []
    for place in range(SHOWN):
        drawn = answers.training[:, place]
        flips = int(answers.flips[place])
        rows.append(
            row(
                f"e-mail {place + 1}",
                (
                    _label(mails, place),
                    number(answers.evaluation[place].item(), 3),
                    f"{drawn.min():.3f} to {drawn.max():.3f}",
                    Cell(f"{flips} of {DRAWS}", Mark.CHANGED if flips else Mark.NONE),
                ),
            )
        )
    return Table(
        f"The probability of spam that the network gives: once in evaluation mode, {DRAWS} times "
        "in training mode",
        ("", "is", "evaluation", "training", "other answer than in evaluation"),
        tuple(rows),
    )


def _afterwards_table(answers: Answers) -> Table:
    change = (answers.afterwards - answers.evaluation).abs().max().item()
    return Table(
        "What being asked in training mode, under no_grad, has left behind",
        ("", "largest change"),
        (
            row("running means of batch norm", [figure(answers.moved)]),
            row("probabilities in evaluation mode", [figure(change)]),
        ),
    )


def _outcome(answers: Answers) -> Outcome:
    changed = int((answers.flips > 0).sum())
    total = answers.flips.numel()
    choice = 0 if changed == 0 else 1 if changed <= ONE_IN_TEN * total else 2
    return Outcome(
        choice,
        f"Of {total} e-mails {changed} got another answer at least once in {DRAWS} times.",
    )
