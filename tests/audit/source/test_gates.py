"""What runs, or has a value, in one mode only."""

import pytest

from wolfsbane.audit.source.file import Source


@pytest.mark.parametrize(
    ("program", "is_gated"),
    [
        ("use(p)", False),
        ("use(self.training)", True),
        ("use(p if self.training else 0.0)", True),
        ("use(p * model.training)", True),
        ("p = self.p if self.training else 0.0\nuse(p)", True),
        ("p = self.p\nuse(p)", False),
        ("p = self.p\nif not self.training:\n    p = 0.0\nuse(p)", True),
        ("def f(training):\n    use(training)", True),
        ("def f(p):\n    use(p)\nf(q if self.training else 0.0)", True),
        ("if self.training:\n    use(p)", True),
        ("if x > 0:\n    use(p)", False),
        ("if not self.training:\n    pass\nelse:\n    use(p)", True),
        ("def f(self):\n    if not self.training:\n        return x\n    use(p)", True),
        ("def f(self):\n    if not self.training:\n        y = 0\n    use(p)", False),
        ("y = use(p) if self.training else x", True),
        ("self.training and use(p)", True),
        ("def f(x, active):\n    if active:\n        use(x)", True),
        ("def f(x):\n    x, switch = x\n    if p > 0 and switch:\n        use(x)", True),
        ("def f(x, p):\n    if p:\n        use(p)", False),
        ("def f(self, x):\n    if self.active:\n        use(x)", False),
        ("def f(x, early):\n    if early:\n        return x\n    use(p)", False),
        ("def f(x, weights):\n    if not weights:\n        use(p)", False),
    ],
)
def test_a_gate_is_seen(program, is_gated):
    source = Source.read(program)
    call = next(call for call in source.calls if call.attribute == "use")
    gated = source.is_gated(call.node.args[0]) or source.is_gated(call.node)
    assert gated == is_gated


def test_conditions_are_those_of_the_own_function():
    program = "if a:\n    def f():\n        if b:\n            use(1)\n"
    source = Source.read(program)
    call = next(call for call in source.calls if call.attribute == "use")
    assert [condition.test.id for condition in source.conditions(call.node)] == ["b"]
