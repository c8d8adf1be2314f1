"""Seeds of the search and seeds of the proof, which never meet."""

PROOF_OFFSET = 1 << 20
"""More seeds than a search or a proof uses lie between two multiples of it."""

MOST_FIRST_PAIRS = 1000
"""For which seeds are numbers of 32 bits still. More would narrow Student's quantile by 0.1%."""


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
