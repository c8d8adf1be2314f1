"""Programs in which modes are right, or not known: the rules about modes are silent; and fixes."""

import os
import subprocess
import sys
import textwrap

import pytest

from wolfsbane.audit.registry import select
from wolfsbane.audit.source.check import check_source

RULES = select(["WB2"])
NET = """
import copy
from contextlib import contextmanager
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.drop(self.backbone(x).mean((2, 3))))

def accuracy(model, loader):
    with torch.no_grad():
        return sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
"""
STEP = """
def steps(model, optimizer, loader):
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
"""

SILENT = {
    "train at the start of each epoch": """
        def fit(model, optimizer, train, val):
            for epoch in range(9):
                model.train()
                steps(model, optimizer, train)
                model.eval()
                accuracy(model, val)
        """,
    "restored by the helper": """
        def validate(model, val):
            model.eval()
            result = accuracy(model, val)
            model.train()
            return result

        def fit(model, optimizer, train, val):
            for epoch in range(9):
                steps(model, optimizer, train)
                validate(model, val)
        """,
    "saved and restored if it was training": """
        def validate(model, val):
            was_training = model.training
            model.eval()
            try:
                return accuracy(model, val)
            finally:
                if was_training:
                    model.train()

        def fit(model, optimizer, train, val):
            for epoch in range(9):
                steps(model, optimizer, train)
                validate(model, val)
        """,
    "saved and restored where a library may have set it": """
        from engines import report

        def validate(model, val):
            was_training = model.training
            model.eval()
            result = accuracy(model, val)
            if was_training:
                model.train()
            return result

        def fit(model, optimizer, train, val):
            model.train()
            for epoch in range(9):
                steps(model, optimizer, train)
                report(model)
                validate(model, val)
        """,
    "a discriminator from elsewhere that is left in training mode": """
        from networks import Discriminator, Generator

        def validate(generator, discriminator, val):
            generator.eval()
            with torch.no_grad():
                for x, y in val:
                    print(discriminator(generator(x)).mean().item())
            generator.train()

        def main(train, val):
            generator, discriminator = Generator(), Discriminator()
            optimizer = torch.optim.Adam(discriminator.parameters())
            for epoch in range(9):
                generator.train()
                discriminator.train()
                steps(discriminator, optimizer, train)
                validate(generator, discriminator, val)
        """,
    "restored by a context manager that is an object": """
        class Evaluating:
            def __init__(self, model):
                self.model = model

            def __enter__(self):
                self.mode = self.model.training
                self.model.eval()

            def __exit__(self, *raised):
                self.model.train(self.mode)

        def main(train, val):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for epoch in range(9):
                steps(model, optimizer, train)
                with Evaluating(model):
                    accuracy(model, val)
        """,
    "each module's mode restored": """
        def fit(model, optimizer, train, val):
            for epoch in range(9):
                steps(model, optimizer, train)
                modes = {module: module.training for module in model.modules()}
                model.eval()
                accuracy(model, val)
                for module, mode in modes.items():
                    module.train(mode)
        """,
    "a frozen backbone": """
        def main(train, val):
            model = Net()
            optimizer = torch.optim.SGD(model.head.parameters(), 0.1)
            for epoch in range(9):
                model.train()
                model.backbone.eval()
                steps(model, optimizer, train)
                model.eval()
                accuracy(model, val)
        """,
    "in evaluation from start to end, as in style transfer": """
        def transfer(image, style):
            model = Net()
            model.load_state_dict(torch.load("vgg.pt"))
            model.eval()
            with torch.no_grad():
                target = model(style)
            image = image.clone().requires_grad_()
            optimizer = torch.optim.LBFGS([image])
            for step in range(100):
                def closure():
                    optimizer.zero_grad()
                    loss = (model(image) - target).square().mean()
                    loss.backward()
                    return loss
                optimizer.step(closure)
        """,
    "the mode and the step depend on the same test": """
        def run_epoch(model, loader, optimizer, is_training):
            if not is_training:
                model.eval()
            for x, y in loader:
                loss = F.cross_entropy(model(x), y)
                if is_training:
                    loss.backward()
                    optimizer.step()
            model.train()

        def fit(model, optimizer, train, val, schedule):
            for is_training in schedule:
                run_epoch(model, train, optimizer, is_training)
        """,
    "phases": """
        def fit(model, loaders, optimizer):
            for epoch in range(9):
                for phase in ["train", "val"]:
                    if phase == "train":
                        model.train()
                    else:
                        model.eval()
                    for x, y in loaders[phase]:
                        optimizer.zero_grad()
                        with torch.set_grad_enabled(phase == "train"):
                            loss = F.cross_entropy(model(x), y)
                            if phase == "train":
                                loss.backward()
                                optimizer.step()
        """,
    "a mode that a library's function may set": """
        from trainers import validate

        def fit(model, optimizer, train, val):
            model.eval()
            for epoch in range(9):
                steps(model, optimizer, train)
                model.eval()
                accuracy(model, val)
                validate(model, val)
        """,
    "an attack with gradients": """
        def fit(model, optimizer, train):
            for x, y in train:
                model.eval()
                x = x.clone().requires_grad_()
                F.cross_entropy(model(x), y).backward()
                x = (x + 0.1 * x.grad.sign()).detach()
                model.train()
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
        """,
    "a fresh model for each fold": """
        def cross_validate(folds):
            for train, val in folds:
                model = Net()
                optimizer = torch.optim.SGD(model.parameters(), 0.1)
                steps(model, optimizer, train)
                model.eval()
                accuracy(model, val)
        """,
    "a copy is evaluated": """
        def main(train, val):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for epoch in range(9):
                steps(model, optimizer, train)
                average = copy.deepcopy(model)
                average.eval()
                accuracy(average, val)
        """,
    "validated without no_grad": """
        def main(train, val):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for epoch in range(9):
                model.train()
                steps(model, optimizer, train)
                model.eval()
                for x, y in val:
                    print(F.cross_entropy(model(x), y).item())
        """,
    "a teacher's targets": """
        def main(train):
            model, teacher = Net(), Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for x, y in train:
                with torch.no_grad():
                    target = teacher(x)
                optimizer.zero_grad()
                F.mse_loss(model(x), target).backward()
                optimizer.step()
        """,
    "a generator that is shown now and then": """
        def main(train, noise):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for epoch in range(9):
                steps(model, optimizer, train)
                with torch.no_grad():
                    save_image(model(noise), f"{epoch}.png")
        """,
    "statistics that are recomputed": """
        def main(train, val):
            model = Net()
            model.load_state_dict(torch.load("model.pt"))
            model.train()
            with torch.no_grad():
                for x, _ in val:
                    model(x)
        """,
    "a model without layers that depend on the mode": """
        def main(val):
            model = nn.Sequential(nn.Flatten(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 2))
            model.load_state_dict(torch.load("model.pt"))
            print(accuracy(model, val))
        """,
    "a model whose mode the caller knows": """
        def test(model, loader):
            with torch.no_grad():
                return sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
        """,
    "a pretrained model comes in evaluation mode": """
        from transformers import AutoModel

        def main(val):
            model = AutoModel.from_pretrained("bert")
            model.load_state_dict(torch.load("model.pt"))
            print(accuracy(model, val))
        """,
    "Monte-Carlo dropout by dropout alone": """
        def main(x):
            model = Net()
            model.load_state_dict(torch.load("model.pt"))
            model.eval()
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.train()
            with torch.no_grad():
                print(torch.stack([model(x) for _ in range(30)]).std(0))
        """,
    "Monte-Carlo dropout without batch norm": """
        def main(x):
            model = nn.Sequential(nn.Linear(9, 9), nn.ReLU(), nn.Dropout(0.5), nn.Linear(9, 2))
            model.load_state_dict(torch.load("model.pt"))
            model.train()
            with torch.no_grad():
                print(torch.stack([model(x) for _ in range(30)]).std(0))
        """,
    "layers registered by name": """
        class Wide(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.layers = [nn.Linear(4, 4) for _ in range(depth)]
                for number, layer in enumerate(self.layers):
                    self.add_module(f"layer{number}", layer)
        """,
    "layers wrapped later": """
        class Wide(nn.Module):
            def __init__(self, depth):
                super().__init__()
                layers = []
                for _ in range(depth):
                    layers.append(nn.Linear(4, 4))
                self.order = layers
                self.body = nn.Sequential(*layers)
        """,
    "a list of one hides a module on purpose": """
        class Student(nn.Module):
            def __init__(self):
                super().__init__()
                self.teacher = [Net()]
                self.net = Net()
        """,
    "layers that are attributes as well": """
        class Two(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(4, 4)
                second = nn.Linear(4, 4)
                self.second = second
                self.both = [self.first, second]
        """,
    "activations have nothing to register": """
        class Chooser(nn.Module):
            def __init__(self):
                super().__init__()
                self.choices = {"relu": nn.ReLU(), "tanh": nn.Tanh()}
                self.losses = [nn.MSELoss(), nn.L1Loss()]
        """,
    "a list of networks in what is no module": """
        class Ensemble:
            def __init__(self, size):
                self.members = [Net() for _ in range(size)]
        """,
    "a dataset's split": "dataset.train\n",
    "a mode that is passed on": "print(Net().eval)\n",
}

