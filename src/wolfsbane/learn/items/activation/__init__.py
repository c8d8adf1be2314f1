"""Activations: what a network without them cannot do, saturation, dead units."""

ORDER: tuple[str, ...] = (
    "relu",
    "linear_stack",
    "without",
    "ten_sigmoids",
    "centred",
    "dips",
    "saturated",
    "dead",
    "sigmoid_twice",
    "softmax_twice",
    "relu_on_logits",
    "in_place",
)
