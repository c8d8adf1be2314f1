"""check_model: which rules are asked, with what, and in which order they answer."""

from typing import ClassVar

import pytest
import torch
from torch import nn

from audit.model.zoo import Attention
from wolfsbane.audit import allow, check_model
from wolfsbane.audit.finding import Channel, Place, Severity
from wolfsbane.audit.registry import all_rules
from wolfsbane.audit.rule import Rule
from wolfsbane.errors import ArgumentError, ArgumentTypeError


class EveryLinear(Rule):
    """Finds every linear layer, the last first, and twice."""

    code = "WB199"
    name = "every-linear"
    severity = Severity.NOTE

    def check_model(self, model):
        for layer in [*reversed(model.of_kind({"linear"}))] * 2:
            yield self.found(Channel.MODEL, layer.place, f"{layer} is linear", "Look at it")


class EverySoftmax(Rule):
    """Finds every softmax of the tape."""

    code = "WB198"
    name = "every-softmax"
    severity = Severity.NOTE

    def check_model(self, model):
        for operation in () if model.tape is None else model.tape.operations:
            if operation.kind == "softmax":
                yield self.found(Channel.MODEL, operation.place, "a softmax", "Look at it")


class NeedsNoModel(Rule):
    """A rule of another channel, which is not asked."""

    code = "WB197"
    name = "of-a-run"
    severity = Severity.NOTE

    def observer(self):
        raise AssertionError("asked")


class Views(Rule):
    """Keeps what it was shown."""

    code = "WB196"
    name = "keeps-views"
    severity = Severity.NOTE
    seen: ClassVar = []

    def check_model(self, model):
        self.seen.append(model)
        return iter(())


@pytest.fixture
def view():
    Views.seen.clear()

    def shown(*args, **kwargs):
        check_model(*args, **kwargs, rules=[Views])
        return Views.seen.pop()

    return shown


def a_model():
    return nn.Sequential(
        nn.Linear(3, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 3)), nn.Linear(3, 2)
    )


def test_findings_are_told_once_in_the_order_of_the_layers():
    found = check_model(a_model(), rules=[EveryLinear, NeedsNoModel])
    assert [finding.place.module for finding in found] == ["0", "2.0", "3"]


def test_operations_are_there_with_example_inputs_only():
    assert check_model(Attention(), rules=[EverySoftmax]).codes == []
    found = check_model(Attention(), {"hidden": torch.randn(2, 4, 6)}, rules=[EverySoftmax])
    assert found.codes == ["WB198"]
    assert found[0].place.file.endswith("zoo.py")
    assert found[0].place.module == ""


@pytest.mark.parametrize(
    "inputs",
    [torch.randn(4, 3), (torch.randn(4, 3),), [torch.randn(4, 3)], {"input": torch.ones(3)}],
)
def test_inputs_may_be_a_tensor_a_tuple_or_keywords(inputs, view):
    assert view(a_model(), inputs).tape.source == "torch.export"


def test_a_note_says_what_was_not_looked_at():
    assert "example_inputs" in check_model(a_model(), rules=[]).notes[0]
    assert check_model(a_model(), torch.randn(4, 3), rules=[]).notes == []
    assert "did not run" in check_model(a_model(), torch.randn(4, 9), rules=[]).notes[0]


def test_a_rule_is_shown_what_was_given(view):
    model = a_model()
    loss, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
    loader = torch.utils.data.DataLoader([1, 2, 3])
    shown = view(model, torch.randn(4, 3), loss, optimizer, loader)
    assert shown.model is model
    assert (shown.loss, shown.loss_kind) == (loss, "cross_entropy")
    assert (shown.optimizer, shown.loader) == (optimizer, loader)
    assert [layer.module for layer in shown.layers] == list(model.modules())


def test_a_view_finds_layers_by_path_by_module_and_from_above(view):
    model = a_model()
    shown = view(model, torch.randn(4, 3))
    inner = shown.layer_at("2.0")
    assert shown.layer_of(model[2][0]) is inner
    assert shown.layer_at("9") is shown.layer_of(nn.ReLU()) is None
    assert shown.children_of(shown.layer_at("2")) == [inner]
    assert [operation.kind for operation in shown.operations_in(inner)] == ["linear"]


def test_a_shared_layer_is_a_child_of_each_that_holds_it(view):
    shared = nn.Linear(3, 3)
    shown = view(nn.Sequential(nn.Sequential(shared), nn.Sequential(shared)))
    children = [shown.children_of(shown.layer_at(path)) for path in ("0", "1")]
    assert children == [[shown.layer_of(shared)]] * 2


def test_a_loader_is_not_iterated_over():
    def batches():
        raise AssertionError("iterated over")
        yield

    check_model(a_model(), loader=batches())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "net"}, r"model has to be a torch\.nn\.Module, but got 'net'"),
        ({"example_inputs": 3}, "example_inputs has to be a tensor, a tuple .* but got int"),
        ({"loss": nn.CrossEntropyLoss}, r"got the class CrossEntropyLoss\. Call it first"),
        ({"loss": 3}, "loss has to be a module, a function or a name, but got 3"),
        ({"optimizer": torch.optim.SGD}, r"has to be a torch\.optim\.Optimizer, but got the class"),
        ({"loader": 3}, "loader has to be a DataLoader or another iterable of batches, but got 3"),
        ({"rules": Rule}, r"given as codes or classes, as in .* but got <class"),
        ({"rules": [3]}, r"given as codes or classes, as in \['WB1', 'WB201'\], but got 3"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_argument_of_the_wrong_type_is_refused(arguments, message):
    with pytest.raises(ArgumentTypeError, match=message):
        check_model(**{"model": a_model(), **arguments})


def test_a_loss_of_no_known_name_is_refused():
    with pytest.raises(
        ArgumentError, match=r"no loss is called 'cros_entropy'; perhaps cross_entr"
    ):
        check_model(a_model(), loss="cros_entropy")


def test_all_rules_are_silent_on_a_model_without_mistakes():
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = check_model(
        model, torch.randn(4, 3), nn.CrossEntropyLoss(), optimizer, rules=all_rules()
    )
    assert list(found) == []


def test_what_is_allowed_is_left_out():
    model = a_model()
    code = all_rules()[0].code

    class Same(EveryLinear):
        """The same under a code that there is."""

    Same.code = code
    allow(model[2], code, reason="a test")
    found = check_model(model, rules=[Same])
    assert [finding.place.module for finding in found] == ["0", "3"]


def test_a_finding_without_a_module_is_the_models():
    class Whole(Rule):
        """Says something of the whole model."""

        code = all_rules()[0].code
        name = "whole-model"
        severity = Severity.NOTE

        def check_model(self, model):
            yield self.found(Channel.MODEL, Place(), "the whole", "Look at it")

    model = a_model()
    assert len(check_model(model, rules=[Whole])) == 1
    allow(model, Whole.code, reason="a test")
    assert len(check_model(model, rules=[Whole])) == 0
