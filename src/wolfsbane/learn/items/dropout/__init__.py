"""Dropout: what it is for, what it does in either mode, its rate."""

ORDER: tuple[str, ...] = ()
