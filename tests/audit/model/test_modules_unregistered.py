"""Which modules that a model holds it does not know, and which of them matter."""

import weakref

import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.model.unregistered import unregistered
from wolfsbane.audit.registry import select

RULES = select(["WB202", "WB205"])


class Holder(nn.Module):
    def __init__(self, **held):
        super().__init__()
        self.body = nn.Linear(2, 2)
        self.__dict__.update(held)


def test_what_is_held_is_counted_and_told_how_to_be_known():
    (one,) = check_model(Holder(x=nn.Linear(2, 2)), rules=RULES)
    assert one.message == (
        "the model (Holder) does not know 1 module that it holds in 'x': Linear 'x'; "
        "6 parameters are neither in parameters() nor saved"
    )
    assert one.help == "Assign it with setattr(self, name, layer), which registers it"
    (two,) = check_model(Holder(x=[nn.Dropout(), nn.Dropout()]), rules=RULES)
    assert two.message.endswith("Dropout 'x[0]', Dropout 'x[1]'; eval() does not reach them")
    assert two.help == "Hold them in an nn.ModuleList or nn.ModuleDict"


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ([nn.Linear(2, 2), nn.Linear(2, 2)], ["x[0]", "x[1]"]),
        ((nn.Linear(2, 2), None), ["x[0]"]),
        ({"a": nn.Linear(2, 2), "b": [nn.Dropout(), 3]}, ["x['a']", "x['b'][0]"]),
        (nn.Linear(2, 2), ["x"]),
        ([nn.Linear(2, 2)], []),
        ([nn.ReLU(), nn.Tanh()], []),
        ([nn.Linear(2, 2).eval().requires_grad_(False), nn.Dropout().eval()], []),
        (weakref.ref(nn.Linear(2, 2)), []),
        ([torch.ones(2), "text", {1, 2}], []),
    ],
)
def test_modules_are_found_in_containers(value, paths):
    found = unregistered(layers_of(Holder(x=value)))
    assert [held.path for held in found] == paths


def test_a_module_that_hangs_elsewhere_in_the_model_is_known():
    model = Holder()
    model.__dict__["order"] = [model.body, model.body]
    assert unregistered(layers_of(model)) == []


def test_a_reference_to_what_holds_the_module_is_no_loss():
    child = Holder()
    parent = nn.Sequential(child, nn.Linear(2, 2))
    child.__dict__["parent"] = parent
    assert unregistered(layers_of(parent)) == []


def test_wb205_counts_the_parameters_that_are_lost():
    model = nn.Sequential(Holder(layers=[nn.Linear(2, 3), nn.Linear(3, 2)]))
    (finding,) = check_model(model, rules=RULES)
    assert finding.place.module == "0"
    assert finding.message == (
        "Holder '0' does not know 2 modules that it holds in 'layers': Linear 'layers[0]', "
        "Linear 'layers[1]'; 17 parameters are neither in parameters() nor saved"
    )


def test_one_module_is_told_in_the_singular():
    model = Holder(layers={"a": nn.Linear(2, 3)})
    (finding,) = check_model(model, rules=RULES)
    assert "does not know 1 module that it holds in 'layers': Linear" in finding.message


def _model():
    body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.1))
    return nn.Sequential(body, nn.Linear(8, 2))


def _codes(model, parameters=None):
    optimizer = torch.optim.SGD(model.parameters() if parameters is None else parameters, 0.1)
    return check_model(model, optimizer=optimizer, rules=RULES).codes


def test_wb202_names_the_largest_part_in_evaluation_mode():
    model = _model()
    model[0].eval()
    (finding,) = check_model(model, optimizer=torch.optim.SGD(model.parameters(), 0.1), rules=RULES)
    assert finding.place.module == "0"
    assert finding.message == (
        "'0' is in evaluation mode though the optimizer trains it: batch norm '0.1', "
        "dropout '0.2' p=0.1 are in eval mode"
    )


def test_wb202_is_silent_where_evaluation_mode_is_meant():
    assert _codes(_model()) == []
    assert check_model(_model().eval(), rules=RULES).codes == []
    frozen = _model()
    frozen[0].eval().requires_grad_(False)
    assert _codes(frozen) == []
    head_only = _model()
    head_only[0].eval()
    assert _codes(head_only, head_only[1].parameters()) == []
    fixed_statistics = _model()
    fixed_statistics[0][1].eval()
    assert _codes(fixed_statistics) == []
