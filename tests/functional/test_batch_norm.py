"""Batch norm as a function: running statistics, evaluation, and what is refused."""

import pytest
import torch

from cases import batch_norms, dense_layouts, draw, dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import functional as F
from wolfsbane.errors import ArgumentError, DtypeError, ShapeError


def running(num_features, dtype=torch.float64):
    return torch.randn(num_features, dtype=dtype), torch.rand(num_features, dtype=dtype) + 0.5


@batch_norms
@pytest.mark.parametrize("momentum", [0.0, 0.1, 1.0])
def test_running_statistics_equal_torch_s(case, momentum):
    x = torch.randn(case.shape, dtype=torch.float64) + 3
    ours = running(case.num_features)
    theirs = tuple(tensor.clone() for tensor in ours)
    F.batch_norm(x, *ours, training=True, momentum=momentum)
    torch.nn.functional.batch_norm(x, *theirs, training=True, momentum=momentum)
    for one, other in zip(ours, theirs, strict=True):
        assert_as_accurate_as_torch(one, other, other)


@dtypes
@dense_layouts
def test_running_statistics_are_as_accurate_as_torch_s(layout, dtype):
    x = draw(layout, dtype)
    vector_dtype = torch.float64 if dtype is torch.float64 else torch.float32
    truth = running(layout.shape[1])
    ours, theirs = ([t.to(vector_dtype) for t in truth] for _ in range(2))
    truth = [t.to(vector_dtype).double() for t in truth]
    F.batch_norm(x, *ours, training=True)
    torch.nn.functional.batch_norm(x, *theirs, training=True)
    torch.nn.functional.batch_norm(x.double(), *truth, training=True)
    for one, other, exact in zip(ours, theirs, truth, strict=True):
        assert_as_accurate_as_torch(one, other, exact)


@batch_norms
@pytest.mark.parametrize("with_affine", [False, True])
def test_evaluation_equals_torch(case, with_affine):
    x = torch.randn(case.shape)
    vectors = [tensor.float() for tensor in running(case.num_features)]
    vectors += list(torch.rand(2, case.num_features)) if with_affine else [None, None]
    before = [None if v is None else v.clone() for v in vectors]
    y = F.batch_norm(x, *vectors)
    assert torch.equal(y, torch.nn.functional.batch_norm(x, *vectors))
    for now, then in zip(vectors, before, strict=True):
        assert now is then is None or torch.equal(now, then)


def test_running_variance_is_the_unbiased_one():
    x = torch.tensor([[1.0], [3.0]])
    mean, variance = torch.zeros(1), torch.ones(1)
    F.batch_norm(x, mean, variance, training=True, momentum=1.0)
    assert (mean.item(), variance.item()) == (2.0, 2.0)


@pytest.mark.parametrize(
    ("mean", "variance", "said"),
    [
        (torch.zeros(3), None, "must either both be None or neither be None"),
        (None, torch.ones(3), "must either both be None or neither be None"),
        (torch.zeros(3), torch.ones(1).expand(3), "running_var is written to, so it cannot be exp"),
        (torch.zeros(3), torch.ones(3, requires_grad=True), "cannot require a gradient"),
        (torch.zeros(3), torch.ones(3, device="meta"), "to be on the same device"),
    ],
    ids=["no-variance", "no-mean", "expanded", "gradient", "device"],
)
def test_running_statistics_that_cannot_be_kept_are_refused_unchanged(mean, variance, said):
    before = None if mean is None else mean.clone()
    with pytest.raises(ValueError, match=said):
        F.batch_norm(torch.randn(5, 3), mean, variance, training=True)
    assert mean is None or torch.equal(mean, before)


@pytest.mark.parametrize("shape", [(), (3,), (1, 0), (1, 3)])
def test_shapes_that_cannot_be_normalised_are_refused(shape):
    with pytest.raises(ValueError, match=r"at least 2D|more than 1 value per channel"):
        F.batch_norm(torch.ones(shape), None, None, training=True)


def test_backward_of_evaluation_survives_a_batch_in_training():
    x = torch.randn(5, 3, requires_grad=True)
    mean, variance = torch.zeros(3), torch.full((3,), 4.0)
    y = F.batch_norm(x, mean, variance, eps=1e-5)
    F.batch_norm(torch.randn(5, 3) * 10, mean, variance, training=True)
    y.sum().backward()
    assert torch.allclose(x.grad, torch.full_like(x, 0.5))


