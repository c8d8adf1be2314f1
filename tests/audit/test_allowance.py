"""What is allowed in a module: there, below it, in this very object, with a reason."""

import copy
import gc
import pickle

import pytest
import torch
from torch import nn

from wolfsbane.audit import all_rules, allow
from wolfsbane.audit.allowance import _ALLOWED, is_allowed
from wolfsbane.errors import ArgumentError, ArgumentTypeError

CODE = all_rules()[0].code
REASON = "as in Tacotron 2"


@pytest.fixture
def model():
    return nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Dropout()), nn.Dropout())


def test_it_holds_for_a_module_and_everything_below_it(model):
    allow(model[0], CODE, reason=REASON)
    paths = ["", "0", "0.0", "0.1", "1"]
    assert [is_allowed(model, path, CODE) for path in paths] == [False, True, True, True, False]


def test_on_the_model_it_holds_everywhere(model):
    allow(model, CODE, reason=REASON)
    assert is_allowed(model, "", CODE)
    assert is_allowed(model, "0.1", CODE)
    assert is_allowed(model, "not there", CODE)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_traced_model_can_be_asked(model):
    traced = torch.jit.trace(model.eval(), torch.ones(1, 2))
    allow(traced, CODE, reason=REASON)
    assert is_allowed(traced, "0.1", CODE)
    assert not is_allowed(model, "0.1", CODE)


def test_it_holds_for_its_code_alone(model):
    allow(model, CODE, reason=REASON)
    assert not is_allowed(model, "", "WB000")


def test_a_rules_name_is_as_good_as_its_code(model):
    allow(model, all_rules()[0].name, reason=REASON)
    assert is_allowed(model, "", CODE)


def test_several_codes_at_once_and_one_after_another(model):
    codes = [rule.code for rule in all_rules()]
    allow(model, *codes, reason=REASON)
    allow(model[1], CODE, reason=REASON)
    assert all(is_allowed(model, "1", code) for code in codes)


def test_a_shared_module_is_allowed_on_every_path():
    shared = nn.Dropout()
    model = nn.Sequential(nn.Sequential(shared), shared)
    allow(shared, CODE, reason=REASON)
    assert is_allowed(model, "0.0", CODE)
    assert is_allowed(model, "1", CODE)


def test_a_copy_is_another_module(model):
    allow(model, CODE, reason=REASON)
    assert not is_allowed(copy.deepcopy(model), "", CODE)
    assert not is_allowed(pickle.loads(pickle.dumps(model)), "", CODE)


def test_nothing_is_written_into_the_module(model):
    before = dict(vars(model))
    allow(model, CODE, reason=REASON)
    assert vars(model) == before
    assert list(model.state_dict()) == ["0.0.weight", "0.0.bias"]


def test_a_module_may_go():
    model = nn.Dropout()
    gc.collect()
    before = len(_ALLOWED)
    allow(model, CODE, reason=REASON)
    assert len(_ALLOWED) == before + 1
    del model
    gc.collect()
    assert len(_ALLOWED) == before


def test_modules_that_compare_equal_are_told_apart():
    class Equal(nn.Module):
        def __eq__(self, other):
            return True

        __hash__ = None

    one, other = Equal(), Equal()
    allow(one, CODE, reason=REASON)
    assert is_allowed(one, "", CODE)
    assert not is_allowed(other, "", CODE)


@pytest.mark.parametrize(
    ("arguments", "reason", "error", "message"),
    [
        (("net", CODE), REASON, ArgumentTypeError, r"module has to be a torch\.nn\.Module"),
        ((nn.Dropout(),), REASON, ArgumentError, "needs the code of a rule, but got none"),
        ((nn.Dropout(), [CODE]), REASON, ArgumentTypeError, "codes and reason have to be text"),
        ((nn.Dropout(), CODE), None, ArgumentTypeError, "codes and reason have to be text"),
        ((nn.Dropout(), CODE), " ", ArgumentError, "reason has to say why"),
        ((nn.Dropout(), "WB777"), REASON, ArgumentError, "no rule is called 'WB777'"),
    ],
)
def test_a_mistake_is_refused(arguments, reason, error, message):
    with pytest.raises(error, match=message):
        allow(*arguments, reason=reason)


def test_a_reason_is_required():
    with pytest.raises(TypeError, match="reason"):
        allow(nn.Dropout(), CODE)
