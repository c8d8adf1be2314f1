"""The report of what has moved."""

import dataclasses

import pytest
import torch
from torch.nn import BatchNorm1d, Sequential

from wolfsbane import stats
from wolfsbane.stats.drift import MOST_ROWS, DriftReport, LayerDrift


def drift(path="a", **changes):
    given = {
        "path": path,
        "num_channels": 2,
        "count": 10,
        "num_calls": 1,
        "eps": 0.0,
        "old_mean": torch.tensor([0.0, 4.0]),
        "old_var": torch.tensor([1.0, 8.0]),
        "new_mean": torch.tensor([6.0, 5.0]),
        "new_var": torch.tensor([4.0, 4.0]),
    }
    return LayerDrift(**(given | changes))


def test_shift_is_in_new_standard_deviations():
    assert drift().shift.tolist() == [3.0, 0.5]
    assert drift().max_shift == 3.0
    assert drift().mean_shift == 1.75
    assert drift().variance_ratio == (0.5, 4.0)


def test_constant_channel_is_divided_by_eps():
    constant = drift(new_var=torch.zeros(2), old_var=torch.zeros(2), eps=0.25)
    assert constant.shift.tolist() == [12.0, 2.0]
    assert constant.variance_ratio == (1.0, 1.0)


def test_report_holds_old_and_new_statistics():
    bn = BatchNorm1d(2)
    bn.running_mean.fill_(9)
    x = torch.randn(8, 2)
    layer = stats.recalibrate(Sequential(bn), [x]).layers[0]
    assert layer.old_mean.tolist() == [9, 9]
    assert layer.old_var.tolist() == [1, 1]
    torch.testing.assert_close(layer.new_mean, x.double().mean(0))
    torch.testing.assert_close(layer.new_var, x.double().var(0))
    bn.running_mean.zero_()
    assert layer.old_mean.tolist() == [9, 9]


def test_table_shows_the_largest_shift_first_and_layers_keep_the_model_s_order():
    small = drift("small", new_mean=torch.tensor([0.0, 4.0]))
    report = DriftReport(model="Net", layers=(small, drift("large")), num_batches=2)
    assert [layer.path for layer in report.layers] == ["small", "large"]
    lines = str(report).splitlines()
    assert lines[0] == ("recalibrated 2 batch norms (Net) over 2 batches; the largest shift first")
    assert [line.split()[0] for line in lines[1:4]] == ["layer", "large", "small"]
    assert lines[2].split()[1:] == ["2", "10", "3.000", "1.750", "0.5", "to", "4"]
    assert repr(report) == str(report)


def test_table_of_a_large_model_is_cut():
    report = DriftReport(model="Net", layers=(drift(),) * (MOST_ROWS + 7), num_batches=1)
    assert "  and 7 more" in str(report)


def test_root_is_named():
    report = stats.recalibrate(BatchNorm1d(2), [torch.randn(4, 2)])
    assert "(the model itself)" in str(report)


def test_report_cannot_be_changed():
    report = stats.recalibrate(BatchNorm1d(2), [torch.randn(4, 2)])
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.num_batches = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.layers[0].count = 3
