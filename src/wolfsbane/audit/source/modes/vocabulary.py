"""Which calls set a mode, which return the model they are given, which make an optimizer."""

import re

SAME_MODEL = frozenset(
    {"to", "cuda", "cpu", "float", "half", "double", "bfloat16", "share_memory", "requires_grad_"}
    | {"apply", "type", "xpu", "to_empty", "compile", "unwrap_model", "unwrap"}
)
"""Methods of a module, or of a launcher, that return that module."""

WRAPPERS = frozenset(
    {"DataParallel", "DistributedDataParallel", "DDP", "FullyShardedDataParallel", "FSDP"}
    | {"compile", "script", "convert_sync_batchnorm", "convert_model", "weight_norm"}
    | {"spectral_norm", "data_parallel", "AveragedModel", "unwrap_model", "cast"}
)
"""Functions that return the module they are given first, wrapped."""

PREPARERS = frozenset({"prepare", "setup", "initialize", "prepare_model"})
"""Launchers' methods that return what they are given, in its order: accelerate, fabric, apex."""

ABOUT_A_MODEL = frozenset(
    {
        "parameters",
        "named_parameters",
        "buffers",
        "named_buffers",
        "state_dict",
        "modules",
        "children",
    }
    | {"named_modules", "named_children", "load_state_dict", "zero_grad", "register_buffer"}
    | {
        "register_forward_hook",
        "add_module",
        "register_module",
        "register_parameter",
        "get_parameter",
    }
    | {"get_submodule", "named", "extra_repr", "save_pretrained", "push_to_hub", "add_argument"}
    | {"gradient_checkpointing_enable", "no_sync", "append", "extend", "update", "items", "keys"}
    | {"values", "size", "get", "pop", "log", "info", "format", "join", "write"}
)
"""Methods that neither run a model nor set its mode."""

PARTS = frozenset({"modules", "children", "named_modules", "named_children"})
PARAMETERS = frozenset({"parameters", "named_parameters"})

NO_GRAD = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad"}
    | {"torch.autograd.inference_mode", "torch.autograd.grad_mode.no_grad"}
)
GRAD = frozenset({"torch.enable_grad", "torch.autograd.enable_grad"})
SET_GRAD = frozenset({"torch.set_grad_enabled", "torch.autograd.set_grad_enabled"})

OPTIMIZERS = frozenset(
    {"SGD", "Adam", "AdamW", "Adamax", "Adagrad", "Adadelta", "NAdam", "RAdam", "RMSprop", "Rprop"}
    | {"LBFGS", "SparseAdam", "ASGD", "Adafactor", "Lamb", "LARS", "LAMB", "Lion", "Muon"}
    | {"create_optimizer_v2"}
)
OPTIMIZER = re.compile(r"opt(im|$|_|s$)|^o?pt$|solver", re.IGNORECASE)
SCHEDULER = re.compile(r"sched|warmup|lr_", re.IGNORECASE)

HARMLESS = re.compile(
    r"loss|criterion|objective|save|checkpoint|summary|count|clip|param|print|repr|optim|sched|ema"
    r"|freeze|init|seed|len|isinstance|hasattr|getattr|type|id|str|watch|norm|penalty|device|state",
    re.IGNORECASE,
)
"""Functions, by name, that are given a model and leave its mode alone."""

READY_MADE = re.compile(r"^(torchvision\.models\.|timm\.create_model$)")
"""Functions that make a model with batch norm or dropout, in training mode."""
