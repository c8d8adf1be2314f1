"""Batch norm: what it normalises, its running statistics, small batches."""

ORDER: tuple[str, ...] = (
    "argument",
    "axis",
    "evaluation",
    "first_batch",
    "keras_momentum",
    "batch_of_one",
    "evaluated_in_train_mode",
    "frozen",
)
