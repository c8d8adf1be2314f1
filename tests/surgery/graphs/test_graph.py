"""What is known about a forward pass, from each of its three sources."""

import random

import pytest
import torch
from torch.nn import BatchNorm2d, Conv2d, Dropout, Identity, Linear, Module, ReLU, Sequential

from wolfsbane import nn, surgery
from wolfsbane.anatomy.example import as_inputs
from wolfsbane.errors import ArgumentTypeError, ModelError
from wolfsbane.surgery.graphs.tracing import read_graph

IMAGES = torch.zeros(2, 3, 8, 8)


class Residual(Module):
    """A shared ReLU, an alias, a residual, a Dropout of ours; `is_strict` defeats torch.fx."""

    def __init__(self, *, is_strict=False):
        super().__init__()
        self.is_strict = is_strict
        self.stem = Sequential(Conv2d(3, 4, 3), BatchNorm2d(4), ReLU(inplace=True))
        self.conv = Conv2d(4, 4, 1)
        self.norm = nn.BatchNorm2d(4)
        self.nothing = Identity()
        self.relu = ReLU()
        self.drop = nn.Dropout(0.5)
        self.unused = Linear(2, 2)

    def forward(self, x):
        if self.is_strict and x.shape[1] != 3:
            raise ValueError
        x = self.stem(x)
        y = self.relu(self.nothing(self.norm(self.conv(x))))
        return self.drop(self.relu(y + x))


def read(model, example=None, modes=(True, False)):
    return read_graph(model, as_inputs(example), modes)


@pytest.mark.parametrize("source", ["torch.fx", "torch.export"])
def test_graph_knows_calls_and_neighbours(source):
    model = Residual(is_strict=source == "torch.export")
    graph = read(model, IMAGES)
    assert graph.notes == (f"the graph was found by {source}",)
    conv, norm, relu = model.stem
    assert graph.successor(conv).module is norm
    assert graph.successor(norm).module is relu
    assert graph.predecessor(relu).module is norm
    assert graph.predecessor(model.norm).module is model.conv
    assert graph.count(model.relu) == 2
    assert graph.count(model.unused) == 0
    assert "called 2 times" in graph.successor(model.norm).why
    assert "used 2 times: by conv, add" in graph.successor(relu).why
    assert "does not call it" in graph.successor(model.unused).why
    assert "no module" in graph.predecessor(conv).why


@pytest.mark.parametrize("is_strict", [False, True], ids=["fx", "export"])
def test_shapes_are_those_of_the_example(is_strict):
    model = Residual(is_strict=is_strict)
    shapes = read(model, IMAGES).shapes
    assert shapes[id(model.norm)] == ((2, 4, 6, 6),)
    assert len(shapes[id(model.relu)]) == 2
    assert id(model.unused) not in shapes


def test_without_a_graph_neighbours_in_sequential_are_known_and_the_reason_is_told():
    model = Residual(is_strict=True)
    graph = read(model)
    conv, norm, relu = model.stem
    assert "torch.fx: TraceError" in graph.notes[0]
    assert "torch.export needs example_inputs" in graph.notes[0]
    assert "only neighbours" in graph.notes[1]
    assert graph.successor(norm).module is relu
    assert graph.predecessor(norm).module is conv
    assert graph.successor(model.norm).module is None


def test_without_a_graph_an_alias_counts_as_a_second_call():
    model = Residual(is_strict=True)
    model.alias = model.stem[1]
    assert "called 2 times" in read(model).successor(model.stem[0]).why


def test_nested_sequentials_are_one_chain_without_a_graph():
    model = Residual(is_strict=True)
    model.stem = Sequential(Sequential(Conv2d(3, 4, 3)), Sequential(BatchNorm2d(4), ReLU()))
    graph = read(model)
    assert graph.successor(model.stem[0][0]).module is model.stem[1][0]


class Tied(Module):
    def __init__(self):
        super().__init__()
        self.first = Linear(4, 4)
        self.norm = torch.nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(self.first(x)) @ self.first.weight


@pytest.mark.parametrize("example", [None, torch.zeros(3, 4)], ids=["fx", "shapes"])
def test_use_of_a_module_s_parameters_outside_of_its_call_is_seen(example):
    model = Tied()
    assert "outside of its own call" in read(model, example).predecessor(model.norm).why


class TiedAndStrict(Tied):
    def forward(self, x):
        return super().forward(x) if x.shape[1] == 4 else x


def test_torch_export_sees_the_use_of_parameters_too():
    model = TiedAndStrict()
    graph = read(model, torch.zeros(3, 4), modes=(False,))
    assert graph.notes == ("the graph was found by torch.export",)
    assert "outside of its own call" in graph.predecessor(model.norm).why


class Asking(Module):
    """Asks for a shape and a dtype, which is no use of the values."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.relu = Conv2d(3, 4, 1), BatchNorm2d(4), ReLU()

    def forward(self, x):
        y = self.norm(self.conv(x.to(self.conv.weight.dtype)))
        return self.relu(y).reshape(y.size(0), y.shape[1], -1)


def test_asking_for_a_shape_is_no_use():
    model = Asking()
    graph = read(model)
    assert graph.successor(model.norm).module is model.relu
    assert graph.predecessor(model.norm).module is model.conv


class ByMode(Module):
    """In training something else takes the batch norm's output too."""

    def __init__(self):
        super().__init__()
        self.norm, self.relu = BatchNorm2d(3), ReLU()

    def forward(self, x):
        y = self.norm(x)
        return (self.relu(y), y) if self.training else self.relu(y)


