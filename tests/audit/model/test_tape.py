"""The operations of a model: the same story from torch.export and from a function mode."""

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import wolfsbane
from audit.model.zoo import Attention, Recurrent, Tied
from wolfsbane.anatomy.example import as_inputs
from wolfsbane.audit.model import recording
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.model.recording import record

BOTH = pytest.mark.parametrize("source", ["torch.export", "a function mode"])


def tape_of(model, inputs, source="torch.export"):
    with pytest.MonkeyPatch.context() as patch:
        if source != "torch.export":
            patch.setattr(recording, "exported", no_export)
        found = record(model, layers_of(model), as_inputs(inputs))
    assert found.tape is not None, found.note
    assert found.tape.source == source
    assert not found.tape.training
    return found.tape


def no_export(*_, **__):
    raise RuntimeError("export is out of order")


def kinds(tape):
    return [operation.kind for operation in tape.operations]


def only(tape, kind):
    (operation,) = (operation for operation in tape.operations if operation.kind == kind)
    return operation


def line_of(text):
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.bn = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(4, 2)
        self.held = [nn.Dropout(0.75)]

    def forward(self, x):
        x = self.act(self.bn(self.conv(x)))
        x = F.dropout2d(x, 0.125)  # always on
        x = self.held[0](self.drop(x.mean((2, 3))))
        return {"logits": self.fc(x).softmax(dim=1), "features": [x, 3]}


@pytest.fixture
def net():
    return Net()


@BOTH
def test_operations_are_in_order_with_the_vocabularys_words(net, source):
    tape = tape_of(net, torch.randn(2, 3, 5, 5), source)
    assert kinds(tape) == [
        "input",
        "conv",
        "batch_norm",
        "relu",
        "dropout2d",
        "mean",
        "dropout",
        "dropout",
        "linear",
        "softmax",
    ]


@BOTH
def test_an_operation_knows_its_arguments_layer_line_and_shape(net, source):
    tape = tape_of(net, torch.randn(2, 3, 5, 5), source)
    always_on, softmax = only(tape, "dropout2d"), only(tape, "softmax")
    assert always_on.arguments.items() >= {"p": 0.125, "training": True}.items()
    assert always_on.layer.path == ""
    assert always_on.place.file == __file__
    assert always_on.place.span.line == line_of("# always on")
    assert always_on.shape == (2, 4, 3, 3)
    assert softmax.arguments["dim"] == 1
    norm = only(tape, "batch_norm")
    assert norm.layer.path == norm.place.module == "bn"
    assert norm.arguments.items() >= {"training": False, "momentum": 0.1}.items()
    assert only(tape, "relu").arguments["inplace"] is True


@BOTH
def test_a_layer_in_a_plain_list_stays_in_training_and_belongs_to_its_holder(net, source):
    tape = tape_of(net, torch.randn(2, 3, 5, 5), source)
    registered, listed = (o for o in tape.operations if o.kind == "dropout")
    assert (registered.layer.path, registered.arguments["training"]) == ("drop", False)
    assert (listed.layer.path, listed.arguments["training"]) == ("", True)


@BOTH
def test_outputs_are_found_in_dicts_and_lists(net, source):
    tape = tape_of(net, torch.randn(2, 3, 5, 5), source)
    assert [operation.kind for operation in tape.outputs] == ["softmax", "dropout"]


@BOTH
def test_an_operation_knows_its_inputs_and_users(net, source):
    tape = tape_of(net, torch.randn(2, 3, 5, 5), source)
    chain = [tape.operations[-1]]
    while chain[-1].inputs:
        (before,) = chain[-1].inputs
        assert chain[-1] in tape.users_of(before)
        chain.append(before)
    assert [o.kind for o in reversed(chain)] == kinds(tape)


@BOTH
def test_a_branch_around_dropout_does_not_go_through_it(source):
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout()

        def forward(self, x):
            return x + self.drop(x) + x.to(torch.float32)

    tape = tape_of(Residual(), torch.randn(2, 3), source)
    first, *_ = (o for o in tape.operations if o.kind == "add")
    assert {o.kind for o in first.inputs} == {"input", "dropout"}


@BOTH
def test_several_results_lead_to_what_made_them(source):
    tape = tape_of(nn_output_of(Attention()), torch.randn(2, 4, 6), source)
    (chunk,) = (o for o in tape.operations if o.kind == "chunk")
    assert [o.kind for o in chunk.inputs] == ["linear"]
    takers = [o.kind for o in tape.users_of(chunk)]
    assert sorted(takers) == ["matmul", "matmul", "transpose"]


