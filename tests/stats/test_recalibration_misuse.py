"""What cannot be recalibrated says so, and leaves the model as it was."""

import pytest
import torch
from torch.nn import BatchNorm1d, Dropout, LazyLinear, Linear, Sequential
from torch.optim.swa_utils import update_bn

from wolfsbane import nn, stats
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError, ShapeError


def used_model():
    """Return a model that has been trained a little, in modes and momenta of all kinds."""
    model = Sequential(
        Linear(2, 2), BatchNorm1d(2, momentum=0.3), Dropout(), BatchNorm1d(2, momentum=None)
    )
    model(torch.randn(8, 2))
    model[2].eval()
    return model


def snapshot(model):
    return (
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
        {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()},
        [module.training for module in model.modules()],
        [getattr(module, "momentum", None) for module in model.modules()],
        [len(module._forward_pre_hooks) for module in model.modules()],
    )


def assert_unchanged(model, before):
    after = snapshot(model)
    assert all(torch.equal(after[0][name], value) for name, value in before[0].items())
    assert after[1:] == before[1:]


def failing(error):
    yield torch.randn(8, 2) + 5
    raise error


@pytest.mark.parametrize("error", [RuntimeError("disk"), KeyboardInterrupt()])
def test_everything_is_as_before_after_an_exception(error):
    model = used_model()
    before = snapshot(model)
    with pytest.raises(type(error)):
        stats.recalibrate(model, failing(error))
    assert_unchanged(model, before)


def test_update_bn_leaves_momentum_none_and_new_statistics_after_an_exception():
    model = used_model()
    with pytest.raises(RuntimeError):
        update_bn(failing(RuntimeError("disk")), model)
    assert model[1].momentum is None


def test_exception_in_the_model_leaves_everything_as_before():
    model = used_model()
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        stats.recalibrate(model, [torch.randn(4, 2), torch.randn(4, 3)])
    assert_unchanged(model, before)


def test_statistics_half_written_are_taken_back(monkeypatch):
    model = used_model()
    before = snapshot(model)

    def refuse(self, value):
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.Tensor, "fill_", refuse)
    with pytest.raises(KeyboardInterrupt):
        stats.recalibrate(model, [torch.randn(4, 2) + 5])
    monkeypatch.undo()
    assert_unchanged(model, before)


@pytest.mark.parametrize("cls", [BatchNorm1d, nn.BatchNorm1d])
def test_one_value_per_channel_names_layer_and_batch(cls):
    model = Sequential(Linear(2, 2), cls(2))
    before = snapshot(model)
    expected = (
        r"Expected more than 1 value per channel when training, got input size \(1, 2\) in 1 "
        r"\(BatchNorm1d\), batch 1, counted from 0\. .*drop_last=True"
    )
    with pytest.raises(ShapeError, match=expected):
        stats.recalibrate(model, [torch.randn(4, 2), torch.randn(1, 2)])
    assert_unchanged(model, before)


def test_no_batches_is_an_error_and_so_is_a_generator_read_before():
    model = used_model()
    before = snapshot(model)
    generator = (torch.randn(4, 2) for _ in range(2))
    list(generator)
    for batches in ([], generator):
        with pytest.raises(ArgumentError, match=r"at least one batch.*read only once"):
            stats.recalibrate(model, batches)
    assert_unchanged(model, before)


def test_values_that_are_not_finite_are_refused_by_name():
    model = used_model()
    before = snapshot(model)
    x = torch.randn(4, 2)
    x[0, 0] = torch.nan
    with pytest.raises(ModelError, match=r"the mean of 1 would not be finite in channels \[0, 1\]"):
        stats.recalibrate(model, [x])
    assert_unchanged(model, before)


def test_variance_beyond_the_buffers_dtype_is_refused():
    model = Sequential(BatchNorm1d(1).half())
    x = torch.tensor([[-1000.0], [1000.0]], dtype=torch.float16)
    with pytest.raises(ModelError, match=r"the variance of 0 .* \(torch.float16\)"):
        stats.recalibrate(model, [x], forward=lambda m, batch: m[0](batch))
    assert model[0].running_var.item() == 1


@pytest.mark.parametrize("lazy", [nn.LazyBatchNorm1d, torch.nn.LazyBatchNorm1d])
def test_lazy_layers_have_to_see_a_batch_first(lazy):
    for model in (Sequential(lazy()), Sequential(LazyLinear(2), BatchNorm1d(2))):
        with pytest.raises(ModelError, match=r"0 has not seen its first batch.*run one batch"):
            stats.recalibrate(model, [torch.randn(4, 2)])
        assert model[0].has_uninitialized_params()


def test_model_and_batches_the_wrong_way_round_are_explained():
    with pytest.raises(ArgumentTypeError, match=r"model has to be .* got list.*model comes first"):
        stats.recalibrate([torch.randn(4, 2)], BatchNorm1d(2))


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        (torch.randn(4, 2), r"got Tensor\. One batch is a list of one: \[batch\]"),
        ({"input": torch.randn(4, 2)}, r"got dict\. One batch is a list of one"),
        (3, r"got int\. Pass a DataLoader"),
        ("data", r"got str\. Pass a DataLoader"),
        (lambda: None, r"got function\. Call it"),
    ],
)
def test_batches_that_are_no_collection_are_explained(batches, message):
    with pytest.raises(ArgumentTypeError, match=message):
        stats.recalibrate(BatchNorm1d(2), batches)


@pytest.mark.parametrize("batch", ["text", (), 7])
def test_batch_of_another_type_asks_for_forward(batch):
    with pytest.raises(ArgumentTypeError, match=r"a batch has to be .*forward=lambda model, batch"):
        stats.recalibrate(BatchNorm1d(2), [batch])


def test_forward_that_cannot_be_called_is_explained():
    with pytest.raises(ArgumentTypeError, match=r"forward has to be a function .*but got 'image'"):
        stats.recalibrate(BatchNorm1d(2), [torch.randn(4, 2)], forward="image")


def test_model_without_batch_norms_says_so_and_reads_no_batch():
    batches = iter([torch.randn(4, 2)])
    report = stats.recalibrate(Sequential(Linear(2, 2)), batches)
    assert str(report) == "nothing to recalibrate (Sequential): it has no batch norm"
    assert len(list(batches)) == 1


def test_model_in_evaluation_mode_says_so():
    report = stats.recalibrate(used_model().eval(), [torch.randn(4, 2)])
    assert "is in training mode. Call model.train() first" in str(report)
    assert [left.path for left in report.left] == ["1", "3"]


def test_input_that_the_layer_refuses_gives_the_layer_s_own_error():
    with pytest.raises(ValueError, match="expected 2D or 3D input"):
        stats.recalibrate(BatchNorm1d(2), [torch.randn(4)])
    with pytest.raises(RuntimeError, match="running_mean should contain 3 elements"):
        stats.recalibrate(BatchNorm1d(2), [torch.randn(4, 3)])
