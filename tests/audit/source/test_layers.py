"""Which operations there are in a program, and what feeds them."""

# ruff: noqa: E501  # programs, one a line

import pytest

from wolfsbane.audit.source.file import Source

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def kinds_before(program, kind):
    """Return the kinds of what feeds the last step of a kind."""
    source = Source.read(HEAD + program)
    step = [step for step in source.steps if step.kind == kind][-1]
    return sorted({before.kind for before in source.inputs_of(step)})


@pytest.mark.parametrize(
    ("program", "kind", "before"),
    [
        ("def f(x):\n    return F.dropout(F.relu(x))", "dropout", ["relu"]),
        ("def f(x):\n    x = x.relu()\n    return torch.softmax(x, 1)", "softmax", ["relu"]),
        ("def f(x):\n    return x.relu()", "relu", ["input"]),
        ("def f(x):\n    return F.relu(g(x))", "relu", ["unknown"]),
        ("def f(x):\n    return F.relu(input=F.softmax(x))", "relu", ["softmax"]),
        ("def f(x):\n    return F.relu(F.gelu(x) + F.silu(x))", "relu", ["add"]),
        ("def f(x):\n    return torch.cat([F.gelu(x), F.silu(x)])", "cat", ["gelu", "silu"]),
        ("def f(x):\n    return F.relu(x[:, 0])", "relu", ["select"]),
        ("def f(x):\n    y = F.gelu(x) if c else F.silu(x)\n    return F.relu(y)", "relu", ["gelu", "silu"]),
        ("def f(x):\n    for _ in n:\n        x = F.relu(F.gelu(x))", "gelu", ["input", "relu"]),
        ("net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())", "relu", ["linear"]),
        ("net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))", "relu", ["linear"]),
        ("net = nn.Sequential(g(), nn.ReLU())", "relu", ["unknown"]),
        ("net = nn.Sequential(nn.ReLU())", "relu", ["input"]),
        ("net = nn.Sequential(nn.ReLU())\nnet(F.gelu(x))", "relu", ["gelu"]),
        ("net = nn.Sequential(nn.ReLU())\nF.gelu(net(x))", "gelu", ["relu"]),
        ("layers = [nn.Linear(2, 2), nn.ReLU()]\nnet = nn.Sequential(*layers)", "relu", ["linear"]),
        ("layers = []\nfor i in n:\n    layers += [nn.Linear(2, 2), nn.ReLU()]\nnet = nn.Sequential(*layers)", "relu", ["linear"]),
        ("layers = [nn.Linear(2, 2)]\nlayers.append(nn.ReLU())\nnet = nn.Sequential(*layers)", "relu", ["linear"]),
        ("layers = [nn.Linear(2, 2)]\nif c:\n    layers.append(nn.ReLU())\nnet = nn.Sequential(*layers)", "relu", ["unknown"]),
        ("from collections import OrderedDict\nnet = nn.Sequential(OrderedDict([('a', nn.Linear(2, 2)), ('b', nn.ReLU())]))", "relu", ["linear"]),
        ("a = nn.Sequential(nn.Linear(2, 2))\nb = nn.Sequential(nn.ReLU())\nnet = nn.Sequential(a, b)", "relu", ["linear"]),
        ("act = nn.ReLU()\nnet = nn.Sequential(nn.Linear(2, 2), act)", "relu", ["linear"]),
        ("nn.Dropout(0.5)(F.relu(x))", "dropout", ["relu"]),
    ],
)  # fmt: skip
def test_a_step_is_fed_by_what_made_its_tensor(program, kind, before):
    assert kinds_before(program, kind) == before


NETWORK = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.body = nn.Sequential(nn.Linear(3, 3), nn.ReLU())

    def forward(self, x):
        return F.softmax(self.features(x), dim=1)

    def features(self, x):
        return self.fc(self.body(x))
"""


def test_attributes_methods_and_sequentials_of_a_class_are_followed():
    assert kinds_before(NETWORK, "softmax") == ["linear"]


def test_a_model_is_followed_into_its_forward():
    train = """
model = Net().to("cpu")
criterion = nn.CrossEntropyLoss()
def step(net, x, y):
    out = net(x)
    return criterion(out, y)
step(model, 1, 2)
"""
    assert kinds_before(NETWORK + train, "cross_entropy") == ["softmax"]


def test_users_are_the_other_way_round():
    source = Source.read(HEAD + NETWORK)
    (relu,) = [step for step in source.steps if step.kind == "relu"]
    assert [user.kind for user in source.users_of(relu)] == ["linear"]


def test_a_class_of_this_file_is_not_taken_for_torchs():
    program = "class Dropout:\n    pass\nDropout(0.5)(x)\n"
    assert [step.kind for step in Source.read(HEAD + program).steps] == []


def test_functions_that_call_one_another_come_to_an_end():
    program = "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nF.relu(f(1))\n"
    assert kinds_before(program, "relu") in ([], ["unknown"])


def test_a_chain_that_holds_itself_comes_to_an_end():
    assert kinds_before("net = nn.Sequential(nn.ReLU(), net)", "relu") == ["input"]
