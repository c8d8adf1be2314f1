"""WB112: what is a prediction, and what are features."""

import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.rules.dropout_on_logits import DropoutOnLogits
from wolfsbane.audit.source.check import check_source

CROSS_ENTROPY = nn.CrossEntropyLoss()
HEAD = "import torch.nn.functional as F\nfrom torch import nn\n"


@pytest.mark.parametrize(
    "code",
    [
        "net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1))\nfeatures = net(x)",
        "net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0))\nF.cross_entropy(net(x), y)",
        "net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.1))\nF.mse_loss(net(x), z)",
        "net = nn.Sequential(nn.Dropout(0.1), nn.Linear(4, 4))\nF.cross_entropy(net(x), y)",
        "net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1))\nF.cross_entropy(head(net(x)), y)",
    ],
)
def test_features_and_known_zeros_are_silent(code):
    assert check_source(HEAD + code, "program.py", [DropoutOnLogits]) == []


@pytest.mark.parametrize(
    "loss",
    [
        "F.cross_entropy(net(x), y)",
        "F.nll_loss(F.log_softmax(net(x), 1), y)",
        "nn.BCELoss()(net(x).sigmoid().squeeze(1), y)",
        "nn.MSELoss()(net(x), y)",
    ],
)
def test_the_way_to_a_loss_may_lead_through_probabilities_and_shapes(loss):
    code = f"{HEAD}net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1))\n{loss}\n"
    (finding,) = check_source(code, "program.py", [DropoutOnLogits])
    assert finding.place.span.line == 3
    assert [place.span.line for place, _ in finding.related] == [4]


@pytest.mark.parametrize(
    ("last", "loss", "is_found"),
    [
        ((nn.Linear(4, 4), nn.Dropout()), None, True),
        ((nn.Linear(4, 4), nn.Dropout(), nn.Flatten()), None, True),
        ((nn.Linear(4, 4), nn.Dropout(), nn.LogSoftmax(1)), None, True),
        ((nn.Linear(4, 4), nn.Tanh(), nn.Dropout()), None, False),
        ((nn.Linear(4, 4), nn.Tanh(), nn.Dropout()), CROSS_ENTROPY, True),
        ((nn.Linear(4, 4), nn.Dropout(0.0)), CROSS_ENTROPY, False),
        ((nn.Conv1d(2, 2, 1), nn.AvgPool1d(4), nn.Flatten(), nn.Dropout()), CROSS_ENTROPY, True),
        ((nn.Linear(4, 4), nn.LayerNorm(4), nn.Dropout()), CROSS_ENTROPY, False),
        ((nn.Dropout(), nn.Linear(4, 4)), CROSS_ENTROPY, False),
    ],
)
def test_a_models_output_is_a_prediction_with_a_loss_or_behind_a_last_layer(last, loss, is_found):
    found = check_model(nn.Sequential(*last), torch.ones(2, 4), loss, rules=[DropoutOnLogits])
    assert bool(list(found)) == is_found


def test_a_model_without_example_inputs_is_silent():
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout())
    assert list(check_model(model, rules=[DropoutOnLogits])) == []
