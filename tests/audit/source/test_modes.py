"""What the walk over a program knows of its models: steps, evaluations, modes, what made them."""

import textwrap

import pytest

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes import MOST, Mode, modes_of
from wolfsbane.audit.source.modes.makers import dependent_layers

HEAD = "import torch\nfrom torch import nn\n"
LOOP = "for x in data:\n    model(x).sum().backward()\n    optimizer.step()\n"


def record_of(program):
    source = Source.read(HEAD + textwrap.dedent(program))
    return source, modes_of(source)


def modes(settings):
    return {setting.mode for setting in settings}


def test_a_training_step_knows_its_model_and_whether_the_optimizer_has_it():
    made = "model, head = nn.Linear(2, 2), nn.Linear(2, 2)\nmodel.eval()\n"
    for given, is_owned in (("model", True), ("(p for p in model.parameters())", True)):
        text = given if "(" in given else f"{given}.parameters()"
        _, record = record_of(f"{made}optimizer = torch.optim.SGD({text}, 0.1)\n{LOOP}")
        (step,) = {one.node: one for one in record.trained}.values()
        assert (step.is_owned, modes(step.settings)) == (is_owned, {Mode.EVALUATION})
    _, record = record_of(f"{made}optimizer = torch.optim.SGD(head.parameters(), 0.1)\n{LOOP}")
    assert record.trained == []
    _, record = record_of(f"{made}{LOOP}")
    assert {step.is_owned for step in record.trained} == {False}


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("model = nn.Linear(2, 2)", {Mode.TRAINING}),
        ("model = nn.Linear(2, 2).eval()", {Mode.EVALUATION}),
        ("model = build()\nmodel.train(mode=False)", {Mode.EVALUATION}),
        ("model = build()", {Mode.GIVEN}),
        ("model = build()\nmodel.eval()\nmodel.head.train()", {Mode.EVALUATION, Mode.UNKNOWN}),
        ("model = build()\nmodel.eval()\nprepare(model)", {Mode.UNKNOWN}),
        ("model = build()\nmodel.eval()\nsave_checkpoint(model)", {Mode.EVALUATION}),
        ("model = build()\nif flag:\n    model.eval()", {Mode.GIVEN, Mode.EVALUATION}),
        ("model = build()\nmodel.eval() if False else model.train()", {Mode.TRAINING}),
        ("net = build()\nmodel = torch.compile(net)\nnet.eval()", {Mode.EVALUATION}),
    ],
)
def test_the_mode_of_a_call_without_gradients(before, expected):
    program = f"{before}\nwith torch.no_grad():\n    y = model(x)\nmodel.train()\n"
    _, record = record_of(program)
    (call,) = [one for one in record.evaluated if one.node.func.id == "model"]
    assert modes(call.settings) == expected


@pytest.mark.parametrize(
    ("program", "is_sampling"),
    [
        ("for _ in range(9):\n    y = model(x)", True),
        ("ys = [model(x) for _ in range(9)]", True),
        ("for x in data:\n    y = model(x)", False),
        ("for _ in range(9):\n    x = model(x)", False),
        ("def one(x):\n    return model(x)\nfor _ in range(9):\n    y = one(x)", True),
        ("def one(x):\n    return model(x)\nfor x in data:\n    y = one(x)", False),
    ],
)
def test_samples_are_calls_that_a_loop_repeats_on_one_input(program, is_sampling):
    indented = textwrap.indent(program, "    ")
    _, record = record_of(
        f"model = nn.Linear(2, 2)\nmodel.train()\nif go:\n  with torch.no_grad():\n{indented}\n"
    )
    assert {call.is_sampling for call in record.evaluated} == {is_sampling}


def test_what_a_class_is_made_of_is_known_through_its_bases_and_functions():
    source, record = record_of("""
        def block():
            return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))

        class Base(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = block()

        class Net(Base):
            pass

        class Plain(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Linear(2, 2)

        class Foreign(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = elsewhere.Body()

        import elsewhere
        net, plain, foreign = Net(), Plain(), Foreign()
        net.load_state_dict({})
        with torch.no_grad():
            net(x), plain(x), foreign(x)
        """)
    kinds = {
        call.node.func.id: dependent_layers(source, record.makers_of(call.path))
        for call in record.evaluated
    }
    assert kinds == {"net": {"batch_norm"}, "plain": frozenset(), "foreign": None}


def test_a_walk_ends_in_programs_that_call_themselves():
    _, record = record_of("""
        def first(model, x):
            model.eval()
            return second(model, x)

        def second(model, x):
            with torch.no_grad():
                y = model(x)
            first(model, y).backward()
            return y

        first(nn.Linear(2, 2), None)
        """)
    assert {mode for call in record.evaluated for mode in modes(call.settings)} == {Mode.EVALUATION}


def test_a_walk_ends_in_programs_with_very_many_ways():
    calls = "\n".join(f"def f{n}(m):\n    f{n + 1}(m); f{n + 1}(m); f{n + 1}(m)" for n in range(40))
    loops = "".join(f"{' ' * depth}for i{depth} in data:\n" for depth in range(18))
    program = f"{calls}\n{loops}{' ' * 18}model.eval(); f0(model); y.backward()\n"
    _, record = record_of(program)
    assert len(record.evaluated) + len(record.trained) < MOST
