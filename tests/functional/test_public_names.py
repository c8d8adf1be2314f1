"""The functions' names are frozen; their signatures are torch's, ours follow keyword-only."""

import inspect

import pytest
import torch

from wolfsbane import functional as F

OWN = [
    "alpha_dropout",
    "batch_norm",
    "drop_path",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "sync_batch_norm",
]

NORMS = ["batch_renorm", "filter_response_norm", "masked_batch_norm"]

FUSED = ["batch_norm_act_dropout", "bias_act_dropout", "dropout_add"]

COLLECTION = ["crelu", "geglu", "maxout", "relu_squared", "snake", "sparsemax", "squareplus"]
COLLECTION += ["swiglu", "xielu"]

ACTIVATIONS = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]

SHARED = [name for name in OWN if name not in {"drop_path", "sync_batch_norm"}]


def test_public_names_are_these():
    assert sorted(F.__all__) == sorted(OWN + NORMS + FUSED + COLLECTION + ACTIVATIONS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_torch_s_very_function(name):
    assert getattr(F, name) is getattr(torch.nn.functional, name)


@pytest.mark.parametrize("name", SHARED)
def test_signature_is_torch_s_with_keyword_only_additions(name):
    theirs = inspect.signature(getattr(torch.nn.functional, name)).parameters.values()
    ours = list(inspect.signature(getattr(F, name)).parameters.values())
    assert [(p.name, p.kind, p.default) for p in ours[: len(theirs)]] == [
        (p.name, p.kind, p.default) for p in theirs
    ]
    assert all(p.kind is p.KEYWORD_ONLY for p in ours[len(theirs) :])


@pytest.mark.parametrize("name", [name for name in OWN if "drop" in name])
def test_dropout_takes_a_keyword_only_generator(name):
    parameters = inspect.signature(getattr(F, name)).parameters
    assert list(parameters) == ["input", "p", "training", "inplace", "generator"]
    assert parameters["generator"].kind is inspect.Parameter.KEYWORD_ONLY
    assert parameters["generator"].default is None


@pytest.mark.parametrize("name", FUSED)
def test_fused_function_draws_from_a_keyword_only_generator(name):
    generator = inspect.signature(getattr(F, name)).parameters["generator"]
    assert generator.kind is inspect.Parameter.KEYWORD_ONLY
    assert generator.default is None


def test_fused_batch_norm_has_batch_norm_s_arguments_and_keyword_only_additions():
    theirs = list(inspect.signature(F.batch_norm).parameters.values())
    ours = list(inspect.signature(F.batch_norm_act_dropout).parameters.values())
    assert ours[: len(theirs)] == theirs
    assert [(p.name, p.default) for p in ours[len(theirs) :]] == [
        ("activation", "relu"),
        ("p", 0.0),
        ("generator", None),
    ]


@pytest.mark.parametrize(
    ("name", "added"),
    [("batch_renorm", ["r_max", "d_max"]), ("masked_batch_norm", ["mask"])],
)
def test_kind_of_batch_norm_has_its_arguments_and_keyword_only_additions(name, added):
    theirs = list(inspect.signature(F.batch_norm).parameters.values())
    ours = list(inspect.signature(getattr(F, name)).parameters.values())
    assert ours[: len(theirs)] == theirs
    assert [(p.name, p.kind) for p in ours[len(theirs) :]] == [
        (name, inspect.Parameter.KEYWORD_ONLY) for name in added
    ]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("bias_act_dropout", ["input", "bias", "activation", "p", "training"]),
        ("dropout_add", ["input", "residual", "p", "training"]),
    ],
)
def test_fused_dropout_has_dropout_s_rate_and_switch(name, first):
    parameters = inspect.signature(getattr(F, name)).parameters
    assert list(parameters) == [*first, "generator"]
    assert (parameters["p"].default, parameters["training"].default) == (0.5, True)
