"""The re-targeting misses nothing: every entry that concerns us is covered, and says so by name."""

import re

import pytest
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

import wolfsbane.functional
import wolfsbane.nn
from torch_suite.applicability import not_applicable
from torch_suite.cases import DEVICES, MODULE_CASES, OP_CASES
from torch_suite.own_entries import OWN_MODULE_ENTRIES
from torch_suite.retarget import MODULE_ENTRIES, OP_ENTRIES, concerns_us, is_reexport

OTHER_FUNCTIONS = {
    "native_batch_norm": "ATen's internal function, which also returns the saved statistics",
    "_native_batch_norm_legit": "ATen's internal function, which also returns the statistics",
    "_batch_norm_with_update": "ATen's internal function, which also returns a reserve",
    "native_dropout_backward": "ATen's internal function, the gradient for a mask that is stored",
    "_softmax_backward_data": "ATen's internal function, the gradient of softmax",
    "torch.ops.aten._safe_softmax.default": "ATen's internal function, softmax for attention",
    "masked.softmax": "torch.masked's function, over the elements that a mask selects",
    "masked.log_softmax": "torch.masked's function, over the elements that a mask selects",
    "masked.softmin": "torch.masked's function, over the elements that a mask selects",
}
"""Entries of op_db with a name like ours that test another function."""

WITHOUT_AN_ENTRY = {
    "dropout1d": "an entry of our own",
    "drop_path": "an entry of our own; torch has no such function",
    "gumbel_softmax": "torch's object, which torch's databases lack",
    "sync_batch_norm": "needs processes; torch has no such function",
    "batch_norm_act_dropout": "torch has no such function: tests/kernels/test_fused.py",
    "bias_act_dropout": "torch has no such function: tests/kernels/test_fused_bias.py",
    "dropout_add": "torch has no such function: tests/kernels/test_dropout_add.py",
    "batch_renorm": "torch has no such function: tests/nn/test_batch_renorm.py",
    "filter_response_norm": "torch has no such function: tests/nn/test_filter_response_norm.py",
    "masked_batch_norm": "torch has no such function: tests/nn/test_masked_batch_norm.py",
    "concrete_dropout": "torch has no such function: tests/functional/test_concrete_dropout.py",
    "drop_block1d": "torch has no such function: tests/functional/test_drop_block.py",
    "drop_block2d": "torch has no such function: tests/functional/test_drop_block.py",
    "drop_block3d": "torch has no such function: tests/functional/test_drop_block.py",
    "gaussian_dropout": "torch has no such function: tests/functional/test_gaussian.py",
    "gaussian_noise": "torch has no such function: tests/functional/test_gaussian.py",
    "locked_dropout": "torch has no such function: tests/functional/test_locked_dropout.py",
    "token_dropout": "torch has no such function: tests/functional/test_token_dropout.py",
    "crelu": "torch has no such function: tests/functional/test_piecewise.py",
    "geglu": "torch has no such function: tests/functional/test_gated.py",
    "maxout": "torch has no such function: tests/functional/test_piecewise.py",
    "relu_squared": "torch has no such function: tests/functional/test_piecewise.py",
    "snake": "torch has no such function: tests/functional/test_snake.py",
    "sparsemax": "torch has no such function: tests/functional/test_sparsemax.py",
    "squareplus": "torch has no such function: tests/functional/test_squareplus.py",
    "swiglu": "torch has no such function: tests/functional/test_gated.py",
    "xielu": "torch has no such function: tests/functional/test_xielu.py",
}
"""Functions of wolfsbane that op_db says nothing about."""

