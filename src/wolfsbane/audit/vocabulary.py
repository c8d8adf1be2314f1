"""What operations are called: one word for each kind, whatever the library and the spelling.

A rule speaks of "dropout" or "softmax". Which classes, functions, methods and aten operators that
means is told here, once, for all three channels. No torch is imported.
"""

from collections.abc import Mapping

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
    {
        CROSS_ENTROPY,
        BCE_WITH_LOGITS,
        "nll_loss",
        "bce",
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "kl_div",
        "soft_margin_loss",
        "multilabel_soft_margin_loss",
        "multi_margin_loss",
        "ctc_loss",
        "poisson_nll_loss",
        "gaussian_nll_loss",
    }
)

LAYER_PACKAGES = (
    "torch.nn",
    "wolfsbane.nn",
    "torch.ao.nn",
    "timm.layers",
    "timm.models.layers",
    "torchvision.ops",
    "apex.parallel",
    "lightning",
    "flax",
)
FUNCTION_PACKAGES = (
    "torch.nn.functional",
    "torch",
    "torch.special",
    "wolfsbane.functional",
    "torch.ops.aten",
    "torch._C._nn",
)

CLASSES: Mapping[str, str] = {
    "Dropout": "dropout", "Dropout1d": "dropout1d", "Dropout2d": "dropout2d", "Dropout3d": "dropout3d",
    "AlphaDropout": "alpha_dropout", "FeatureAlphaDropout": "feature_alpha_dropout",
    "DropPath": "drop_path", "StochasticDepth": "drop_path",
    "BatchNorm1d": "batch_norm", "BatchNorm2d": "batch_norm", "BatchNorm3d": "batch_norm",
    "LazyBatchNorm1d": "batch_norm", "LazyBatchNorm2d": "batch_norm", "LazyBatchNorm3d": "batch_norm",
    "SyncBatchNorm": "batch_norm",
    "LayerNorm": "layer_norm", "GroupNorm": "group_norm", "RMSNorm": "rms_norm",
    "InstanceNorm1d": "instance_norm", "InstanceNorm2d": "instance_norm", "InstanceNorm3d": "instance_norm",
    "LocalResponseNorm": "local_response_norm",
    "Linear": "linear", "LazyLinear": "linear", "Bilinear": "bilinear",
    "Conv1d": "conv", "Conv2d": "conv", "Conv3d": "conv", "LazyConv1d": "conv", "LazyConv2d": "conv", "LazyConv3d": "conv",
    "ConvTranspose1d": "conv_transpose", "ConvTranspose2d": "conv_transpose", "ConvTranspose3d": "conv_transpose",
    "LazyConvTranspose1d": "conv_transpose", "LazyConvTranspose2d": "conv_transpose", "LazyConvTranspose3d": "conv_transpose",
    "Embedding": "embedding", "EmbeddingBag": "embedding",
    "RNN": "recurrent", "LSTM": "recurrent", "GRU": "recurrent",
    "MultiheadAttention": "multi_head_attention",
    "ReLU": "relu", "ReLU6": "relu6", "LeakyReLU": "leaky_relu", "PReLU": "prelu", "RReLU": "rrelu", "ELU": "elu",
    "SELU": "selu", "CELU": "celu", "GELU": "gelu", "SiLU": "silu", "Mish": "mish", "Softplus": "softplus",
    "Hardswish": "hardswish", "Softshrink": "softshrink", "Hardshrink": "hardshrink", "Tanhshrink": "tanhshrink",
    "Threshold": "threshold", "LogSigmoid": "logsigmoid", "GLU": "glu", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "Hardsigmoid": "hardsigmoid", "Hardtanh": "hardtanh", "Softsign": "softsign",
    "Snake": "snake", "SwiGLU": "swiglu", "GEGLU": "geglu", "ReLUSquared": "relu_squared", "Squareplus": "squareplus",
    "Maxout": "maxout", "CReLU": "crelu", "XIELU": "xielu",
    "Softmax": "softmax", "Softmax2d": "softmax", "LogSoftmax": "log_softmax", "Softmin": "softmax", "Sparsemax": "sparsemax",
    "Flatten": "flatten", "Unflatten": "unflatten", "Identity": "identity",
    "MaxPool1d": "max_pool", "MaxPool2d": "max_pool", "MaxPool3d": "max_pool",
    "AdaptiveMaxPool1d": "max_pool", "AdaptiveMaxPool2d": "max_pool", "AdaptiveMaxPool3d": "max_pool",
    "AvgPool1d": "avg_pool", "AvgPool2d": "avg_pool", "AvgPool3d": "avg_pool",
    "AdaptiveAvgPool1d": "avg_pool", "AdaptiveAvgPool2d": "avg_pool", "AdaptiveAvgPool3d": "avg_pool",
    "CrossEntropyLoss": CROSS_ENTROPY, "NLLLoss": "nll_loss", "BCELoss": "bce", "BCEWithLogitsLoss": BCE_WITH_LOGITS,
    "MSELoss": "mse_loss", "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss",
    "KLDivLoss": "kl_div", "SoftMarginLoss": "soft_margin_loss", "MultiLabelSoftMarginLoss": "multilabel_soft_margin_loss",
    "MultiMarginLoss": "multi_margin_loss", "CTCLoss": "ctc_loss", "PoissonNLLLoss": "poisson_nll_loss",
    "GaussianNLLLoss": "gaussian_nll_loss",
    "Sequential": "sequential", "ModuleList": "module_list", "ModuleDict": "module_dict",
}  # fmt: skip
"""Layers and losses, by the name of their class in LAYER_PACKAGES."""

