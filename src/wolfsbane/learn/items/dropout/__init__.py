"""Dropout: what it is for, what it does in either mode, its rate."""

ORDER: tuple[str, ...] = (
    "welcome",
    "purpose",
    "syntax",
    "evaluation",
    "no_effect",
    "training_only",
    "rate_meaning",
    "scale",
    "expectation",
    "no_grad",
    "seeds",
    "gradient",
    "channels",
    "extremes",
    "saved",
)
