"""Seeds of the search and seeds of the proof, which never meet."""

import operator

from wolfsbane.errors import ArgumentError, ArgumentTypeError

PROOF_OFFSET = 1 << 20
"""More seeds than a search uses lie between its first and the proof's first."""

HIGHEST = (1 << 32) - 1 - 2 * PROOF_OFFSET
"""Of the first seeds: scikit-learn and NumPy take seeds of 32 bits, and the proof's are higher."""


def check_first_seed(seed: object) -> int:
    """Return the first seed of a search as an integer, or raise.

    Raises:
        ArgumentTypeError: not an integer (a bool is not one here).
        ArgumentError: out of range.
    """
    wrong = f"seed has to be an integer from 0 to {HIGHEST}, but got {seed!r}"
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise ArgumentTypeError(wrong)
    number = operator.index(seed)
    if not 0 <= number <= HIGHEST:
        raise ArgumentError(wrong)
    return number


def search_seed(first: int, index: int) -> int:
    """Return a seed whose trainings choose the configuration."""
    return first + index


def proof_seed(first: int, index: int) -> int:
    """Return a seed whose trainings measure the gain, and had no part in the choice."""
    return first + PROOF_OFFSET + index
