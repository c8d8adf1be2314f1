"""Seeds of the search and seeds of the proof, which never meet."""

import operator

from wolfsbane.errors import ArgumentError, ArgumentTypeError

PROOF_OFFSET = 1 << 20
"""More seeds than a search or a proof uses lie between two multiples of it."""

MOST_FIRST_PAIRS = 1000
"""For which seeds are numbers of 32 bits still. More would narrow Student's quantile by 0.1%."""

HIGHEST = (1 << 32) - 1 - (MOST_FIRST_PAIRS + 1) * PROOF_OFFSET
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


def proof_seed(first: int, num_first_pairs: int, index: int) -> int:
    """Return a seed whose trainings measure the gain, and had no part in the choice.

    Each number of first pairs has seeds of its own, so what was fixed before the first of them can
    be read off any of them, and no later budget or precision changes it.
    """
    return first + num_first_pairs * PROOF_OFFSET + index


def first_pairs_of(first: int, seed: int) -> int:
    """Return how many pairs were fixed when a proof with this seed began."""
    return (seed - first) // PROOF_OFFSET
