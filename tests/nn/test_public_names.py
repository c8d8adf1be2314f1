"""The layers' names are frozen; they are torch's classes or subclasses of them."""

import inspect

import pytest
import torch

from wolfsbane import nn

ACTIVATIONS = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]

DROPOUTS = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]
BATCH_NORMS = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]
LAZY = ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d"]
BLOCKS = ["BatchNormAct1d", "BatchNormAct2d", "BatchNormAct3d"]
TRAINED_NORMS = [
    "BatchNormLast",
    "BatchRenorm1d",
    "BatchRenorm2d",
    "BatchRenorm3d",
    "GhostBatchNorm1d",
    "GhostBatchNorm2d",
    "MaskedBatchNorm1d",
]
OTHER_NORMS = [
    "FilterResponseNorm1d",
    "FilterResponseNorm2d",
    "FilterResponseNorm3d",
    "FrozenBatchNorm1d",
    "FrozenBatchNorm2d",
    "FrozenBatchNorm3d",
]
OWN = ["DropPath", "BiasActDropout", "DropoutAdd", *BLOCKS, *TRAINED_NORMS, *OTHER_NORMS]
OWN += ["CReLU", "GEGLU", "Maxout", "ReLUSquared", "Snake", "Sparsemax", "Squareplus", "SwiGLU"]
OWN += ["XIELU"]

DROP_INS = [*DROPOUTS, *BATCH_NORMS, *LAZY]

ADDED_IN_TORCH_2_13 = "bias"


def parameters_of(cls):
    return list(inspect.signature(cls).parameters.values())


def test_public_names_are_these():
    assert sorted(nn.__all__) == sorted([*ACTIVATIONS, *DROP_INS, "SyncBatchNorm", *OWN])


def test_activations_are_twenty_eight():
    assert len(ACTIVATIONS) == 28


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_torch_s_very_class(name):
    assert getattr(nn, name) is getattr(torch.nn, name)


@pytest.mark.parametrize("name", DROP_INS)
def test_drop_in_is_a_subclass_of_torch_s_class(name):
    assert issubclass(getattr(nn, name), getattr(torch.nn, name))
    assert getattr(nn, name) is not getattr(torch.nn, name)


@pytest.mark.parametrize("name", [*DROPOUTS, "DropPath"])
def test_dropout_is_found_by_torch_s_base_class(name):
    assert issubclass(getattr(nn, name), torch.nn.modules.dropout._DropoutNd)


@pytest.mark.parametrize("name", [*BATCH_NORMS, *LAZY, "SyncBatchNorm"])
def test_batch_norm_is_found_by_torch_s_base_class(name):
    assert issubclass(getattr(nn, name), torch.nn.modules.batchnorm._BatchNorm)


@pytest.mark.parametrize("name", [*DROP_INS, "SyncBatchNorm"])
def test_signature_is_torch_s_with_keyword_only_additions(name):
    theirs = [
        (p.name, p.kind, p.default)
        for p in parameters_of(getattr(torch.nn, name))
        if p.name != ADDED_IN_TORCH_2_13
    ]
    ours = parameters_of(getattr(nn, name))
    assert [(p.name, p.kind, p.default) for p in ours[: len(theirs)]] == theirs
    assert all(p.kind is p.KEYWORD_ONLY for p in ours[len(theirs) :])


@pytest.mark.parametrize("name", [*DROPOUTS, "DropPath"])
def test_dropout_takes_p_inplace_and_a_keyword_only_generator(name):
    ours = [(p.name, p.default) for p in parameters_of(getattr(nn, name))]
    assert ours == [("p", 0.5), ("inplace", False), ("generator", None)]


@pytest.mark.parametrize("name", [*BATCH_NORMS, *LAZY, "SyncBatchNorm"])
def test_batch_norm_takes_a_keyword_only_bias(name):
    bias = inspect.signature(getattr(nn, name)).parameters["bias"]
    assert bias.kind is bias.KEYWORD_ONLY
    assert bias.default is True


@pytest.mark.parametrize("name", nn.__all__)
def test_every_public_name_can_be_imported(name):
    assert issubclass(getattr(nn, name), torch.nn.Module)


@pytest.mark.parametrize("name", BLOCKS)
def test_block_is_a_batch_norm_with_its_arguments_after_activation_and_rate(name):
    theirs = getattr(torch.nn, name.replace("Act", ""))
    assert issubclass(getattr(nn, name), theirs)
    ours = [(p.name, p.kind, p.default) for p in parameters_of(getattr(nn, name))]
    base = [(p.name, p.kind, p.default) for p in parameters_of(theirs)]
    base = [parameter for parameter in base if parameter[0] != ADDED_IN_TORCH_2_13]
    assert [name for name, _, _ in ours[:3]] == ["num_features", "activation", "p"]
    assert ours[3 : len(base) + 2] == base[1:]
    assert [name for name, kind, _ in ours if kind.name == "KEYWORD_ONLY"] == ["bias", "generator"]


@pytest.mark.parametrize("name", TRAINED_NORMS)
def test_kind_of_batch_norm_takes_torch_s_arguments_and_keyword_only_additions(name):
    assert issubclass(getattr(nn, name), torch.nn.modules.batchnorm._BatchNorm)
    theirs = [
        (p.name, p.kind, p.default)
        for p in parameters_of(torch.nn.BatchNorm1d)
        if p.name != ADDED_IN_TORCH_2_13
    ]
    ours = parameters_of(getattr(nn, name))
    assert [(p.name, p.kind, p.default) for p in ours[: len(theirs)]] == theirs
    assert all(p.kind is p.KEYWORD_ONLY for p in ours[len(theirs) :])
    assert ours[len(theirs)].name == "bias"


def test_blocks_take_torch_s_order_and_a_keyword_only_generator():
    ours = [(p.name, p.default) for p in parameters_of(nn.BiasActDropout)[1:]]
    assert ours == [
        ("activation", "relu"),
        ("p", 0.5),
        ("device", None),
        ("dtype", None),
        ("generator", None),
    ]
    assert [(p.name, p.default) for p in parameters_of(nn.DropoutAdd)] == [
        ("p", 0.5),
        ("generator", None),
    ]
    for name in ("BiasActDropout", "DropoutAdd"):
        generator = inspect.signature(getattr(nn, name)).parameters["generator"]
        assert generator.kind is generator.KEYWORD_ONLY


def test_layer_that_is_not_ours_is_looked_for_in_torch():
    with pytest.raises(AttributeError, match=r"has no attribute 'Linear'.*the rest is in torch.nn"):
        _ = nn.Linear
    assert not hasattr(nn, "Conv2d")


def test_private_name_that_is_missing_gets_no_advice():
    with pytest.raises(AttributeError, match=r"has no attribute '_private'$"):
        _ = nn._private
