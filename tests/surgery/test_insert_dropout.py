"""Dropout behind modules: it drops there, and everything else stays."""

import copy
import io
import pickle

import pytest
import torch
from torch.nn import BatchNorm1d, Linear, ModuleList, MultiheadAttention, ReLU, Sequential

from wolfsbane import nn, surgery
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Linear(4, 4)

    def forward(self, input):
        return input + torch.relu(self.inner(input)) * self.inner.weight.mean()


def network():
    return Sequential(Linear(4, 4), ReLU(), Block(), Linear(4, 2))


def dropped_share(output):
    return (output == 0).float().mean().item()


def test_activation_is_followed_by_a_dropout_in_its_slot():
    model = network()
    surgery.insert_dropout(model, p=0.3, after=ReLU).apply()
    assert isinstance(model[1], Sequential)
    assert isinstance(model[1][1], nn.Dropout)
    assert model[1][1].p == 0.3


@pytest.mark.parametrize("after", [ReLU, "2", "2.inner", Linear, "*"])
def test_no_name_in_the_state_dict_changes(after):
    model = network()
    before = list(model.state_dict())
    plan = surgery.insert_dropout(model, p=0.3, after=after)
    plan.apply()
    assert list(model.state_dict()) == before
    assert plan.keys == {}
    assert plan.added_keys == []


def test_module_with_parameters_drops_what_it_returns_and_keeps_its_attributes():
    model = network()
    surgery.insert_dropout(model, p=0.5, after="2").apply()
    output = model[2](torch.rand(2000, 4) + 1)
    # 8000 elements: outside of these bounds with a probability below 1e-12.
    assert 0.46 < dropped_share(output) < 0.54
    assert model[2].inner.weight.shape == (4, 4)
    model.eval()
    assert dropped_share(model[2](torch.rand(2000, 4) + 1)) == 0.0


def test_dropout_takes_the_mode_of_the_module_before_it():
    model = network()
    model[2].eval()
    surgery.insert_dropout(model, after=[ReLU, "2"]).apply()
    assert model[1][1].training
    assert not model[2].inserted_dropout.training


def test_sequential_gets_one_more_layer():
    model = Sequential(Sequential(Linear(2, 2), ReLU()), Linear(2, 2))
    undo = surgery.insert_dropout(model, p=0.2, after="0").apply()
    assert [type(layer) for layer in model[0]] == [Linear, ReLU, nn.Dropout]
    undo()
    assert [type(layer) for layer in model[0]] == [Linear, ReLU]


def test_first_of_several_outputs_is_dropped():
    lstm = torch.nn.LSTM(4, 4)
    undo = surgery.insert_dropout(lstm, p=0.5, after=torch.nn.LSTM).apply()
    output, (hidden, _) = undo.model(torch.randn(500, 3, 4))
    assert 0.4 < dropped_share(output) < 0.6  # 6000 elements: 15 standard deviations
    assert dropped_share(hidden) == 0.0


def test_output_that_is_no_tensor_is_an_error_that_names_the_module():
    class Wrapped(torch.nn.Linear):
        def forward(self, input):
            return {"logits": super().forward(input)}

    undo = surgery.insert_dropout(Wrapped(2, 2), after="").apply()
    with pytest.raises(ModelError, match=r"Wrapped returned dict, and inserted_dropout takes"):
        undo.model(torch.randn(2, 2))


def test_undo_removes_child_and_hook():
    model = network()
    undo = surgery.insert_dropout(model, p=1.0, after="*").apply()
    assert dropped_share(model(torch.randn(5, 4))) == 1.0
    undo()
    assert not hasattr(model[2], "inserted_dropout")
    assert not any(module._forward_hooks for module in model.modules())
    assert dropped_share(model(torch.randn(5, 4))) < 1.0


def test_changed_model_can_be_copied_pickled_and_saved():
    model = network()
    surgery.insert_dropout(model, p=1.0, after=["2", ReLU]).apply()
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    copies.append(torch.load(buffer, weights_only=False))
    for other in copies:
        assert dropped_share(other[2](torch.randn(5, 4))) == 1.0
        assert other[2].inserted_dropout is not model[2].inserted_dropout


def test_inserting_twice_changes_nothing_more():
    model = network()
    surgery.insert_dropout(model, after=[ReLU, "2"]).apply()
    again = surgery.insert_dropout(model, after=[ReLU, "2"])
    assert not again
    assert "a dropout follows it already" in str(again)
    assert "inserted behind it before" in str(again)


def test_module_that_is_never_called_is_left_and_named():
    model = ModuleList([MultiheadAttention(4, 2)])
    plan = surgery.insert_dropout(model, after=["", "*out_proj"])
    assert not plan
    assert "a container that is never called" in str(plan)
    assert "uses its weight and never calls it" in str(plan)


def test_shared_activation_gets_one_dropout_in_every_place():
    relu = ReLU()
    model = Sequential(Linear(4, 4), relu, Linear(4, 4), relu)
    surgery.insert_dropout(model, after=ReLU).apply()
    assert model[1] is model[3]
    assert model[1][0] is relu


def test_own_layer_is_made_by_what_is_given():
    model = Sequential(torch.nn.Conv2d(1, 8, 3), ReLU())
    surgery.insert_dropout(model, 0.2, after=ReLU, layer=nn.Dropout2d).apply()
    assert type(model[1][1]) is nn.Dropout2d


