"""How much is looked at: in work counted, not in time, which other programs share."""

from collections.abc import Callable

import pytest

from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.layers import Layers
from wolfsbane.audit.source.modes import modes_of
from wolfsbane.audit.source.modes.statements import Walk
from wolfsbane.audit.source.objects import Objects
from wolfsbane.audit.source.values import MOST_VISITED, Values

IMPORTS = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"

Counted = Callable[[type, str], list[int]]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count the calls of a method, in the one number of the list."""

    def count(owner: type, name: str) -> list[int]:
        method, calls = getattr(owner, name), [0]

        def counting(*args: object, **keywords: object) -> object:
            calls[0] += 1
            return method(*args, **keywords)

        monkeypatch.setattr(owner, name, counting)
        return calls

    return count


def test_steps_of_a_kind_are_those_among_all_steps() -> None:
    source = Source.read(
        IMPORTS
        + "class Net(nn.Module):\n"
        + "    def __init__(self):\n"
        + "        self.drop = nn.Dropout(0.1)\n"
        + "        self.net = nn.Sequential(nn.Dropout(0.2), nn.Linear(8, 8))\n"
        + "    def forward(self, x):\n"
        + "        return F.dropout(self.drop(self.net(x)).softmax(1))\n"
    )
    dropouts = [step for step in source.steps if step.kind == "dropout"]
    assert len(dropouts) == 3
    assert source.steps_of({"dropout"}) == dropouts
    assert source.functions_of({"dropout"}) == [one for one in dropouts if one.creation is None]
    assert [step.kind for step in source.steps_of({"softmax"})] == ["softmax"]
    assert source.may_have({"linear"})
    assert not source.may_have({"sigmoid"})


def test_nothing_is_followed_for_kinds_that_do_not_occur(counted: Counted) -> None:
    program = "".join(f"def f{i}(x, layer):\n    return layer(x).view({i})\n" for i in range(20))
    source, followed = Source.read(IMPORTS + program), counted(Layers, "called")
    assert source.steps_of({"softmax", "dropout"}) == []
    assert followed == [0]


@pytest.mark.parametrize("text", ["self.head.train(self.training)", "super().train(mode)"])
def test_a_file_that_only_defines_models_is_not_walked_over(counted: Counted, text: str) -> None:
    visited = counted(Walk, "value")
    modes_of(
        Source.read(
            IMPORTS
            + "class Net(nn.Module):\n"
            + "    @torch.no_grad()\n"
            + "    def fuse(self, mode):\n"
            + f"        {text}\n"
        )
    )
    assert visited == [0]


def test_a_walk_begins_only_where_it_leads_to_training_or_evaluation(counted: Counted) -> None:
    plain = "".join(f"def f{i}(x):\n    return f{i}(x + {i})\n" for i in range(50))
    step = "def step(m, opt, x):\n    m.eval()\n    m(x).backward()\n    opt.step()\n"
    visited = counted(Walk, "value")
    assert modes_of(Source.read(IMPORTS + step)).trained
    alone, visited[0] = visited[0], 0
    assert modes_of(Source.read(IMPORTS + plain + step)).trained
    assert visited[0] == alone


def test_a_function_that_trains_by_another_one_is_walked_over() -> None:
    source = Source.read(
        IMPORTS
        + "def outer(m, opt, x):\n    m.eval()\n    inner(m, opt, x)\n"
        + "def inner(m, opt, x):\n    m(x).backward()\n    opt.step()\n"
    )
    (trained,) = modes_of(source).trained
    assert [setting.node is not None for setting in trained.settings] == [True]


def _classes(number: int) -> str:
    return IMPORTS + "".join(
        f"class Net{i}(nn.Module):\n"
        f"    def __init__(self, p):\n"
        f"        super().__init__()\n"
        f"        self.drop = nn.Dropout(p)\n"
        f"        self.layers = []\n"
        f"        self.layers.append(nn.Linear(8, 8))\n"
        f"    def forward(self, x):\n"
        f"        return self.drop(x)\n"
        for i in range(number)
    )


def test_work_grows_with_the_number_of_classes_not_with_its_square(counted: Counted) -> None:
    named = counted(Objects, "_named")
    assert len(check_source(_classes(20))) == 20
    few, named[0] = named[0], 0
    assert len(check_source(_classes(80))) == 80
    assert 0 < few <= named[0] <= 5 * few


def test_bases_of_bases_are_not_followed_without_end() -> None:
    program = "".join(f"class C{i + 1}(C{i}):\n    pass\n" for i in range(300))
    source = Source.read(IMPORTS + "class C0(nn.Module):\n    pass\n" + program)
    assert len(source.lineage(source.classes[-1])) < 150
    assert len(source.lineage(source.classes[50])) == 51


def test_functions_that_call_one_another_are_not_followed_along_every_way(counted: Counted) -> None:
    number = 40
    program = "".join(
        f"def f{i}(x, p):\n"
        f"    F.dropout(x, p)\n"
        f"    f{(3 * i + 1) % number}(x, p)\n"
        f"    f{(7 * i + 2) % number}(x, p)\n"
        f"    f{(11 * i + 5) % number}(x, p)\n"
        for i in range(number)
    )
    asked = counted(Values, "given")
    source = Source.read(IMPORTS + program)
    for step in source.functions_of({"dropout"}):
        assert step.call is not None
        source.origins(step.call.node.args[1])
    assert 0 < asked[0] < number * MOST_VISITED
