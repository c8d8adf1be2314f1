"""What is to be as good as possible, and in which state of the network."""

import difflib
from dataclasses import dataclass

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.experiment.measures import Epoch

BETTER_WHEN_HIGHER = {"nll": False, "accuracy": True}
"""What wolfsbane measures itself and can select by: on validation data."""

OTHER_NAMES = {
    "acc": "accuracy",
    "cross_entropy": "nll",
    "error": "accuracy",
    "log_loss": "nll",
    "loss": "nll",
}
"""What others call it."""

DIRECTIONS = {"minimize": False, "maximize": True}
"""Optuna's words, and whether higher is better."""

EPOCHS = {"last": Epoch.LAST, "best": Epoch.BEST}

PARTS = ("train_", "validation_", "val_", "test_")


@dataclass(frozen=True)
class Objective:
    """A metric on validation data.

    Attributes:
        name: without the part of the data: "nll" is `validation_nll` in selection, `test_nll` in
            the proof.
        higher_is_better: the direction of a gain.
        epoch: after the last epoch, or at the one with the best validation metric.
    """

    name: str = "nll"
    higher_is_better: bool = False
    epoch: Epoch = Epoch.LAST


def make_objective(
    name: str = "nll", epoch: str | Epoch = "last", direction: str | None = None
) -> Objective:
    """Check what is to be as good as possible.

    Args:
        name: "nll", "accuracy", or a metric that the user's own training loop returns.
        epoch: "last", or "best": the one with the best validation metric, as early stopping has it.
        direction: "minimize" or "maximize", for a metric of the user's own.

    Raises:
        ArgumentError: there is no such metric, epoch or direction.
        ArgumentTypeError: `name` is no text.

    Examples:
        >>> make_objective("accuracy").higher_is_better
        True
        >>> make_objective("f1", direction="maximize").name
        'f1'
        >>> make_objective("acuracy")
        Traceback (most recent call last):
            ...
        wolfsbane.errors.ArgumentError: unknown objective 'acuracy': did you mean 'accuracy'? \
There are: nll, accuracy. A metric of your own training loop needs direction=...
    """
    if not isinstance(name, str):
        raise ArgumentTypeError(
            f"objective is the name of a metric, such as 'nll' or 'accuracy', but got {name!r}"
        )
    return Objective(name, _is_better_when_higher(name, direction), _epoch(epoch))


def _is_better_when_higher(name: str, direction: str | None) -> bool:
    if direction is not None and direction not in DIRECTIONS:
        raise ArgumentError(f"direction is 'minimize' or 'maximize', but got {direction!r}")
    known = BETTER_WHEN_HIGHER.get(name)
    if known is not None:
        if direction is not None and DIRECTIONS[direction] is not known:
            better = "higher" if known else "lower"
            raise ArgumentError(
                f"direction={direction!r} for {name}, which is better when {better}. Leave it out"
            )
        return known
    part = next((part for part in PARTS if name.startswith(part)), None)
    if part is not None:
        bare = name.removeprefix(part)
        raise ArgumentError(
            f"objective {name!r} names a part of the data. Give objective={bare!r}: validation_"
            f"{bare} chooses, test_{bare} proves"
        )
    if direction is None or not name:
        raise _unknown(name)
    return DIRECTIONS[direction]


def _unknown(name: str) -> ArgumentError:
    known = list(BETTER_WHEN_HIGHER)
    meant = OTHER_NAMES.get(name.lower()) or next(
        iter(difflib.get_close_matches(name.lower(), known, n=1)), None
    )
    hint = f": did you mean {meant!r}?" if meant else "."
    return ArgumentError(
        f"unknown objective {name!r}{hint} There are: {', '.join(known)}. A metric of your own "
        'training loop needs direction="minimize" or "maximize"'
    )


def _epoch(epoch: str | Epoch) -> Epoch:
    if isinstance(epoch, Epoch):
        return epoch
    if epoch not in EPOCHS:
        raise ArgumentError(f"epoch is 'last' or 'best', but got {epoch!r}")
    return EPOCHS[epoch]
