"""The "break it" menu: mistakes that the auditor's rules name, each an edit of the program."""

from wolfsbane.learn.playground.mistakes.mistake import Mistake

MISTAKES: tuple[Mistake, ...] = ()
"""In the order of the menu."""
