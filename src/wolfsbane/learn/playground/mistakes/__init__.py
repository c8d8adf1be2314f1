"""The "break it" menu: mistakes that the auditor's rules name, each an edit of the program."""

from wolfsbane.learn.playground.mistakes import activations, dropouts, modes, norms
from wolfsbane.learn.playground.mistakes.mistake import Mistake

MISTAKES: tuple[Mistake, ...] = (
    *modes.MISTAKES,
    *dropouts.MISTAKES,
    *norms.MISTAKES,
    *activations.MISTAKES,
)
"""In the order of the menu."""


def find_mistake(name: str) -> Mistake | None:
    """Return the mistake with this name; None where it is empty."""
    return next((mistake for mistake in MISTAKES if mistake.name == name), None)
