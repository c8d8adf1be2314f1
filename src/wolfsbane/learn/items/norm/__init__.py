"""Batch norm: what it normalises, its running statistics, small batches."""

ORDER: tuple[str, ...] = (
    "argument",
    "axis",
    "channels",
    "evaluation",
    "first_batch",
    "keras_momentum",
    "no_grad",
    "evaluated_in_train_mode",
    "batch_of_one",
    "bias_before",
    "frozen",
    "variances",
)
