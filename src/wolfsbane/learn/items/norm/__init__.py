"""Batch norm: what it normalises, its running statistics, small batches."""

ORDER: tuple[str, ...] = ()