FOUND = {
    "WB201, evaluated before the first epoch": """
        def main(train, val):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            model.eval()
            accuracy(model, val)
            for epoch in range(9):
                steps(model, optimizer, train)
        """,
    "WB201, in a branch": """
        def fit(model, optimizer, train, val):
            model.train()
            for epoch in range(9):
                steps(model, optimizer, train)
                if epoch % 5 == 4:
                    model.eval()
                    accuracy(model, val)
        """,
    "WB201, restored on one way only": """
        def validate(model, val):
            model.eval()
            if not val:
                return None
            result = accuracy(model, val)
            model.train()
            return result

        def fit(model, optimizer, train, val):
            for epoch in range(9):
                steps(model, optimizer, train)
                validate(model, val)
        """,
    "WB201, through a wrapper and an alias": """
        def main(train, val):
            net = Net()
            model = nn.DataParallel(net).cuda()
            params = [p for p in model.parameters() if p.requires_grad]
            optimizer = torch.optim.SGD(params, 0.1)
            for epoch in range(9):
                steps(model, optimizer, train)
                net.eval()
                accuracy(model, val)
        """,
    "WB201, in methods": """
        class Trainer:
            def __init__(self, model):
                self.model = model
                self.optimizer = torch.optim.SGD(self.model.parameters(), 0.1)

            def fit(self, train, val):
                self.model.train()
                for epoch in range(9):
                    steps(self.model, self.optimizer, train)
                    self.evaluate(val)

            def evaluate(self, val):
                self.model.train(False)
                return accuracy(self.model, val)
        """,
    "WB201, while it runs": """
        def fit(model, optimizer, train, val):
            batches = iter(train)
            while True:
                x, y = next(batches)
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                if stop():
                    break
                model.eval()
                accuracy(model, val)
        """,
    "WB203, trained and tested in turn": """
        def main(train, val):
            model = Net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for epoch in range(9):
                model.train()
                steps(model, optimizer, train)
                accuracy(model, val)
        """,
    "WB203, a library's model": """
        from torchvision import models

        def main(val):
            model = models.resnet18(num_classes=2)
            model.load_state_dict(torch.load("model.pt"))
            print(accuracy(model, val))
        """,
    "WB203, the other of two is in evaluation mode": """
        def main(train, val):
            first, second = Net(), Net()
            first.train()
            second.train()
            optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], 0.1)
            for epoch in range(9):
                steps(first, optimizer, train)
                second.eval()
                accuracy(first, val)
                second.train()
        """,
    "WB205, in a tuple, made by a function": """
        def block(width):
            return nn.Sequential(nn.Linear(width, width), nn.Tanh())

        class Wide(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = tuple(block(4) for _ in range(3))
        """,
    "WB205, dropout that eval does not reach": """
        class Wide(nn.Module):
            def __init__(self):
                super().__init__()
                self.drops = [nn.Dropout(0.1), nn.Dropout(0.2)]
        """,
    "WB206, one pass over the data for each sample": """
        def main(loader):
            model = Net()
            model.load_state_dict(torch.load("model.pt"))
            model.train()
            with torch.no_grad():
                for x, _ in loader:
                    for _ in range(20):
                        print(model(x).mean())
        """,
}