FUNCTIONS: Mapping[str, str] = {
    "dropout": "dropout", "dropout_": "dropout", "native_dropout": "dropout", "feature_dropout": "dropout2d",
    "dropout1d": "dropout1d", "dropout2d": "dropout2d", "dropout3d": "dropout3d", "alpha_dropout": "alpha_dropout",
    "alpha_dropout_": "alpha_dropout", "feature_alpha_dropout": "feature_alpha_dropout", "drop_path": "drop_path",
    "stochastic_depth": "drop_path",
    "batch_norm": "batch_norm", "native_batch_norm": "batch_norm", "cudnn_batch_norm": "batch_norm", "sync_batch_norm": "batch_norm",
    "layer_norm": "layer_norm", "group_norm": "group_norm", "instance_norm": "instance_norm", "rms_norm": "rms_norm",
    "local_response_norm": "local_response_norm",
    "linear": "linear", "bilinear": "bilinear", "addmm": "linear", "embedding": "embedding", "embedding_bag": "embedding",
    "conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "convolution": "conv",
    "conv_transpose1d": "conv_transpose", "conv_transpose2d": "conv_transpose", "conv_transpose3d": "conv_transpose",
    "lstm": "recurrent", "gru": "recurrent", "rnn_tanh": "recurrent", "rnn_relu": "recurrent",
    "scaled_dot_product_attention": "attention", "multi_head_attention_forward": "multi_head_attention",
    "relu": "relu", "relu_": "relu", "relu6": "relu6", "clamp_min": "relu", "leaky_relu": "leaky_relu", "leaky_relu_": "leaky_relu",
    "prelu": "prelu", "rrelu": "rrelu", "rrelu_": "rrelu", "elu": "elu", "elu_": "elu", "selu": "selu", "selu_": "selu",
    "celu": "celu", "celu_": "celu", "gelu": "gelu", "silu": "silu", "silu_": "silu", "mish": "mish", "mish_": "mish", "softplus": "softplus",
    "hardswish": "hardswish", "hardswish_": "hardswish", "softshrink": "softshrink", "hardshrink": "hardshrink", "tanhshrink": "tanhshrink",
    "threshold": "threshold", "threshold_": "threshold", "logsigmoid": "logsigmoid", "log_sigmoid": "logsigmoid", "glu": "glu",
    "sigmoid": "sigmoid", "sigmoid_": "sigmoid", "expit": "sigmoid", "tanh": "tanh", "tanh_": "tanh",
    "hardsigmoid": "hardsigmoid", "hardsigmoid_": "hardsigmoid", "hardtanh": "hardtanh", "hardtanh_": "hardtanh", "softsign": "softsign",
    "softmax": "softmax", "_softmax": "softmax", "softmin": "softmax", "log_softmax": "log_softmax", "_log_softmax": "log_softmax", "sparsemax": "sparsemax",
    "gumbel_softmax": "softmax",
    "flatten": "flatten", "reshape": "reshape", "view": "view", "squeeze": "squeeze", "unsqueeze": "unsqueeze",
    "permute": "permute", "transpose": "transpose", "contiguous": "contiguous", "clone": "clone", "detach": "detach",
    "to": "to", "float": "float", "double": "double", "half": "half", "cuda": "cuda", "cpu": "cpu", "type_as": "type_as", "type": "type",
    "expand": "expand", "movedim": "movedim", "view_as": "view_as", "unflatten": "unflatten", "select": "select",
    "max_pool1d": "max_pool", "max_pool2d": "max_pool", "max_pool3d": "max_pool",
    "adaptive_max_pool1d": "max_pool", "adaptive_max_pool2d": "max_pool", "adaptive_max_pool3d": "max_pool",
    "avg_pool1d": "avg_pool", "avg_pool2d": "avg_pool", "avg_pool3d": "avg_pool",
    "adaptive_avg_pool1d": "avg_pool", "adaptive_avg_pool2d": "avg_pool", "adaptive_avg_pool3d": "avg_pool",
    "cross_entropy": CROSS_ENTROPY, "cross_entropy_loss": CROSS_ENTROPY, "nll_loss": "nll_loss", "binary_cross_entropy": "bce",
    "binary_cross_entropy_with_logits": BCE_WITH_LOGITS, "mse_loss": "mse_loss", "l1_loss": "l1_loss",
    "smooth_l1_loss": "smooth_l1_loss", "huber_loss": "huber_loss", "kl_div": "kl_div", "ctc_loss": "ctc_loss",
    "soft_margin_loss": "soft_margin_loss", "multilabel_soft_margin_loss": "multilabel_soft_margin_loss",
    "multi_margin_loss": "multi_margin_loss", "poisson_nll_loss": "poisson_nll_loss", "gaussian_nll_loss": "gaussian_nll_loss",
    "add": "add", "add_": "add", "sub": "sub", "sub_": "sub", "mul": "mul", "mul_": "mul", "div": "div", "div_": "div",
    "matmul": "matmul", "bmm": "matmul", "mm": "matmul", "baddbmm": "matmul", "einsum": "matmul",
    "masked_fill": "masked_fill", "masked_fill_": "masked_fill", "cat": "cat", "stack": "stack",
    "mean": "mean", "sum": "sum", "max": "max", "argmax": "argmax",
}  # fmt: skip
"""Functions, and methods of a tensor, by their last name; aten operators have the same ones."""


def kind_of_class(qualified: str) -> str | None:
    """Return what a class does, from its full name.

    Examples:
        >>> kind_of_class("torch.nn.modules.dropout.Dropout2d")
        'dropout2d'
        >>> kind_of_class("mine.Dropout2d") is None
        True
    """
    package, _, name = qualified.rpartition(".")
    return CLASSES.get(name) if _is_within(package, LAYER_PACKAGES) else None


def kind_of_function(qualified: str) -> str | None:
    """Return what a function does, from its full name.

    Examples:
        >>> kind_of_function("torch.nn.functional.dropout")
        'dropout'
        >>> kind_of_function("numpy.mean") is None
        True
    """
    package, _, name = qualified.rpartition(".")
    within = package in FUNCTION_PACKAGES or _is_within(package, LAYER_PACKAGES)
    return FUNCTIONS.get(name) if within else None


def _is_within(package: str, packages: tuple[str, ...]) -> bool:
    return any(package == known or package.startswith(f"{known}.") for known in packages)