def test_dropout_before_a_batch_norm_is_noted():
    model = Sequential(Linear(4, 4), BatchNorm1d(4))
    assert "a batch norm follows 0" in str(surgery.insert_dropout(model, after=Linear))


def test_compiled_model_drops_behind_the_hook():
    model = network()
    surgery.insert_dropout(model, p=1.0, after="2").apply()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert torch.equal(compiled(torch.randn(5, 4)), model[3].bias.expand(5, 2))


def test_bad_arguments_are_explained():
    with pytest.raises(ArgumentError, match="As a percentage that is p=0"):
        surgery.insert_dropout(network(), p=30, after=ReLU)
    with pytest.raises(ArgumentTypeError, match="function of p that returns one, but got"):
        surgery.insert_dropout(network(), after=ReLU, layer=lambda p: p)
    with pytest.raises(ArgumentError, match="no module's path matches"):
        surgery.insert_dropout(network(), after="blocks.*")


class ConvNormActivation(Sequential):
    """As torchvision's: a class of its own, the forward of Sequential."""


class InTurn(Sequential):
    def forward(self, input):
        for layer in self:
            input = layer(input)
        return input


class AllChildren(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Linear(4, 4)

    def forward(self, input):
        for layer in self.children():
            input = layer(input)
        return input


def count_calls(model, kind):
    calls = []
    for module in model.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("container", [Sequential, ConvNormActivation])
def test_dropout_runs_once_behind_a_sequential_of_any_class(container):
    model = Sequential(container(Linear(4, 4)))
    surgery.insert_dropout(model, after="0").apply()
    calls = count_calls(model, nn.Dropout)
    model(torch.randn(2, 4))
    assert len(calls) == 1


@pytest.mark.parametrize("made", [lambda: InTurn(Linear(4, 4)), AllChildren])
def test_module_that_would_run_an_attached_child_itself_is_left_and_named(made):
    plan = surgery.insert_dropout(Sequential(made()), after="0")
    assert not plan
    assert "would run what is attached" in str(plan) or "may run whatever" in str(plan)


class Add(torch.nn.Module):
    def forward(self, one, other, *, scale=1.0):
        return one + scale * other


class Pooling(torch.nn.Module):
    """Modules without tensors that are called with more than one tensor, or return more."""

    def __init__(self):
        super().__init__()
        self.pool = torch.nn.MaxPool2d(2, return_indices=True)
        self.add = Add()

    def forward(self, input):
        pooled, indices = self.pool(input)
        return self.add(pooled, indices, scale=0.5)


def test_module_without_tensors_is_called_as_before():
    model = Pooling()
    surgery.insert_dropout(model, after=["pool", "add"]).apply()
    calls = count_calls(model, nn.Dropout)
    assert model(torch.randn(1, 2, 4, 4)).shape == (1, 2, 2, 2)
    assert len(calls) == 2


def test_dropout_is_inserted_again_after_it_was_removed():
    model = network()
    surgery.insert_dropout(model, after=Linear).apply()
    surgery.remove_dropout(model).apply()
    surgery.insert_dropout(model, p=0.5, after=Linear).apply()
    assert dropped_share(model[0](torch.rand(2000, 4) + 1)) > 0.4


def test_attached_dropout_is_in_the_graph_of_torch_fx():
    model = Sequential(Block())
    surgery.insert_dropout(model, after=Block).apply()
    nodes = torch.fx.symbolic_trace(model).graph.nodes
    assert "0.inserted_dropout" in [node.target for node in nodes]


def test_packed_sequence_of_a_recurrent_net_is_dropped():
    model = Sequential(torch.nn.LSTM(4, 64))
    surgery.insert_dropout(model, p=0.5, after=torch.nn.LSTM).apply()
    packed = torch.nn.utils.rnn.pack_sequence([torch.randn(30, 4), torch.randn(20, 4)])
    output, _ = model(packed)
    # 3200 elements: outside of these bounds with a probability below 1e-15.
    assert 0.4 < dropped_share(output.data) < 0.6


def test_compiled_model_takes_notice_of_a_dropout_that_is_inserted_and_taken_out():
    model = Sequential(Linear(4, 64))
    compiled = torch.compile(model, backend="eager")
    compiled(torch.randn(8, 4))
    undo = surgery.insert_dropout(model, p=0.5, after=Linear).apply()
    assert dropped_share(compiled(torch.randn(8, 4))) > 0.3
    undo()
    assert dropped_share(compiled(torch.randn(8, 4))) == 0.0


def test_module_or_layer_instead_of_a_class_is_explained():
    with pytest.raises(ArgumentTypeError, match=r"chosen by a class .* not by ReLU\(\)"):
        surgery.insert_dropout(network(), after=ReLU())
    with pytest.raises(ArgumentTypeError, match="layer has to be a class"):
        surgery.insert_dropout(network(), after=ReLU, layer=torch.nn.Dropout(0.3))
    with pytest.raises(ArgumentTypeError, match=r"model has to be a torch\.nn\.Module"):
        surgery.insert_dropout("resnet18", after=ReLU)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_model_of_torch_jit_is_left_and_named():
    plan = surgery.insert_dropout(torch.jit.script(network()), after="0")
    assert not plan
    assert "compiled by torch.jit" in str(plan)