def test_running_statistics_take_no_gradient():
    x = torch.randn(5, 3, requires_grad=True)
    mean, variance = torch.zeros(3), torch.ones(3)
    F.batch_norm(x, mean, variance, training=True)
    assert not mean.requires_grad
    assert not variance.requires_grad


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4), (2, 3, 0)])
@pytest.mark.parametrize("training", [False, True])
def test_empty_batch_leaves_the_statistics_alone(shape, training):
    mean, variance = torch.randn(3), torch.rand(3)
    before = mean.clone(), variance.clone()
    y = F.batch_norm(torch.ones(shape), mean, variance, training=training)
    assert y.shape == shape
    assert torch.equal(mean, before[0])
    assert torch.equal(variance, before[1])


def test_empty_batch_has_gradients():
    x = torch.ones(0, 3, requires_grad=True)
    weight = torch.ones(3, requires_grad=True)
    F.batch_norm(x, None, None, weight, training=True).sum().backward()
    assert x.grad.shape == (0, 3)
    assert torch.equal(weight.grad, torch.zeros(3))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_per_channel_is_refused_in_torch_s_words(shape):
    mean, variance = torch.zeros(3), torch.ones(3)
    words = "^Expected more than 1 value per channel when training, got input size"
    for functional in (torch.nn.functional, F):
        with pytest.raises(ValueError, match=words) as raised:
            functional.batch_norm(torch.ones(shape), mean, variance, training=True)
    assert "drop_last=True" in str(raised.value)
    assert torch.equal(mean, torch.zeros(3))


def test_features_in_the_last_place_are_pointed_out():
    vectors = torch.zeros(10), torch.ones(10)
    for functional in (torch.nn.functional, F):
        with pytest.raises(
            RuntimeError, match=r"^running_mean should contain 5 elements not 10"
        ) as raised:
            functional.batch_norm(torch.ones(8, 5, 10), *vectors, training=True)
    assert "Features come second" in str(raised.value)
    assert "transpose(1, 2)" in str(raised.value)
    with pytest.raises(ShapeError, match=r"movedim\(-1, 1\)"):
        F.batch_norm(torch.ones(8, 5, 5, 10), *vectors, training=True)


@pytest.mark.parametrize("wrong", ["running_mean", "running_var", "weight", "bias"])
def test_wrong_vector_is_named_and_nothing_is_changed(wrong):
    names = ("running_mean", "running_var", "weight", "bias")
    vectors = {name: torch.ones(4 if name == wrong else 3) for name in names}
    with pytest.raises(ShapeError, match=f"^{wrong} should contain 3 elements not 4"):
        F.batch_norm(torch.randn(5, 3), **vectors, training=True)
    assert all((vector == 1).all() for vector in vectors.values())


@pytest.mark.parametrize(
    ("input_dtype", "vector_dtype"),
    [(torch.float64, torch.float32), (torch.float32, torch.float64), (torch.float32, torch.half)],
)
def test_dtypes_that_do_not_go_together_are_refused(input_dtype, vector_dtype):
    vectors = torch.zeros(3, dtype=vector_dtype), torch.ones(3, dtype=vector_dtype)
    with pytest.raises(DtypeError, match=r"mixed dtype.*input.float\(\)"):
        F.batch_norm(torch.randn(5, 3, dtype=input_dtype), *vectors, training=True)


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_input_that_is_not_floating_point_is_refused(dtype):
    for functional in (torch.nn.functional, F):
        with pytest.raises(RuntimeError):
            functional.batch_norm(torch.ones(5, 3).to(dtype), None, None, training=True)


@pytest.mark.parametrize("eps", [0.0, -1e-5])
def test_eps_that_is_not_positive_is_refused_in_training(eps):
    message = f"^batch_norm eps must be positive during training, but got {eps}"
    with pytest.raises(ArgumentError, match=message):
        F.batch_norm(torch.randn(5, 3), None, None, training=True, eps=eps)


def test_evaluation_without_statistics_is_refused():
    for functional in (torch.nn.functional, F):
        with pytest.raises(RuntimeError, match="running_mean"):
            functional.batch_norm(torch.randn(5, 3), None, None)


def test_meta_input_gives_a_meta_output():
    y = F.batch_norm(torch.randn(5, 3, device="meta"), None, None, training=True)
    assert (y.device.type, y.shape) == ("meta", (5, 3))
