"""Seeds of the search and seeds of the proof, which never meet."""

PROOF_OFFSET = 1 << 20
"""More seeds than a search uses lie between its first and the proof's first."""


def search_seed(first: int, index: int) -> int:
    """Return a seed whose trainings choose the configuration."""
    return first + index


def proof_seed(first: int, index: int) -> int:
    """Return a seed whose trainings measure the gain, and had no part in the choice."""
    return first + PROOF_OFFSET + index
