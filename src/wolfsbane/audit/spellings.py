"""How operations are spelt: which classes, functions, methods and aten operators are of a kind.

One table for all three channels. No torch is imported.
"""

from collections.abc import Mapping

LAYER_PACKAGES = (
    "torch.nn",
    "wolfsbane.nn",
    "torch.ao.nn",
    "timm.layers",
    "timm.models.layers",
    "torchvision.ops",
    "apex.parallel",
)
FUNCTION_PACKAGES = (
    "torch.nn.functional",
    "torch",
    "torch.special",
    "wolfsbane.functional",
    "torch.ops.aten",
    "torch._C._nn",
)

CLASSES_BY_KIND: Mapping[str, str] = {
    "dropout": "Dropout",
    "dropout1d": "Dropout1d",
    "dropout2d": "Dropout2d",
    "dropout3d": "Dropout3d",
    "alpha_dropout": "AlphaDropout",
    "feature_alpha_dropout": "FeatureAlphaDropout",
    "drop_path": "DropPath StochasticDepth",
    "batch_norm": (
        "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d "
        "SyncBatchNorm"
    ),
    "layer_norm": "LayerNorm",
    "group_norm": "GroupNorm",
    "rms_norm": "RMSNorm",
    "instance_norm": "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
    "local_response_norm": "LocalResponseNorm",
    "linear": "Linear LazyLinear",
    "bilinear": "Bilinear",
    "conv": "Conv1d Conv2d Conv3d LazyConv1d LazyConv2d LazyConv3d",
    "conv_transpose": (
        "ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConvTranspose1d "
        "LazyConvTranspose2d LazyConvTranspose3d"
    ),
    "embedding": "Embedding EmbeddingBag",
    "recurrent": "RNN LSTM GRU",
    "multi_head_attention": "MultiheadAttention",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "rrelu": "RReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "softplus": "Softplus",
    "hardswish": "Hardswish",
    "softshrink": "Softshrink",
    "hardshrink": "Hardshrink",
    "tanhshrink": "Tanhshrink",
    "threshold": "Threshold",
    "logsigmoid": "LogSigmoid",
    "glu": "GLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "hardsigmoid": "Hardsigmoid",
    "hardtanh": "Hardtanh",
    "softsign": "Softsign",
    "snake": "Snake",
    "swiglu": "SwiGLU",
    "geglu": "GEGLU",
    "relu_squared": "ReLUSquared",
    "squareplus": "Squareplus",
    "maxout": "Maxout",
    "crelu": "CReLU",
    "xielu": "XIELU",
    "softmax": "Softmax Softmax2d Softmin",
    "log_softmax": "LogSoftmax",
    "sparsemax": "Sparsemax",
    "flatten": "Flatten",
    "unflatten": "Unflatten",
    "identity": "Identity",
    "max_pool": (
        "MaxPool1d MaxPool2d MaxPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d"
    ),
    "avg_pool": (
        "AvgPool1d AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d"
    ),
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "bce": "BCELoss",
    "bce_with_logits": "BCEWithLogitsLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "kl_div": "KLDivLoss",
    "soft_margin_loss": "SoftMarginLoss",
    "multilabel_soft_margin_loss": "MultiLabelSoftMarginLoss",
    "multi_margin_loss": "MultiMarginLoss",
    "ctc_loss": "CTCLoss",
    "poisson_nll_loss": "PoissonNLLLoss",
    "gaussian_nll_loss": "GaussianNLLLoss",
    "sequential": "Sequential",
    "module_list": "ModuleList",
    "module_dict": "ModuleDict",
}
"""Layers and losses: the names of their classes in LAYER_PACKAGES, by kind."""

