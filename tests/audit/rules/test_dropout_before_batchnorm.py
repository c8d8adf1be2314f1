"""WB111: the ratio that a run measures, and what is no shift."""

import re

import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.rules.dropout_before_batchnorm import DropoutBeforeBatchnorm
from wolfsbane.audit.run.watching import watch
from wolfsbane.audit.source.check import check_source


def found_in_run(model, shape=(512, 32), num_evaluations=0):
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, rules=[DropoutBeforeBatchnorm]) as findings:
        for _ in range(3):
            model.train()
            model(torch.randn(shape)).square().mean().backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                for _ in range(num_evaluations):
                    model(torch.randn(shape))
    return list(findings)


def ratio_in(finding):
    return float(re.search(r"had ([\d.]+) times", finding.message)[1])


def test_the_ratio_behind_relu_is_2_5_at_a_half():
    """2.467 by the formula; the error of three batches of 16384 values is below 2%."""
    model = nn.Sequential(nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(32))
    (finding,) = found_in_run(model)
    assert ratio_in(finding) == pytest.approx(2.467, rel=0.06)
    assert "Dropout '1' p=0.5 comes before BatchNorm1d '2'" in finding.message
    assert finding.place.module == "1"


def test_a_pool_between_is_compared_with_evaluation():
    model = nn.Sequential(nn.Dropout(0.5), nn.AvgPool1d(2), nn.BatchNorm1d(8))
    (finding,) = found_in_run(model, (256, 8, 16), num_evaluations=1)
    assert ratio_in(finding) == pytest.approx(2, rel=0.06)
    assert "that it has in evaluation" in finding.message


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Dropout(0.02), nn.BatchNorm1d(32)),
        nn.Sequential(nn.Dropout(0.5), nn.Linear(32, 32), nn.BatchNorm1d(32)),
        nn.Sequential(nn.BatchNorm1d(32), nn.Dropout(0.5)),
        nn.Sequential(nn.Dropout(0.5).eval(), nn.BatchNorm1d(32), nn.Dropout(0.0)),
    ],
)
def test_what_shifts_nothing_is_silent_in_a_run(model):
    model[0].train = lambda mode=True: model[0]
    assert found_in_run(model) == []


@pytest.mark.parametrize(
    "between", [nn.Linear(4, 4), nn.LayerNorm(4), nn.Conv1d(4, 4, 1), nn.Embedding(4, 4)]
)
def test_a_weighted_layer_between_is_silent_in_a_model(between):
    model = nn.Sequential(nn.Dropout(), between, nn.BatchNorm1d(4))
    assert list(check_model(model, rules=[DropoutBeforeBatchnorm])) == []


@pytest.mark.parametrize("drop", [nn.AlphaDropout(), nn.Dropout(0.0)])
def test_a_dropout_that_keeps_the_variance_is_silent_in_a_model(drop):
    model = nn.Sequential(drop, nn.BatchNorm1d(4))
    assert list(check_model(model, rules=[DropoutBeforeBatchnorm])) == []


def test_the_second_dropout_counts():
    model = nn.Sequential(nn.Dropout(), nn.Linear(4, 4), nn.Dropout(), nn.BatchNorm1d(4))
    found = check_model(model, rules=[DropoutBeforeBatchnorm])
    assert [finding.place.module for finding in found] == ["2"]


@pytest.mark.parametrize(
    "layers",
    [
        "nn.Dropout(0.0), nn.BatchNorm1d(4)",
        "nn.Dropout(0.5), nn.LayerNorm(4)",
        "nn.Dropout(0.5), block, nn.BatchNorm1d(4)",
        "nn.AlphaDropout(0.5), nn.BatchNorm1d(4)",
    ],
)
def test_what_shifts_nothing_is_silent_in_a_program(layers):
    code = f"from torch import nn\nnet = nn.Sequential({layers})\n"
    assert check_source(code, "program.py", [DropoutBeforeBatchnorm]) == []


def test_a_residual_sum_is_no_direct_way():
    code = (
        "import torch.nn.functional as F\nfrom torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.bn = nn.BatchNorm1d(4)\n"
        "    def forward(self, x):\n"
        "        return self.bn(x + F.dropout(x, 0.5, self.training))\n"
    )
    assert check_source(code, "program.py", [DropoutBeforeBatchnorm]) == []
