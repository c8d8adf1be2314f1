"""Two columns: what the same batch becomes in training mode and in evaluation mode."""

from collections.abc import Iterator

from torch import Tensor
from torch.nn import Module
from torch.nn import functional as F

from wolfsbane.audit.source.check import check_source
from wolfsbane.learn.blocks import Block, Cell, Printed, Table, Text
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.playground.building import Built, build, train_steps
from wolfsbane.learn.playground.looking import Look, look
from wolfsbane.learn.playground.naming import introduction, named
from wolfsbane.learn.playground.program import program_of
from wolfsbane.learn.playground.setup import Setup, setup_of
from wolfsbane.learn.playground.tables import MODES, layer_tables, number, overview
from wolfsbane.learn.practice.running import FILE
from wolfsbane.learn.practice.tracebacks import error_text


def inspect(**given: object) -> Iterator[Block]:
    """Yield what a batch is, layer by layer, in both modes: the first of the training examples.

    The network is as it was made, or as it is after the setup's number of training steps. Looking
    changes nothing: not the running statistics, nor any random number.

    Args:
        given: a setup, as `read_setup` returns it.
    """
    setup = setup_of(given)
    program = program_of(setup)
    yield Printed(program, "", key="program")
    yield from introduction(setup)
    try:
        built = build(program, setup)
        train_steps(built, setup.steps)
    except Exception as error:  # noqa: BLE001  # mistakes raise; the error is what is to be seen
        yield Printed("", "", error_text(error, FILE), key="error")
    else:
        yield from _columns(built, setup)
    for finding in check_source(program, FILE):
        yield named(finding)


def _columns(built: Built, setup: Setup) -> Iterator[Block]:
    x, y = (each[: setup.batch_size] for each in built.train_data)
    looks = []
    for mode in MODES:
        try:
            seen = look(built.model, x, training=mode == "train", seed=setup.seed)
        except Exception as error:  # noqa: BLE001  # batch norm of one example, for one
            yield Printed("", "", f"In {mode} mode: {error_text(error, FILE)}", key="error")
            return
        looks.append(seen)
    yield _answers(looks, y, setup.steps)
    yield overview(looks)
    yield from layer_tables(looks)
    yield _unchanged(built.model)


def _answers(looks: list[Look], y: Tensor, steps: int) -> Table:
    """Return the loss and accuracy of the batch in both modes."""
    losses = [float(F.cross_entropy(each.logits, y)) for each in looks]
    accuracies = [float((each.logits.argmax(1) == y).float().mean()) for each in looks]
    after = "as it was made" if steps == 0 else f"after {steps} training steps"
    return Table(
        f"The same {len(y)} examples in both modes; the network {after}",
        ("mode", *MODES),
        (
            (Cell("loss"), *(Cell(number(loss)) for loss in losses)),
            (Cell("accuracy"), *(Cell(percent(accuracy)) for accuracy in accuracies)),
        ),
        "answers",
    )


def _unchanged(model: Module) -> Text:
    mode = "training" if model.training else "evaluation"
    return Text(
        f"The look used two copies. The network itself is unchanged, and still in {mode} mode.",
        "unchanged",
    )
