"""Batch norm: what it normalises, its running statistics, small batches."""

ORDER: tuple[str, ...] = (
    "argument",
    "axis",
    "channels",
    "scale_and_shift",
    "evaluation",
    "first_batch",
    "keras_momentum",
    "no_grad",
    "evaluated_in_train_mode",
    "batch_of_one",
    "bias_before",
    "weight_decay",
    "frozen",
    "variances",
)
