"""What operations are called: one word for each kind, whatever the library and the spelling.

A rule speaks of "dropout" or "softmax"; `spellings` says what of a library that is. Here are the
words that rules group kinds by.
"""

ELEMENT_DROPOUT = "dropout"
CHANNEL_DROPOUTS = ("dropout1d", "dropout2d", "dropout3d")
DROPOUTS = frozenset(
    {"dropout", *CHANNEL_DROPOUTS, "alpha_dropout", "feature_alpha_dropout", "drop_path"}
)
"""Kinds that drop something in training, and nothing in evaluation."""

BATCH_NORMS = frozenset({"batch_norm"})
OTHER_NORMS = frozenset(
    {"layer_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm"}
)
NORMS = BATCH_NORMS | OTHER_NORMS
WEIGHTED = frozenset({"linear", "conv", "conv_transpose", "bilinear", "embedding", "recurrent"})
"""Kinds with a weight that mixes features."""

AFFINE = frozenset({"linear", "conv", "conv_transpose"})
SATURATING = frozenset({"sigmoid", "tanh", "hardsigmoid", "hardtanh", "softsign"})
RECTIFIERS = frozenset({"relu", "relu6"})
"""Kinds that are never negative, and whose gradient is zero below zero."""

ACTIVATIONS = (
    RECTIFIERS
    | SATURATING
    | {
        "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus",
        "hardswish", "softshrink", "hardshrink", "tanhshrink", "threshold", "logsigmoid", "glu",
        "snake", "swiglu", "geglu", "relu_squared", "squareplus", "maxout", "crelu", "xielu",
    }
)  # fmt: skip
PROBABILITIES = frozenset({"softmax", "log_softmax", "sigmoid", "logsigmoid", "sparsemax"})
SHAPE_ONLY = frozenset(
    {
        "flatten", "reshape", "view", "squeeze", "unsqueeze", "permute", "transpose", "contiguous",
        "identity", "to", "clone", "detach", "float", "double", "half", "cuda", "cpu", "type",
        "type_as", "expand", "unflatten", "movedim", "view_as", "select",
    }
)  # fmt: skip
"""Kinds that move numbers about, and change none."""

POOLS = frozenset({"max_pool", "avg_pool", "lp_pool"})

CROSS_ENTROPY = "cross_entropy"
BCE_WITH_LOGITS = "bce_with_logits"
LOSSES = frozenset(
    (  # noqa: SIM905
        "cross_entropy bce_with_logits nll_loss bce mse_loss l1_loss smooth_l1_loss huber_loss "
        "kl_div soft_margin_loss multilabel_soft_margin_loss multi_margin_loss ctc_loss "
        "poisson_nll_loss gaussian_nll_loss"
    ).split()
)
