"""A training as it goes on: curves, dead units, running statistics; then what the auditor says."""

from collections.abc import Iterator

from wolfsbane.learn.blocks import Block, Printed, Progress
from wolfsbane.learn.playground.curves import Curve, charts
from wolfsbane.learn.playground.mistakes import find_mistake
from wolfsbane.learn.playground.naming import introduction
from wolfsbane.learn.playground.plane import plane
from wolfsbane.learn.playground.program import program_of, sound_program_of
from wolfsbane.learn.playground.setup import Setup, setup_of
from wolfsbane.learn.playground.states import states
from wolfsbane.learn.playground.summary import summary
from wolfsbane.learn.playground.watched import Watched, unwatched

MOST_UPDATES = 40
"""Of the charts in one training: they hold all epochs so far, and are sent as a whole."""


def train(**given: object) -> Iterator[Block]:
    """Yield a training's curves as they grow; with a mistake, beside those of the sound program.

    Args:
        given: a setup, as `read_setup` returns it.
    """
    setup = setup_of(given)
    mistake = find_mistake(setup.mistake)
    yield Printed(program_of(setup), "", key="program")
    yield from introduction(setup)
    curves: list[Curve] = []
    if mistake is not None:
        needed = mistake.needs(setup)
        sound = Watched(sound_program_of(needed), needed)
        curves.append(Curve("sound"))
        yield from _epochs(sound, curves, "Sound program")
    broken = Watched(program_of(setup), setup)
    curves.append(Curve("broken" if mistake else ""))
    yield from _epochs(broken, curves, "Broken program" if mistake else "Training")
    yield from _end(broken, curves, setup)


def _epochs(watched: Watched, curves: list[Curve], name: str) -> Iterator[Block]:
    """Train, with the scores in the last of the curves."""
    curve, total = curves[-1], watched.setup.epochs
    every = -(-total // MOST_UPDATES)
    for scores in watched.run():
        curve.scores.append(scores)
        epoch = len(curve.scores)
        yield Progress(epoch, total, f"{name}: epoch {epoch} of {total}")
        if epoch % every == 0 or epoch == total:
            yield from charts(curves)
            yield from _inside(watched)


def _inside(watched: Watched) -> Iterator[Block]:
    """Yield what is in the network now, where it has layers with a state."""
    built = watched.built
    assert built is not None
    table = unwatched(lambda: states(built, watched.setup))
    if table.rows:
        yield table


def _end(watched: Watched, curves: list[Curve], setup: Setup) -> Iterator[Block]:
    if watched.error:
        yield Printed("", "", watched.error, key="error")
    elif watched.built is not None and setup.data in ("spirals", "moons"):
        yield plane(watched.built)
    yield from watched.findings
    yield summary(watched, curves, find_mistake(setup.mistake))