@BOTH
def test_keywords_reach_the_model(source):
    inputs = {"hidden": torch.randn(2, 4, 6), "mask": torch.zeros(4, 4)}
    tape = tape_of(nn_output_of(Attention()), inputs, source)
    assert kinds(tape).count("input") == 2
    assert [o.kind for o in only(tape, "softmax").inputs] == ["add"]


def nn_output_of(attention):
    """Return a model whose output is a tuple, which torch.export knows."""

    class Logits(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = attention

        def forward(self, hidden, mask=None):
            output = self.attention(hidden, mask=mask)
            return output.logits, output.weights

    return Logits()


def test_an_output_unknown_to_export_is_looked_into_by_a_function_mode():
    model = Attention()
    found = record(model, layers_of(model), as_inputs({"hidden": torch.randn(2, 4, 6)}))
    assert found.tape.source == "a function mode"
    assert re.search(r"since torch.export failed \(.*Output", found.note)
    assert "\n" not in found.note
    assert [o.kind for o in found.tape.outputs] == ["layer_norm", "dropout"]


@BOTH
def test_a_recurrent_nets_arguments_have_their_names(source):
    tape = tape_of(Recurrent(), torch.randn(2, 4, 6), source)
    arguments = only(tape, "recurrent").arguments
    assert arguments.items() >= {"dropout": 0.3, "num_layers": 2, "training": False}.items()


def test_a_packed_recurrent_net_has_the_same_arguments():
    class Packed(Recurrent):
        def forward(self, x):
            lengths = torch.tensor([4, 3])
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
            return self.rnn(packed)[0].data

    tape = tape_of(Packed(), torch.randn(2, 4, 6), "a function mode")
    arguments = only(tape, "recurrent").arguments
    assert arguments.items() >= {"dropout": 0.3, "num_layers": 2, "training": False}.items()


@BOTH
@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (wolfsbane.nn.Dropout(0.3), "dropout"),
        (wolfsbane.nn.Dropout2d(0.3), "dropout2d"),
        (wolfsbane.nn.AlphaDropout(0.3), "alpha_dropout"),
        (wolfsbane.nn.DropPath(0.3), "drop_path"),
        (nn.Dropout2d(0.3), "dropout2d"),
        (nn.FeatureAlphaDropout(0.3), "feature_alpha_dropout"),
    ],
    ids=lambda value: f"{type(value).__module__}-{type(value).__name__}"[:50],
)
def test_dropout_layers_of_all_libraries_are_seen_in_evaluation(layer, kind, source):
    model = nn.Sequential(nn.Conv2d(3, 3, 1), layer, nn.Conv2d(3, 3, 1))
    tape = tape_of(model, torch.randn(2, 3, 4, 4), source)
    dropped = only(tape, kind)
    assert dropped.arguments.items() >= {"p": 0.3, "training": False}.items()
    assert dropped.layer.path == "1"
    assert [o.kind for o in tape.users_of(dropped)] == ["conv"]


@BOTH
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_functions_that_share_an_operator_are_told_apart(dims, source):
    class Always(nn.Module):
        def forward(self, x):
            return getattr(F, f"dropout{dims}d")(x, 0.3)

    x = torch.randn(2, 3, *[4] * dims)
    assert f"dropout{dims}d" in kinds(tape_of(Always(), x, source))


@BOTH
def test_our_functional_dropout_is_dropout(source):
    class Always(nn.Module):
        def forward(self, x):
            return wolfsbane.functional.dropout(x, 0.3)

    dropped = only(tape_of(Always(), torch.randn(2, 3), source), "dropout")
    assert dropped.arguments.items() >= {"p": 0.3, "training": True}.items()


@BOTH
def test_attention_keeps_its_dropout_p(source):
    class Sdpa(nn.Module):
        def forward(self, x):
            return F.scaled_dot_product_attention(x, x, x, dropout_p=0.2)

    attention = only(tape_of(Sdpa(), torch.randn(1, 2, 4, 8), source), "attention")
    assert attention.arguments["dropout_p"] == 0.2


@BOTH
def test_a_module_called_twice_is_one_layer(source):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.bn = nn.BatchNorm1d(3)
            self.again = self.bn

        def forward(self, x, y):
            return self.bn(x), self.bn(y), self.again(x)

    tape = tape_of(Twice(), (torch.randn(2, 3), torch.randn(2, 3)), source)
    norms = [o for o in tape.operations if o.kind == "batch_norm"]
    assert len(norms) == 3
    assert {id(o.layer) for o in norms} == {id(norms[0].layer)}
    assert norms[0].layer.path == "bn"