def codes(program):
    text = NET + STEP + textwrap.dedent(program)
    return [finding.code for finding in check_source(text, "program.py", RULES)]


@pytest.mark.parametrize("program", SILENT.values(), ids=SILENT.keys())
def test_a_right_or_unknown_mode_is_not_reported(program):
    assert codes(program) == []


@pytest.mark.parametrize(("name", "program"), FOUND.items(), ids=FOUND.keys())
def test_a_wrong_mode_is_reported_once(name, program):
    assert codes(program) == [name[:5]]


FIXED = {
    "the loop only trains": (
        """
        def fit(model, optimizer, train, val):
            for epoch in range(9):
                for x, y in train:
                    F.cross_entropy(model(x), y).backward()
                    optimizer.step()
                model.eval()
                accuracy(model, val)
        """,
        "        model.train()\n        for x, y in train:\n",
    ),
    "the loop evaluates as well": (
        """
        def fit(model, optimizer, batches, val):
            for x, y in batches:
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
                model.eval()
                accuracy(model, val)
        """,
        "    for x, y in batches:\n        model.train()\n        F.cross_entropy",
    ),
    "a list": (
        """
        class Wide(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = [nn.Linear(4, 4) for _ in range(3)]
        """,
        "self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])\n",
    ),
    "a dict": (
        """
        class Wide(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = {"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)}
        """,
        'nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 4)})\n',
    ),
    "a name": (
        """
        class Wide(nn.Module):
            def __init__(self):
                super().__init__()
                layers = []
                layers.append(nn.Linear(4, 4))
                self.layers = layers
        """,
        "self.layers = nn.ModuleList(layers)\n",
    ),
    "no parentheses": ("model = Net()\nmodel.eval\n", "model.eval()\n"),
}