FUNCTIONS_BY_KIND: Mapping[str, str] = {
    "dropout": "dropout dropout_ native_dropout",
    "dropout2d": "feature_dropout dropout2d",
    "dropout1d": "dropout1d",
    "dropout3d": "dropout3d",
    "alpha_dropout": "alpha_dropout alpha_dropout_",
    "feature_alpha_dropout": "feature_alpha_dropout",
    "drop_path": "drop_path stochastic_depth",
    "batch_norm": "batch_norm native_batch_norm cudnn_batch_norm sync_batch_norm",
    "layer_norm": "layer_norm",
    "group_norm": "group_norm",
    "instance_norm": "instance_norm",
    "rms_norm": "rms_norm",
    "local_response_norm": "local_response_norm",
    "linear": "linear addmm",
    "bilinear": "bilinear",
    "embedding": "embedding embedding_bag",
    "conv": "conv1d conv2d conv3d convolution",
    "conv_transpose": "conv_transpose1d conv_transpose2d conv_transpose3d",
    "recurrent": "lstm gru rnn_tanh rnn_relu",
    "attention": "scaled_dot_product_attention",
    "multi_head_attention": "multi_head_attention_forward",
    "relu": "relu relu_ clamp_min clamp_min_",
    "relu6": "relu6",
    "leaky_relu": "leaky_relu leaky_relu_",
    "prelu": "prelu",
    "rrelu": "rrelu rrelu_",
    "elu": "elu elu_",
    "selu": "selu selu_",
    "celu": "celu celu_",
    "gelu": "gelu",
    "silu": "silu silu_",
    "mish": "mish mish_",
    "softplus": "softplus",
    "hardswish": "hardswish hardswish_",
    "softshrink": "softshrink",
    "hardshrink": "hardshrink",
    "tanhshrink": "tanhshrink",
    "threshold": "threshold threshold_",
    "logsigmoid": "logsigmoid log_sigmoid",
    "glu": "glu",
    "sigmoid": "sigmoid sigmoid_ expit",
    "tanh": "tanh tanh_",
    "hardsigmoid": "hardsigmoid hardsigmoid_",
    "hardtanh": "hardtanh hardtanh_",
    "softsign": "softsign",
    "softmax": "softmax _softmax softmin gumbel_softmax",
    "log_softmax": "log_softmax _log_softmax",
    "sparsemax": "sparsemax",
    "flatten": "flatten",
    "reshape": "reshape",
    "view": "view",
    "squeeze": "squeeze",
    "unsqueeze": "unsqueeze",
    "permute": "permute",
    "transpose": "transpose",
    "contiguous": "contiguous",
    "clone": "clone",
    "detach": "detach",
    "to": "to",
    "float": "float",
    "double": "double",
    "half": "half",
    "cuda": "cuda",
    "cpu": "cpu",
    "type_as": "type_as",
    "type": "type",
    "expand": "expand",
    "movedim": "movedim",
    "view_as": "view_as",
    "unflatten": "unflatten",
    "select": "select",
    "max_pool": (
        "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d "
        "adaptive_max_pool3d"
    ),
    "avg_pool": (
        "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d "
        "adaptive_avg_pool3d"
    ),
    "cross_entropy": "cross_entropy cross_entropy_loss",
    "nll_loss": "nll_loss",
    "bce": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
    "mse_loss": "mse_loss",
    "l1_loss": "l1_loss",
    "smooth_l1_loss": "smooth_l1_loss",
    "huber_loss": "huber_loss",
    "kl_div": "kl_div",
    "ctc_loss": "ctc_loss",
    "soft_margin_loss": "soft_margin_loss",
    "multilabel_soft_margin_loss": "multilabel_soft_margin_loss",
    "multi_margin_loss": "multi_margin_loss",
    "poisson_nll_loss": "poisson_nll_loss",
    "gaussian_nll_loss": "gaussian_nll_loss",
    "add": "add add_",
    "sub": "sub sub_",
    "mul": "mul mul_",
    "div": "div div_",
    "matmul": "matmul bmm mm baddbmm einsum",
    "masked_fill": "masked_fill masked_fill_",
    "cat": "cat",
    "stack": "stack",
    "mean": "mean",
    "sum": "sum",
    "max": "max",
    "argmax": "argmax",
}
"""Functions, methods of a tensor and aten operators: their last names, by kind."""


def _by_name(by_kind: Mapping[str, str]) -> dict[str, str]:
    return {name: kind for kind, names in by_kind.items() for name in names.split()}


CLASSES: Mapping[str, str] = _by_name(CLASSES_BY_KIND)
"""By the name of a layer's class, its kind."""

FUNCTIONS: Mapping[str, str] = _by_name(FUNCTIONS_BY_KIND)
"""By the last name of a function, its kind."""


def kind_of_class(qualified: str) -> str | None:
    """Return what a class does, from its full name.

    Examples:
        >>> kind_of_class("torch.nn.modules.dropout.Dropout2d")
        'dropout2d'
        >>> kind_of_class("mine.Dropout2d") is None
        True
    """
    package, _, name = qualified.rpartition(".")
    kind = CLASSES.get(name)
    return kind if kind is not None and _is_within(package, LAYER_PACKAGES) else None


def kind_of_function(qualified: str) -> str | None:
    """Return what a function does, from its full name.

    Examples:
        >>> kind_of_function("torch.nn.functional.dropout")
        'dropout'
        >>> kind_of_function("numpy.mean") is None
        True
    """
    package, _, name = qualified.rpartition(".")
    kind = FUNCTIONS.get(name)
    if kind is None or package in FUNCTION_PACKAGES:
        return kind
    return kind if _is_within(package, LAYER_PACKAGES) else None


def _is_within(package: str, packages: tuple[str, ...]) -> bool:
    return any(package == known or package.startswith(f"{known}.") for known in packages)