def test_both_modes_are_traced():
    model = ByMode()
    assert read(model, modes=(False,)).successor(model.norm).module is model.relu
    assert "used 2 times" in read(model).successor(model.norm).why


class Skipping(ByMode):
    """In evaluation the activation is used without the batch norm."""

    def forward(self, x):
        return self.relu(self.norm(x)) if self.training else self.relu(x)


def test_neighbour_that_one_mode_uses_alone_is_none():
    model = Skipping()
    assert read(model, modes=(True,)).successor(model.norm).module is model.relu
    assert "go different ways" in read(model).successor(model.norm).why


class Picky(Module):
    """No batch norm inside, and no graph: it looks at the input's values."""

    def __init__(self):
        super().__init__()
        self.relu = ReLU()

    def forward(self, x):
        return self.relu(x) if x.sum() > 0 else x


def test_modules_without_batch_norm_that_cannot_be_traced_are_one_step():
    model = Sequential(Conv2d(3, 4, 3), BatchNorm2d(4), Picky(), Conv2d(4, 4, 1), BatchNorm2d(4))
    graph = read(model)
    assert graph.predecessor(model[4]).module is model[3]
    assert "not looked into" in graph.notes[0]
    assert "could not be looked into" in graph.successor(model[2].relu).why


def test_reading_changes_nothing():
    class Counting(Residual):
        def forward(self, x):
            self.seen = x
            random.random()
            self.stem[1].num_batches_tracked.add_(1)
            return super().forward(x)

    for example in (None, IMAGES):
        model = Counting(is_strict=example is not None)
        calls = []
        model.conv.register_forward_hook(lambda *_, to=calls: to.append(1))
        model.stem.eval()
        state = {name: value.clone() for name, value in model.state_dict().items()}
        flags = [module.training for module in model.modules()]
        states = torch.random.get_rng_state(), random.getstate()
        read(model, example)
        assert not calls
        assert not hasattr(model, "seen")
        assert [module.training for module in model.modules()] == flags
        assert torch.equal(torch.random.get_rng_state(), states[0])
        assert random.getstate() == states[1]
        assert all(torch.equal(model.state_dict()[name], state[name]) for name in state)


class Keywords(Module):
    def __init__(self):
        super().__init__()
        self.norm, self.relu = BatchNorm2d(3), ReLU()

    def forward(self, images, mask=None, *, scale=1.0):
        out = self.relu(self.norm(images)) * scale
        return out if mask is None else out * mask


@pytest.mark.parametrize("example", [None, (IMAGES,), {"images": IMAGES, "mask": IMAGES}])
def test_examples_are_tensors_tuples_or_keywords_and_defaults_stay_defaults(example):
    model = Keywords()
    graph = read(model, example)
    assert graph.successor(model.norm).module is model.relu
    assert graph.notes[0] == "the graph was found by torch.fx"
    left = "scale" if isinstance(example, dict) else "mask, scale"
    assert f"the defaults of forward's {left}, and" in graph.notes[1]


def test_example_that_is_none_of_these_is_explained():
    with pytest.raises(ArgumentTypeError, match=r"dict of keyword arguments .* but got int"):
        as_inputs(3)


def test_example_on_which_the_model_does_not_run_is_explained():
    with pytest.raises(ModelError, match="the model cannot run on example_inputs"):
        read(Residual(), torch.zeros(2, 5))


def test_model_that_cannot_be_copied_is_read_by_its_sequentials():
    class Locked(Sequential):
        def __deepcopy__(self, memo):
            raise RuntimeError("no copies")

        def forward(self, x):
            return super().forward(x)

    model = Sequential(Conv2d(3, 4, 1), BatchNorm2d(4), Locked(Dropout()))
    graph = read(model)
    assert "cannot be copied: RuntimeError: no copies" in graph.notes[0]
    assert graph.predecessor(model[1]).module is model[0]


class Undecided(torch.nn.Module):
    """Decides by a value, which no tracer can follow."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(4)

    def forward(self, input):
        return self.norm(input + 1 if input.sum() > 0 else input)


def test_reading_a_graph_that_cannot_be_read_prints_nothing(capfd):
    graph = read_graph(Undecided(), as_inputs(torch.randn(3, 4)), (False,))
    assert "no graph of the model was found" in graph.notes[0]
    assert capfd.readouterr() == ("", "")


class TakenApart(Module):
    """No graph (it looks at values), and only a part of a Sequential runs for some."""

    def __init__(self):
        super().__init__()
        self.layers: Sequential = Sequential(Conv2d(3, 3, 1), BatchNorm2d(3), ReLU())
        self.whole, self.other = Sequential(BatchNorm2d(3), ReLU()), None

    def forward(self, x):
        x = self.layers(x) if x.sum() > 0 else self.layers[:2](x)
        return self.whole(x)


def test_sequential_that_is_taken_apart_by_its_parent_s_code_has_no_neighbours():
    model = TakenApart()
    graph = read(model)
    assert "only neighbours in torch.nn.Sequential" in graph.notes[1]
    assert graph.successor(model.layers[1]).module is None
    assert graph.successor(model.whole[0]).module is model.whole[1]
    assert not surgery.fold_batchnorm(model.eval())
