"""Entries in the databases' form for what they lack: dropout modules, lazy and synchronised batch
norms, and the functions dropout1d and drop_path.
"""

import copy
import itertools
from functools import partial

import torch
from torch.testing import make_tensor
from torch.testing._internal.common_methods_invocations import SampleInput, op_db
from torch.testing._internal.common_modules import (
    ErrorModuleInput,
    FunctionInput,
    ModuleErrorEnum,
    ModuleInfo,
    ModuleInput,
)

import wolfsbane.functional as F
from torch_suite.retarget import MODULE_ENTRIES, retarget_op
from wolfsbane import nn
from wolfsbane.functional.masking import SELU_SATURATION
from wolfsbane.mask import draw_key, keep_mask, scale

MASK_DIMS = {
    nn.Dropout: lambda x: x.dim(),
    nn.Dropout1d: lambda x: x.dim() - 1,
    nn.Dropout2d: lambda _: 2,
    nn.Dropout3d: lambda x: x.dim() - 3,
    nn.AlphaDropout: lambda x: x.dim(),
    nn.FeatureAlphaDropout: lambda _: 2,
    nn.DropPath: lambda _: 1,
}
"""How many leading dimensions of an input x have a decision each, in the mask contract."""

SHAPES = {
    nn.Dropout: ((7, 11), (5,), (), (0, 3), (3, 4, 5, 6), (2, 3, 2, 4, 3)),
    nn.Dropout1d: ((7, 11, 5), (23, 5)),
    nn.Dropout2d: ((7, 11, 3, 5),),
    nn.Dropout3d: ((7, 11, 2, 3, 2), (23, 2, 3, 2)),
    nn.AlphaDropout: ((7, 11), (5,), (), (3, 4, 5, 6)),
    nn.FeatureAlphaDropout: ((7, 11), (7, 11, 3), (3, 4, 5, 6)),
    nn.DropPath: ((23,), (23, 4), (23, 4, 3, 2)),
}

RATES = (0.0, 0.3, 1.0)


def _dropped(module, _, input):
    """The specification: zero, or SELU's saturation value, where the contract's mask drops."""
    if not module.training or module.p == 0:
        return input
    if module.p == 1:
        return torch.zeros_like(input)
    dims = MASK_DIMS[type(module)](input)
    shape = input.shape[:dims] + (1,) * (input.dim() - dims)
    keep = keep_mask(shape, module.p, draw_key(), input.device)
    if not isinstance(module, nn.AlphaDropout | nn.FeatureAlphaDropout):
        return torch.where(keep, input * scale(module.p), 0)
    rate = 1 - 1 / scale(module.p)
    a = ((1 - rate) * (1 + rate * SELU_SATURATION**2)) ** -0.5
    return a * torch.where(keep, input, SELU_SATURATION) - a * rate * SELU_SATURATION


def _dropout_inputs(info, *, device, dtype, requires_grad, **_):
    make_input = partial(make_tensor, device=device, dtype=dtype, requires_grad=requires_grad)
    return [
        ModuleInput(
            constructor_input=FunctionInput(rate),
            forward_input=FunctionInput(make_input(shape)),
            reference_fn=_dropped,
        )
        for rate, shape in itertools.product(RATES, SHAPES[info.module_cls])
    ]


def _dropout_errors(info, *, device, dtype, **_):
    forward_input = FunctionInput(make_tensor((2, 3, 4), device=device, dtype=dtype))
    impossible = [
        ErrorModuleInput(
            ModuleInput(FunctionInput(p), forward_input),
            error_on=ModuleErrorEnum.CONSTRUCTION_ERROR,
            error_type=ValueError,
            error_regex="dropout probability has to be between 0 and 1, but got",
        )
        for p in (-0.1, 1.1)
    ]
    if info.module_cls is not nn.Dropout1d:
        return impossible
    four_dims = FunctionInput(make_tensor((2, 3, 4, 5), device=device, dtype=dtype))
    return [
        *impossible,
        ErrorModuleInput(
            ModuleInput(FunctionInput(0.5), four_dims),
            error_on=ModuleErrorEnum.FORWARD_ERROR,
            error_type=RuntimeError,
            error_regex="dropout1d: Expected 2D or 3D input, but received a 4D input",
        ),
    ]


def _dropout_entry(cls):
    return ModuleInfo(
        cls,
        module_inputs_func=_dropout_inputs,
        module_error_inputs_func=_dropout_errors,
        train_and_eval_differ=True,
    )


def _batch_norm_entry(cls, plain):
    """Return an entry for a batch norm like `plain`, whose inputs the database has."""
    info = next(entry for entry in MODULE_ENTRIES if entry.module_cls is plain)

    def inputs(_, **kwargs):
        made = info.module_inputs_func(info, **kwargs)
        if issubclass(cls, torch.nn.modules.lazy.LazyModuleMixin):
            for module_input in made:
                # All but num_features, which a lazy layer takes from its input.
                module_input.constructor_input.args = module_input.constructor_input.args[1:]
        return made

    return ModuleInfo(cls, module_inputs_func=inputs, train_and_eval_differ=True)


OWN_MODULE_ENTRIES = (
    *map(_dropout_entry, SHAPES),
    _batch_norm_entry(nn.LazyBatchNorm1d, nn.BatchNorm1d),
    _batch_norm_entry(nn.LazyBatchNorm2d, nn.BatchNorm2d),
    _batch_norm_entry(nn.LazyBatchNorm3d, nn.BatchNorm3d),
    _batch_norm_entry(nn.SyncBatchNorm, nn.BatchNorm2d),
)


def _op_entry(name, shapes):
    """Return an entry for a dropout function that op_db lacks: dropout3d's, with other inputs."""
    like = next(info for info in op_db if info.name == "nn.functional.dropout3d")
    entry = retarget_op(like, getattr(F, name))
    entry.name = f"nn.functional.{name}"

    def samples(_, device, dtype, requires_grad, **__):
        for shape, p, training in itertools.product(shapes, RATES, (True, False)):
            input = make_tensor(shape, device=device, dtype=dtype, requires_grad=requires_grad)
            yield SampleInput(input, p=p, training=training)

    entry.sample_inputs_func = samples
    return copy.copy(entry)


OWN_OP_ENTRIES = (
    _op_entry("dropout1d", ((5, 7, 3), (5, 3))),
    _op_entry("drop_path", ((11,), (5, 3, 2))),
)