@pytest.mark.parametrize(("program", "expected"), FIXED.values(), ids=FIXED.keys())
def test_a_fix_mends_the_program(program, expected):
    text = NET + textwrap.dedent(program)
    (finding,) = check_source(text, "program.py", RULES)
    assert finding.fix is not None
    assert finding.fix.is_safe == (finding.code == "WB204")
    fixed = applied(text, finding.fix)
    assert expected in fixed
    assert check_source(fixed, "program.py", RULES) == []


def applied(text, fix):
    lines = text.splitlines(keepends=True)
    for edit in sorted(fix.edits, key=lambda edit: edit.span, reverse=True):
        line, column = edit.span.line - 1, edit.span.column - 1
        lines[line] = lines[line][:column] + edit.text + lines[line][column:]
    return "".join(lines)


def test_no_fix_is_offered_where_a_dict_has_keys_that_are_no_names():
    program = """
        class Wide(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = {1: nn.Linear(4, 4), 2: nn.Linear(4, 4)}
        """
    (finding,) = check_source(NET + textwrap.dedent(program), "program.py", RULES)
    assert (finding.code, finding.fix) == ("WB205", None)


def test_findings_are_the_same_whatever_the_order_of_sets(tmp_path):
    text = NET + STEP + textwrap.dedent(FOUND["WB201, through a wrapper and an alias"])
    file = tmp_path / "program.py"
    file.write_text(text)
    command = (
        "import sys; from wolfsbane.audit.source.check import check_source;"
        "print(*check_source(open(sys.argv[1]).read(), 'x.py'), sep=';')"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", command, str(file)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert "WB201" in printed.pop()
