"""What torch refuses with an error is explained: which layer, which line, what to do."""

import subprocess
import sys
import textwrap
from dataclasses import dataclass

import pytest

from audit.programs import found_by
from wolfsbane.audit.finding import Channel
from wolfsbane.audit.registry import select


@dataclass(frozen=True)
class Mistake:
    """A script that ends with an error of torch's, and what has to be said about it.

    The line that torch's own traceback ends in, as far as it is the user's, is marked.
    """

    code: str
    script: str
    error: str
    layer: str
    advice: str

    @property
    def line(self):
        lines = enumerate(self.script.splitlines(), 1)
        return next(number for number, text in lines if text.endswith("# here"))


def mistake(code, script, **expected):
    return pytest.param(Mistake(code, textwrap.dedent(script).lstrip(), **expected), id=code)


ONE_VALUE = mistake(
    "WB303",
    """
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Linear(6, 8, bias=False)
            self.norm = nn.BatchNorm1d(8)
            self.head = nn.Linear(8, 1)

        def forward(self, x):
            x = self.encoder(x)
            x = self.norm(x)  # here
            return self.head(x.relu())

    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for (x,) in DataLoader(TensorDataset(torch.randn(9, 6)), batch_size=4):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    """,
    error="Expected more than 1 value per channel when training",
    layer="batch norm 'norm'",
    advice="drop_last=True",
)
IN_PLACE = mistake(
    "WB407",
    """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Linear(6, 8)
            self.gate = nn.Sigmoid()
            self.act = nn.ReLU(inplace=True)
            self.head = nn.Linear(8, 1)

        def forward(self, x):
            gate = self.gate(self.encoder(x))
            return self.head(self.act(gate) * gate)  # here

    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x in torch.randn(4, 5, 6):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()
    """,
    error="modified by an inplace operation",
    layer="'act'",
    advice="inplace=False",
)
RATE = mistake(
    "WB106",
    """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, rate):
            super().__init__()
            self.drop = nn.Dropout(rate)  # here
            self.head = nn.Linear(6, 1)

        def forward(self, x):
            return self.head(self.drop(x))

    model = Net(rate=30)
    """,
    error="dropout probability has to be between 0 and 1",
    layer="30",
    advice="0.3",
)


@pytest.mark.parametrize("mistake", [ONE_VALUE, IN_PLACE, RATE])
def test_an_error_of_torchs_is_explained_with_layer_line_and_advice(mistake, tmp_path):
    path = tmp_path / "train.py"
    with pytest.raises((ValueError, RuntimeError), match=mistake.error):
        exec(compile(mistake.script, path, "exec"), {"__name__": "__main__"})
    findings = found_by(Channel.RUN, mistake.script, select(), path)
    assert [finding.code for finding in findings] == [mistake.code]
    (finding,) = findings
    assert mistake.layer in finding.message
    assert mistake.advice in finding.help
    assert finding.place.file == str(path)
    assert finding.place.span.line == mistake.line


def test_the_errors_own_traceback_and_exit_code_stay(tmp_path):
    (mistake,) = ONE_VALUE.values
    script = tmp_path / "train.py"
    script.write_text(mistake.script)
    watching = [sys.executable, "-m", "wolfsbane", "run", script]
    watched = subprocess.run(watching, capture_output=True, text=True, check=False)
    assert watched.returncode == 1
    assert watched.stderr.startswith("Traceback (most recent call last):\n")
    explanation = watched.stderr[watched.stderr.index(f"ValueError: {mistake.error}") :]
    assert "WB303" in explanation
    assert f"train.py:{mistake.line}" in explanation
    assert mistake.layer in explanation
    assert mistake.advice in explanation