@BOTH
def test_tied_weights_are_no_operation(source):
    assert kinds(tape_of(Tied(), torch.arange(6).reshape(2, 3), source)) == [
        "input",
        "embedding",
        "linear",
    ]


@BOTH
def test_a_graph_within_the_graph_is_looked_into(source):
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Linear(3, 3)
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            with torch.enable_grad():
                features = self.backbone(x).tanh()
            with torch.autocast("cpu", torch.bfloat16):
                return self.head(features)

    tape = tape_of(Frozen(), torch.randn(2, 3), source)
    assert kinds(tape) == ["input", "linear", "tanh", "linear"]
    head = tape.outputs[0]
    assert head.layer.path == "head"
    assert [o.kind for o in head.inputs] == ["tanh"]


@BOTH
def test_a_function_with_its_own_derivative_is_looked_into(source):
    class Straight(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sigmoid()

        @staticmethod
        def backward(ctx, grad):
            return grad

    class Net(nn.Module):
        def forward(self, x):
            return Straight.apply(x).relu()

    assert kinds(tape_of(Net(), torch.randn(2, 3), source)) == ["input", "sigmoid", "relu"]


def test_a_branch_that_depends_on_data_is_followed_by_a_function_mode():
    class Branching(nn.Module):
        def forward(self, x):
            return x.relu() if x.sum() > 0 else x.tanh()

    tape = tape_of(Branching(), torch.ones(2, 3), "a function mode")
    assert kinds(tape)[-1] == "relu"
    assert [o.kind for o in tape.outputs[0].inputs] == ["input"]


def test_after_a_layer_that_failed_the_others_know_their_own():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = nn.Linear(9, 9)
            self.narrow = nn.Linear(3, 3)

        def forward(self, x):
            try:
                return self.wide(x)
            except RuntimeError:
                return self.narrow(x).relu()

    tape = tape_of(Tries(), torch.randn(2, 3), "a function mode")
    assert [(o.kind, o.layer.path) for o in tape.operations[1:]] == [
        ("linear", "narrow"),
        ("relu", ""),
    ]


@BOTH
def test_what_is_written_into_a_tensor_is_part_of_it(source):
    class Writes(nn.Module):
        def forward(self, x):
            y = x.exp()
            y.relu_()
            return y.sqrt()

    tape = tape_of(Writes(), torch.randn(2, 3), source)
    assert [o.kind for o in tape.outputs[0].inputs] == ["relu"]
    assert only(tape, "relu").arguments["inplace"] is True


def test_an_item_that_is_set_makes_the_tensor_anew():
    class Sets(nn.Module):
        def forward(self, x):
            y = x.exp()
            y[:, 0] = 0
            return y

    tape = tape_of(Sets(), torch.randn(2, 3), "a function mode")
    assert [o.kind for o in tape.outputs] == ["setitem"]
    assert [o.kind for o in tape.outputs[0].inputs] == ["exp"]


@BOTH
def test_an_unknown_operation_is_called_by_the_last_part_of_its_name(source):
    class Cumulative(nn.Module):
        def forward(self, x):
            return torch.linalg.vector_norm(1 - x.cumsum(0), dim=1)

    found = kinds(tape_of(Cumulative(), torch.randn(2, 3), source))
    assert found[1] == "cumsum"
    assert found[3].endswith("vector_norm")


@BOTH
def test_the_floor_of_a_division_is_no_relu(source):
    class Unit(nn.Module):
        def forward(self, x):
            return x / x.norm(dim=1, keepdim=True).clamp_min(1e-6) + torch.clamp_min(x, 0)

    found = kinds(tape_of(Unit(), torch.randn(2, 3), source))
    assert found.count("clamp_min") == 1
    assert found.count("relu") == 1


def test_without_inputs_there_is_no_tape_and_a_note():
    model = nn.Linear(2, 2)
    found = record(model, layers_of(model), None)
    assert found.tape is None
    assert "example_inputs" in found.note


def test_a_lazy_model_has_no_tape_and_a_note():
    model = nn.LazyLinear(2)
    found = record(model, layers_of(model), as_inputs(torch.randn(2, 3)))
    assert found.tape is None
    assert "lazy" in found.note


def test_a_model_that_does_not_run_has_no_tape_and_a_note():
    model = nn.Linear(2, 2)
    found = record(model, layers_of(model), as_inputs(torch.randn(2, 3)))
    assert found.tape is None
    assert "did not run" in found.note
    assert "shapes cannot be multiplied" in found.note
