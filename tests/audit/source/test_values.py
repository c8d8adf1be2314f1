"""Where a value comes from: through names, branches, attributes, calls."""

# ruff: noqa: E501  # programs, one a line

import ast

import pytest

from wolfsbane.audit.source.file import UNKNOWN, Source


def origins_of_argument(program):
    """Return the texts of what the argument of the last call of `use` may be."""
    source = Source.read(program)
    call = next(call for call in reversed(source.calls) if call.attribute == "use")
    return sorted(ast.unparse(origin) for origin in source.origins(call.node.args[0]))


@pytest.mark.parametrize(
    ("program", "origins"),
    [
        ("use(1)", ["1"]),
        ("a = 1\nuse(a)", ["1"]),
        ("a = 1\na = 2\nuse(a)", ["2"]),
        ("a = 1\nif c:\n    a = 2\nuse(a)", ["1", "2"]),
        ("if c:\n    a = 1\nelse:\n    a = 2\nuse(a)", ["1", "2"]),
        ("def f(a):\n    if c:\n        return\n    use(a)", ["a"]),
        ("def f():\n    a = 1\n    if c:\n        a = 2\n        return\n    use(a)", ["1"]),
        ("a = 1\nfor i in b:\n    use(a)\n    a = 2", ["1", "2"]),
        ("a = 1\nwhile c:\n    a = 2\nuse(a)", ["1", "2"]),
        ("try:\n    a = 1\nexcept E:\n    a = 2\nuse(a)", ["1", "2"]),
        ("a = 1\nwith b as a:\n    use(a)", ["a"]),
        (
            "match b:\n    case 1:\n        a = 1\n    case _:\n        a = 2\nuse(a)",
            ["1", "2"],
        ),
        ("a = b = 3\nuse(b)", ["3"]),
        ("a, b = 1, 2\nuse(b)", ["2"]),
        ("a, (b, c) = f()\nuse(b)", ["f()"]),
        ("use(1 if c else 2)", ["1", "2"]),
        ("use(a or 2)", ["2", "a"]),
        ("if (n := 3) > 2:\n    use(n)", ["3"]),
        ("x = 1\n[use(x) for x in b]", ["x"]),
        ("a: int = 4\nuse(a)", ["4"]),
        ("a = 1\na += 1\nuse(a)", ["a"]),
        ("def f(a=1):\n    use(a)\nf(2)\nf()", ["1", "2"]),
        ("def f(a, b):\n    use(b)\nf(1, b=2)\nf(3, 4)", ["2", "4"]),
        ("def f(a):\n    use(a)\nf(*b)", ["a"]),
        ("def f():\n    return 1, 2\na, b = f()\nuse(b)", ["2"]),
        (
            "def f():\n    if c:\n        return 1, 2\n    return 3, 4, 5\na, b, d = f()\nuse(b)",
            ["4"],
        ),
        ("class A:\n    x = 1\n    def f(self):\n        use(self.x)", ["1"]),
        (
            "class A:\n    def __init__(self):\n        self.x = 1\n    def f(self):\n        use(self.x)",
            ["1"],
        ),
        (
            "class B:\n    def g(self):\n        self.x = 1\nclass A(B):\n    def f(self):\n        use(self.x)",
            ["1"],
        ),
        ("class A:\n    def __init__(self, x):\n        self.x = x\na = A(5)\nuse(a.x)", ["5"]),
        (
            "class A:\n    def f(self, x):\n        use(x)\n    def g(self):\n        self.f(7)",
            ["7"],
        ),
        ("def f(a):\n    use(a)\n    f(a)", []),
        ("a = a\nuse(a)", ["a"]),
    ],
)
def test_a_value_comes_from_what_may_reach_it(program, origins):
    assert origins_of_argument(program) == origins


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("p = 0.5\nuse(p)", 0.5),
        ("use(-1)", -1),
        ("use(p)", UNKNOWN),
        ("p = 0.5\nif c:\n    p = 0.5\nuse(p)", 0.5),
        ("p = 0.5\nif c:\n    p = 0.1\nuse(p)", UNKNOWN),
        ("p = 1\nif c:\n    p = True\nuse(p)", UNKNOWN),
    ],
)
def test_a_constant_is_what_all_origins_agree_on(program, value):
    source = Source.read(program)
    call = next(call for call in source.calls if call.attribute == "use")
    assert source.constant(call.node.args[0]) == value


@pytest.mark.parametrize(
    "made",
    [
        "net = Net()",
        "net = Net().to(device)",
        "net = Net()\nnet = net.cuda()",
        "net = torch.compile(Net())",
        "net = nn.DataParallel(Net().cuda(), device_ids=[0])",
        "net = copy.deepcopy(Net())",
        "def build():\n    net = Net()\n    return net\nnet = build()",
    ],
)
def test_a_model_is_known_through_wrappers_and_moves(made):
    program = f"""
import copy, torch
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        return x
{made}
net(1)
"""
    source = Source.read(program)
    (forward,) = [function for function in source.functions if function.name == "forward"]
    called = [call.node.lineno for call in source.callers(forward)]
    expected = [] if made.startswith("def") else [program.count("\n")]
    assert called == expected


def test_values_that_define_one_another_come_to_an_end():
    program = """
class A:
    def __init__(self):
        self.a = self.b.c
        self.b = self.a.d
    def f(self):
        use(self.a.b.c)
"""
    assert origins_of_argument(program)


def test_a_chain_longer_than_the_limit_ends_where_it_is_cut():
    program = "a0 = 1\n" + "".join(f"a{n + 1} = a{n}\n" for n in range(60)) + "use(a60)"
    assert len(origins_of_argument(program)) == 1