CLASSES_WITHOUT_AN_ENTRY = {
    "ConcreteDropout": "torch has no such class: tests/nn/test_concrete_dropout.py",
    "DropBlock1d": "torch has no such class: tests/functional/test_drop_block.py",
    "DropBlock2d": "torch has no such class: tests/functional/test_drop_block.py",
    "DropBlock3d": "torch has no such class: tests/functional/test_drop_block.py",
    "DropConnect": "torch has no such class: tests/nn/test_drop_connect.py",
    "EmbeddingDropout": "torch has no such class: tests/nn/test_embedding_dropout.py",
    "GaussianDropout": "torch has no such class: tests/functional/test_gaussian.py",
    "GaussianNoise": "torch has no such class: tests/functional/test_gaussian.py",
    "LockedDropout": "torch has no such class: tests/functional/test_locked_dropout.py",
    "TokenDropout": "torch has no such class: tests/functional/test_token_dropout.py",
    "WeightDrop": "torch has no such class: tests/nn/test_weight_drop.py",
    "BatchNormAct1d": "torch has no such class: tests/nn/test_batch_norm_act.py",
    "BatchNormAct2d": "torch has no such class: tests/nn/test_batch_norm_act.py",
    "BatchNormAct3d": "torch has no such class: tests/nn/test_batch_norm_act.py",
    "BatchNormLast": "torch has no such class: tests/nn/test_batch_norm_last.py",
    "BatchRenorm1d": "torch has no such class: tests/nn/test_batch_renorm.py",
    "BatchRenorm2d": "torch has no such class: tests/nn/test_batch_renorm.py",
    "BatchRenorm3d": "torch has no such class: tests/nn/test_batch_renorm.py",
    "FilterResponseNorm1d": "torch has no such class: tests/nn/test_filter_response_norm.py",
    "FilterResponseNorm2d": "torch has no such class: tests/nn/test_filter_response_norm.py",
    "FilterResponseNorm3d": "torch has no such class: tests/nn/test_filter_response_norm.py",
    "FrozenBatchNorm1d": "torch has no such class: tests/nn/test_frozen_batch_norm.py",
    "FrozenBatchNorm2d": "torch has no such class: tests/nn/test_frozen_batch_norm.py",
    "FrozenBatchNorm3d": "torch has no such class: tests/nn/test_frozen_batch_norm.py",
    "GhostBatchNorm1d": "torch has no such class: tests/nn/test_ghost_batch_norm.py",
    "GhostBatchNorm2d": "torch has no such class: tests/nn/test_ghost_batch_norm.py",
    "MaskedBatchNorm1d": "torch has no such class: tests/nn/test_masked_batch_norm.py",
    "BiasActDropout": "torch has no such class: tests/nn/test_bias_act_dropout.py",
    "DropoutAdd": "torch has no such class: tests/nn/test_dropout_add.py",
    "Hardsigmoid": "torch's object; common_nn has it",
    "RReLU": "torch's object; common_nn has it",
    "CReLU": "torch has no such class: tests/nn/test_collection_activations.py",
    "GEGLU": "torch has no such class: tests/nn/test_collection_activations.py",
    "Maxout": "torch has no such class: tests/nn/test_collection_activations.py",
    "ReLUSquared": "torch has no such class: tests/nn/test_collection_activations.py",
    "Snake": "torch has no such class: tests/nn/test_collection_activations.py",
    "Sparsemax": "torch has no such class: tests/nn/test_collection_activations.py",
    "Squareplus": "torch has no such class: tests/nn/test_collection_activations.py",
    "SwiGLU": "torch has no such class: tests/nn/test_collection_activations.py",
    "XIELU": "torch has no such class: tests/nn/test_collection_activations.py",
}
"""Classes of wolfsbane that neither module_db nor our own entries describe."""


def named_like_ours(name):
    words = "|".join(map(re.escape, wolfsbane.functional.__all__))
    return re.search(rf"(^|[._])({words})($|[._])", name) is not None


@pytest.mark.parametrize(
    "name", sorted({info.name for info in op_db if named_like_ours(info.name)})
)
def test_every_op_db_entry_with_a_name_of_ours_is_retargeted(name):
    if name in OTHER_FUNCTIONS:
        not_applicable(f"{name} is {OTHER_FUNCTIONS[name]}")
    wanted = [info.full_name for info in op_db if info.name == name]
    assert [entry.full_name for entry in OP_ENTRIES if entry.name == name] == wanted


def test_every_function_of_ours_has_an_entry_or_is_named_here():
    covered = {info.name.rpartition(".")[2] for info in op_db if concerns_us(info)}
    inplace = {name for name in wolfsbane.functional.__all__ if name.endswith("_")}
    assert set(wolfsbane.functional.__all__) - covered - inplace == set(WITHOUT_AN_ENTRY)


def test_every_inplace_function_of_ours_is_torchs():
    for name in wolfsbane.functional.__all__:
        if name.endswith("_"):
            assert getattr(wolfsbane.functional, name) is getattr(torch.nn.functional, name)


def test_every_module_db_entry_with_a_name_of_ours_is_retargeted():
    wanted = {info.module_cls.__name__ for info in module_db} & set(wolfsbane.nn.__all__)
    assert {entry.module_cls.__name__ for entry in MODULE_ENTRIES} == wanted
    for entry in MODULE_ENTRIES:
        assert entry.module_cls is getattr(wolfsbane.nn, entry.module_cls.__name__)


def test_every_class_of_ours_has_an_entry_or_is_named_here():
    covered = {entry.module_cls.__name__ for entry in (*MODULE_ENTRIES, *OWN_MODULE_ENTRIES)}
    assert set(wolfsbane.nn.__all__) - covered == set(CLASSES_WITHOUT_AN_ENTRY)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("info", OP_ENTRIES, ids=lambda info: info.full_name)
def test_every_op_db_entry_has_a_case(info, device):
    if not info.supported_dtypes(device):
        not_applicable(f"the entry {info.full_name} has no dtype on {device}, in torch either")
    assert any(case.info is info and case.device == device for case in OP_CASES)


def test_every_module_db_entry_has_a_case():
    assert {case.info for case in MODULE_CASES} >= set(MODULE_ENTRIES)


def test_activations_are_torchs_very_objects():
    """Which is why fewer dtypes are checked for them than for the functions that are ours."""
    for namespace, original in (
        (wolfsbane.nn, torch.nn),
        (wolfsbane.functional, torch.nn.functional),
    ):
        for name in namespace.__all__:
            ours = getattr(namespace, name)
            assert is_reexport(ours) == (ours is getattr(original, name, None))
