"""Recalibrated statistics against those of all values in float64, and against update_bn."""

import pytest
import torch
from torch import Tensor
from torch.nn import BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Linear, ReLU, Sequential
from torch.optim.swa_utils import update_bn

from wolfsbane import nn, stats


def statistics(layer):
    return layer.running_mean.clone(), layer.running_var.clone()


def assert_statistics(layer, values: Tensor, rtol=1e-6):
    """Assert that a layer holds the statistics of values of shape (M, C)."""
    values = values.double()
    torch.testing.assert_close(layer.running_mean.double(), values.mean(0), rtol=rtol, atol=1e-6)
    torch.testing.assert_close(layer.running_var.double(), values.var(0), rtol=rtol, atol=1e-12)


def channels_last(x):
    return x.movedim(1, -1).reshape(-1, x.size(1))


def test_statistics_are_those_of_all_positions_of_all_batches():
    bn = BatchNorm2d(3)
    batches = [torch.randn(n, 3, 5, 4) * 3 + 7 for n in (8, 1, 30)]
    report = stats.recalibrate(Sequential(bn), batches)
    assert_statistics(bn, channels_last(torch.cat(batches)))
    assert report.layers[0].count == 39 * 20


def test_batch_of_two_does_not_weigh_like_one_of_a_hundred():
    large, small = torch.randn(100, 1), torch.randn(2, 1) + 20
    theirs, ours = BatchNorm1d(1), BatchNorm1d(1)
    update_bn([large, small], Sequential(theirs))
    stats.recalibrate(Sequential(ours), [large, small])
    truth = torch.cat([large, small])
    assert_statistics(ours, truth)
    assert theirs.running_mean.item() == pytest.approx(10, abs=1)  # the mean of the means
    assert truth.mean().item() == pytest.approx(40 / 102, abs=0.5)


def test_dropout_is_off_which_update_bn_leaves_on():
    x = torch.tensor([[1.0], [3.0]]).repeat(500, 1)
    ours, theirs = (Sequential(Dropout(0.5), BatchNorm1d(1)) for _ in range(2))
    update_bn([x], theirs)
    stats.recalibrate(ours, [x])
    assert_statistics(ours[1], x)
    # Kept and doubled, or dropped: 2 * E[x^2] - E[x]^2 = 6 instead of 1.
    assert theirs[1].running_var.item() > 4


