"""Which modes of a run are reported, with which evidence, and which are deliberate."""

import textwrap

import pytest

from audit.programs import found_by
from wolfsbane.audit.finding import Channel
from wolfsbane.audit.registry import select

RULES = select(["WB2"])
SETUP = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8))
        self.fc = nn.Sequential()
        self.fc.add_module("drop", nn.Dropout(0.3))
        self.fc.add_module("out", nn.Linear(8, 2))

    def forward(self, x):
        return self.fc(self.backbone(x))

def step(model, optimizer, x=None):
    x = torch.randn(6, 4) if x is None else x
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()

torch.manual_seed(0)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), 0.1)
"""
LINES = len(SETUP.splitlines())


def found(program, path="train.py"):
    text = SETUP + textwrap.dedent(program)
    return [one for one in found_by(Channel.RUN, text, RULES, path) if one.code != "WB207"]


def test_wb201_says_which_layer_how_often_and_where_the_mode_was_set():
    (finding,) = found("""
        for _ in range(3):
            step(model, optimizer)
        model.eval()
        for _ in range(9):
            step(model, optimizer)
        """)
    assert finding.code == "WB201"
    assert finding.message == (
        "batch norm 'backbone.1' was in eval mode in 9 of 12 training steps, and so was 1 other "
        f"layer; mode was last set at train.py:{LINES + 4}"
    )
    assert finding.place.span.line == LINES + 4
    assert finding.place.module == "backbone.1"


def test_wb202_says_which_part_never_was_in_training_mode():
    (finding,) = found("""
        model.fc.eval()
        for _ in range(5):
            step(model, optimizer)
        """)
    assert finding.code == "WB202"
    assert finding.message.startswith(
        "'fc' trains, but was never in training mode: dropout 'fc.drop' p=0.3 was in eval mode in "
        "all 5 training steps"
    )


def test_wb203_says_what_was_on():
    (finding,) = found("""
        for _ in range(2):
            step(model, optimizer)
        with torch.no_grad():
            for _ in range(4):
                model(torch.randn(6, 4))
        """)
    assert finding.code == "WB203"
    assert finding.message == (
        "the model was in training mode in 4 calls without gradients: dropout 'fc.drop' p=0.3 "
        "dropped and batch norm 'backbone.1' updated"
    )


def test_wb206_counts_the_samples():
    (finding,) = found("""
        step(model, optimizer)
        x = torch.randn(6, 4)
        with torch.inference_mode():
            for _ in range(7):
                model(x)
        """)
    assert finding.code == "WB206"
    assert finding.message.startswith(
        "batch norm 'backbone.1' updated the running statistics in 7 calls without gradients"
    )


def test_wb203_does_not_say_updated_of_statistics_that_rest():
    (finding,) = found("""
        step(model, optimizer)
        model.backbone[1].momentum = 0.0
        with torch.no_grad():
            model(torch.randn(6, 4))
        """)
    assert finding.code == "WB203"
    assert finding.message.endswith(
        "dropout 'fc.drop' p=0.3 dropped and batch norm 'backbone.1' normalised by the batch"
    )


DELIBERATE = {
    "samples in training mode, whose running statistics rest": """
        step(model, optimizer)
        model.backbone[1].momentum = 0.0
        with torch.no_grad():
            x = torch.randn(6, 4)
            for _ in range(7):
                model(x)
        """,
    "a part is in evaluation mode while the model trains": """
        for _ in range(3):
            model.train()
            model.backbone.eval()
            step(model, optimizer)
        """,
    "a frozen backbone": """
        model.backbone.requires_grad_(False)
        model.backbone.eval()
        for _ in range(3):
            step(model, optimizer)
        """,
    "batch norms put into evaluation mode one by one": """
        for module in model.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.eval()
        for _ in range(3):
            step(model, optimizer)
        """,
    "restored in time": """
        for _ in range(3):
            model.train()
            step(model, optimizer)
            model.eval()
            with torch.no_grad():
                model(torch.randn(6, 4))
        """,
    "validated with gradients in evaluation mode": """
        for _ in range(3):
            model.train()
            step(model, optimizer)
            model.eval()
            model(torch.randn(6, 4))
        """,
    "an attack in evaluation mode": """
        for _ in range(3):
            x = torch.randn(6, 4, requires_grad=True)
            model.eval()
            model(x).sum().backward()
            model.train()
            step(model, optimizer, (x + x.grad).detach())
        """,
    "self-conditioning: the step's own input": """
        for _ in range(3):
            x = torch.randn(6, 4)
            with torch.no_grad():
                model(x)
            step(model, optimizer, x)
        """,
    "dropouts alone are in training mode": """
        step(model, optimizer)
        model.eval()
        model.fc.drop.train()
        x = torch.randn(6, 4)
        with torch.no_grad():
            for _ in range(5):
                model(x)
        """,
    "statistics recomputed": """
        from torch.optim.swa_utils import update_bn
        step(model, optimizer)
        update_bn([torch.randn(6, 4) for _ in range(3)], model)
        """,
    "no layer depends on the mode": """
        model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0), nn.Tanh(), nn.Linear(4, 2))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        step(model, optimizer)
        with torch.no_grad():
            model(torch.randn(6, 4))
        model.eval()
        step(model, optimizer)
        """,
    "a frozen teacher that is hidden": """
        class Student(Net):
            def __init__(self):
                super().__init__()
                self.teacher = [Net().eval().requires_grad_(False)]
                self.others = {"a": Net().eval().requires_grad_(False), "b": self.fc}

            def forward(self, x):
                taught = self.teacher[0](x) - self.others["a"](x)
                return super().forward(x) + taught + self.others["b"].drop(x).sum()

        model = Student()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            step(model, optimizer)
        """,
    "a layer made in forward is another rule's": """
        class Makes(Net):
            def forward(self, x):
                return super().forward(nn.Dropout(0.1)(x))

        model = Makes()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            step(model, optimizer)
        """,
    "a loss with parameters of its own": """
        class Scaled(nn.Module):
            def __init__(self):
                super().__init__()
                self.scale = nn.Parameter(torch.ones(2))

            def forward(self, x):
                return (self.scale * x).square().mean()

        criterion = Scaled()
        optimizer = torch.optim.SGD([*model.parameters(), *criterion.parameters()], 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            criterion(model(torch.randn(6, 4))).backward()
            optimizer.step()
        """,
}


@pytest.mark.parametrize("program", DELIBERATE.values(), ids=DELIBERATE.keys())
def test_what_is_deliberate_is_not_reported(program):
    own = [one for one in found(program) if one.code in {f"WB20{n}" for n in range(1, 7)}]
    assert [str(one) for one in own] == []


def test_of_two_models_the_one_in_evaluation_mode_is_named():
    (finding,) = found("""
        other = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Linear(4, 2))
        other_optimizer = torch.optim.SGD(other.parameters(), 0.1)
        for epoch in range(2):
            for _ in range(3):
                step(model, optimizer)
                step(other, other_optimizer)
            other.eval()
        """)
    assert finding.code == "WB201"
    assert finding.message.startswith(
        "dropout '1' p=0.1 was in eval mode in 3 of 6 training steps, in Sequential; mode was last"
    )


def test_wb205_names_the_outermost_modules_that_are_kept():
    (finding,) = found("""
        class Wide(Net):
            def __init__(self):
                super().__init__()
                self.blocks = [nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Linear(4, 4)]

            def forward(self, x):
                for block in self.blocks:
                    x = block(x)
                return super().forward(x)

        model = Wide()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            step(model, optimizer)
        """)
    assert finding.code == "WB205"
    assert finding.message.startswith(
        "the model calls 2 modules that it does not know: Sequential, Linear(in_features=4"
    )