class WithFunctionalDropout(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = BatchNorm1d(1)

    def forward(self, x):
        return self.bn(torch.nn.functional.dropout(x, 0.5, self.training))


def test_functional_dropout_is_off():
    model = WithFunctionalDropout()
    x = torch.tensor([[1.0], [3.0]]).repeat(50, 1)
    stats.recalibrate(model, [x])
    assert_statistics(model.bn, x)
    assert model.training


def test_dropout_within_a_block_is_off():
    model = Sequential(nn.BatchNormAct1d(2, "identity", p=0.5), BatchNorm1d(2))
    x = torch.randn(64, 2) * 2 + 1
    stats.recalibrate(model, [x])
    assert_statistics(model[0], x)
    normalised = (x.double() - x.double().mean(0)) / x.double().var(0, correction=0).sqrt()
    torch.testing.assert_close(model[1].running_mean, torch.zeros(2), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        model[1].running_var.double(), normalised.var(0), rtol=1e-4, atol=0
    )  # eps


def test_frozen_layer_is_left_which_update_bn_sets_going():
    ours, theirs = (Sequential(BatchNorm1d(2), BatchNorm1d(2)) for _ in range(2))
    for model in (ours, theirs):
        model[0].eval()
    x = torch.randn(16, 2) + 3
    update_bn([x], theirs)
    report = stats.recalibrate(ours, [x])
    assert theirs[0].running_mean.mean() > 1
    assert torch.equal(ours[0].running_mean, torch.zeros(2))
    assert_statistics(ours[1], x / (1 + 1e-5) ** 0.5, rtol=1e-5)
    assert [layer.training for layer in ours] == [False, True]
    assert [(left.path, left.why) for left in report.left] == [("0", "in evaluation mode")]


def test_layer_of_freeze_is_left_and_stays_frozen():
    model = Sequential(BatchNorm1d(2), BatchNorm1d(2))
    stats.freeze(model, which="0")
    report = stats.recalibrate(model.train(), [torch.randn(8, 2) + 3])
    assert torch.equal(model[0].running_mean, torch.zeros(2))
    assert [layer.path for layer in report.layers] == ["1"]
    assert report.left[0].why.startswith("frozen")
    assert not model.train()[0].training


def switched_off_by_hand():
    bn = BatchNorm1d(2)
    bn.track_running_stats = False
    return bn


def test_layer_whose_tracking_was_switched_off_is_left():
    model = Sequential(switched_off_by_hand(), BatchNorm1d(2))
    report = stats.recalibrate(model, [torch.randn(8, 2) * 5 + 3])
    assert report.left[0].why == "keeps no running statistics"
    assert model[0].running_mean.tolist() == [0, 0]


def test_layer_without_running_statistics_goes_on_with_the_batch_s_and_is_left():
    model = Sequential(BatchNorm1d(2, track_running_stats=False), BatchNorm1d(2))
    report = stats.recalibrate(model, [torch.randn(8, 2) * 5 + 3])
    assert report.left[0].why == "keeps no running statistics"
    torch.testing.assert_close(model[1].running_mean, torch.zeros(2), rtol=0, atol=1e-6)


def test_layers_in_front_normalise_with_each_batch_s_own_statistics():
    torch.manual_seed(0)
    model = Sequential(
        Conv2d(2, 4, 3), BatchNorm2d(4), ReLU(), Dropout(0.3), Conv2d(4, 3, 1), nn.BatchNorm2d(3)
    ).double()
    with torch.no_grad():
        model[1].weight.uniform_(0.5, 2)
        model[1].bias.normal_()
    batches = [torch.randn(n, 2, 6, 6, dtype=torch.float64) for n in (4, 9)]
    stats.recalibrate(model, batches)
    first = [model[0](x).detach() for x in batches]
    second = []
    for x in first:
        mean = x.mean((0, 2, 3), keepdim=True)
        var = x.var((0, 2, 3), correction=0, keepdim=True)
        y = (x - mean) / (var + 1e-5).sqrt()
        y = y * model[1].weight.view(-1, 1, 1) + model[1].bias.view(-1, 1, 1)
        second.append(model[4](y.relu()).detach())
    assert_statistics(model[1], channels_last(torch.cat(first)), rtol=1e-11)
    assert_statistics(model[5], channels_last(torch.cat(second)), rtol=1e-11)


class Twice(torch.nn.Module):
    """One batch norm, under two names, called with two inputs."""

    def __init__(self):
        super().__init__()
        self.first = BatchNorm1d(2)
        self.second = self.first

    def forward(self, x):
        return self.first(x) + self.second(x[: len(x) // 2] * 3 + 1).sum()


def test_reused_layer_counts_the_values_of_all_its_calls():
    model = Twice()
    batches = [torch.randn(8, 2), torch.randn(4, 2) + 2]
    report = stats.recalibrate(model, batches)
    seen = torch.cat([part for x in batches for part in (x, x[: len(x) // 2] * 3 + 1)])
    assert_statistics(model.first, seen)
    assert len(report) == 1
    assert model.first.num_batches_tracked.item() == report.layers[0].num_calls == 4


def test_momentum_is_not_touched_and_a_plain_average_goes_on_from_there():
    model = Sequential(BatchNorm1d(1, momentum=None), BatchNorm1d(1, momentum=0.3))
    stats.recalibrate(model, [torch.zeros(2, 1), torch.full((2, 1), 6.0)])
    assert [layer.momentum for layer in model] == [None, 0.3]
    assert model[0].num_batches_tracked.item() == 2
    model[0](torch.full((2, 1), 9.0))
    assert model[0].running_mean.item() == pytest.approx((0 + 6 + 9) / 3)


def test_result_does_not_depend_on_what_was_there():
    x = [torch.randn(8, 2) + 3]
    fresh, used = Sequential(BatchNorm1d(2)), Sequential(BatchNorm1d(2))
    used[0].running_mean.fill_(1e6)
    used[0].running_var.fill_(1e6)
    for model in (fresh, used):
        stats.recalibrate(model, x)
    assert all(map(torch.equal, statistics(fresh[0]), statistics(used[0])))


def test_buffers_stay_the_very_tensors():
    model = Sequential(BatchNorm1d(2))
    before = {name: id(tensor) for name, tensor in model.named_buffers()}
    stats.recalibrate(model, [torch.randn(8, 2)])
    assert {name: id(tensor) for name, tensor in model.named_buffers()} == before
    assert not model[0]._forward_pre_hooks


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_model_of_another_dtype_keeps_it(dtype):
    model = Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(3)).to(dtype)
    x = (torch.randn(32, 3, 4, 4) + 2).to(dtype)
    stats.recalibrate(model, [x])
    assert model[0].running_var.dtype is dtype
    assert_statistics(model[0], channels_last(x), rtol=torch.finfo(dtype).eps)


def test_mixed_precision_counts_what_the_layer_sees():
    model = Sequential(Linear(4, 3), BatchNorm1d(3))
    x = torch.randn(64, 4)
    with torch.autocast("cpu", torch.bfloat16):
        stats.recalibrate(model, [x])
        seen = model[0](x)
    assert seen.dtype is torch.bfloat16
    assert_statistics(model[1], seen.detach())


def test_no_graph_is_recorded_and_no_random_number_drawn():
    model = Sequential(Linear(2, 2), Dropout(), BatchNorm1d(2))
    required = []
    model[2].register_forward_hook(lambda _, __, y: required.append(y.requires_grad))
    x = torch.randn(4, 2)
    state = torch.random.get_rng_state()
    stats.recalibrate(model, [x])
    assert torch.equal(torch.random.get_rng_state(), state)
    assert required == [False]


def test_forward_that_records_a_graph_may_run_it_backward():
    model = Sequential(Linear(2, 2), BatchNorm1d(2), BatchNorm1d(2))
    required = []
    model[1].register_forward_hook(lambda bn, *_: required.append(bn.running_mean.requires_grad))

    def attack(model, x):
        with torch.enable_grad():
            model(x.requires_grad_()).square().sum().backward()
        model(x + x.grad.sign())

    x = torch.randn(8, 2)
    stats.recalibrate(model, [x], forward=attack)
    moved = x + x.grad.sign()
    assert_statistics(model[1], model[0](torch.cat([x, moved])).detach(), rtol=1e-5)
    assert required == [False, False]


def test_other_hooks_run_before_and_are_kept():
    model = Sequential(BatchNorm1d(2))
    model[0].register_forward_pre_hook(lambda _, args: (args[0] * 10,))
    x = torch.randn(16, 2)
    stats.recalibrate(model, [x])
    assert_statistics(model[0], x * 10)
    assert len(model[0]._forward_pre_hooks) == 1


def test_instance_norm_is_no_batch_norm():
    model = Sequential(torch.nn.InstanceNorm1d(2, track_running_stats=True))
    report = stats.recalibrate(model, [torch.randn(4, 2, 5)])
    assert not report
    assert model[0].running_mean.eq(0).all()


@pytest.mark.parametrize("cls", [torch.nn.SyncBatchNorm, nn.SyncBatchNorm])
def test_synchronised_layer_is_recalibrated_without_distributed(cls):
    model = Sequential(cls(2))
    x = torch.randn(16, 2) + 5
    stats.recalibrate(model, [x])
    assert_statistics(model[0], x)


class FeaturesLast(BatchNorm1d):
    """A layer from elsewhere, which says where its features are."""

    feature_dim = -1

    def forward(self, input):
        return super().forward(input.movedim(-1, 1)).movedim(1, -1)


@pytest.mark.parametrize("cls", [FeaturesLast, nn.BatchNormLast])
def test_features_may_come_last(cls):
    model = Sequential(cls(3))
    x = torch.randn(5, 3, 3) * torch.tensor([1.0, 2.0, 3.0])
    stats.recalibrate(model, [x])
    assert_statistics(model[0], x.reshape(-1, 3))


@pytest.mark.parametrize("by_name", [True, False])
def test_masked_positions_do_not_count(by_name):
    model = nn.MaskedBatchNorm1d(2)
    x, mask = torch.randn(5, 2, 7), torch.rand(5, 7) < 0.6
    call = (lambda m, b: m(b, mask=mask)) if by_name else (lambda m, b: m(b, mask))
    stats.recalibrate(model, [x], forward=call)
    assert_statistics(model, x.movedim(1, -1)[mask])


@pytest.mark.parametrize("cls", [nn.GhostBatchNorm2d, nn.BatchRenorm2d, nn.BatchNormAct2d])
def test_layer_with_a_training_of_its_own_normalises_with_the_batch_s_statistics(cls):
    model = Sequential(cls(3), BatchNorm2d(3))
    model[0].activation = "identity"
    batches = [torch.randn(n, 3, 4, 4) * 3 + 7 for n in (64, 16)]
    stats.recalibrate(model, batches)
    assert_statistics(model[0], channels_last(torch.cat(batches)))
    torch.testing.assert_close(model[1].running_mean, torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(model[1].running_var, torch.ones(3), rtol=2e-3, atol=0)


def test_empty_batch_counts_nothing():
    model = Sequential(nn.BatchNorm1d(2))
    x = torch.randn(8, 2)
    stats.recalibrate(model, [torch.randn(0, 2), x])
    assert_statistics(model[0], x)
    assert model[0].num_batches_tracked.item() == 1


class WithHead(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = BatchNorm1d(2), BatchNorm1d(2)

    def forward(self, x):
        return self.head(self.body(x)) if self.training else self.body(x)


def test_layer_that_is_not_called_is_left_and_named():
    model = WithHead()
    report = stats.recalibrate(model, [torch.randn(8, 2) + 3])
    assert [(left.path, left.why) for left in report.left] == [("head", "saw no values")]
    assert model.head.num_batches_tracked.item() == 0


def test_batches_are_tensors_tuples_lists_or_dicts():
    x = torch.randn(6, 2) + 4
    labels = torch.zeros(6)
    for batch in (x, (x, labels), [x, labels], {"input": x}):
        bn = BatchNorm1d(2)
        stats.recalibrate(bn, iter([batch]))
        assert_statistics(bn, x)


def test_forward_says_how_the_model_is_called():
    model = Sequential(BatchNorm1d(2))
    x = torch.randn(6, 2) + 4
    stats.recalibrate(model, [("id", x)], forward=lambda m, batch: m(batch[1]))
    assert_statistics(model[0], x)


def test_data_loader_is_read():
    x = torch.randn(11, 2)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=4)
    model = Sequential(BatchNorm1d(2))
    report = stats.recalibrate(model, loader)
    assert_statistics(model[0], x)
    assert report.num_batches == 3


class MergesWeights(torch.nn.Module):
    """As LoRA layers do: its train() does more than set a flag."""

    def __init__(self):
        super().__init__()
        self.bn = BatchNorm1d(2)
        self.calls = 0

    def train(self, mode=True):
        self.calls += 1
        return super().train(mode)

    def forward(self, x):
        return self.bn(x)


def test_model_s_own_train_is_not_called():
    model = MergesWeights()
    stats.recalibrate(model, [torch.randn(4, 2)])
    assert model.calls == 0
    assert model.training


def test_forward_that_sets_training_mode_does_not_disturb_the_statistics():
    model = Sequential(BatchNorm1d(2))
    batches = [torch.randn(8, 2), torch.randn(4, 2) + 3]
    stats.recalibrate(model.double(), batches, forward=lambda m, x: m.train()(x.double()))
    assert_statistics(model[0], torch.cat(batches), rtol=1e-12)
    assert model[0].num_batches_tracked.item() == 2
