"""Rules as callers name them."""

import pytest

from wolfsbane.audit import check_source
from wolfsbane.audit.registry import all_rules, chosen, rule_of, select
from wolfsbane.errors import ArgumentError, ArgumentTypeError

PROGRAM = "import torch.nn.functional as F\ndef f(x):\n    return F.dropout(x)\n"


@pytest.mark.parametrize("named", ["WB101", ["wb101"], ["dropout-always-on"], [rule_of("WB101")]])
def test_a_rule_is_named_by_code_name_or_class(named):
    assert chosen(named) == (rule_of("WB101"),)
    assert [finding.code for finding in check_source(PROGRAM, rules=named)] == ["WB101"]


def test_several_come_once_and_in_order():
    assert chosen(["WB2", rule_of("WB101"), "WB201"]) == (rule_of("WB101"), *select(["WB2"]))
    assert chosen("ALL") == all_rules()
    assert chosen(None) == select()
    assert chosen([]) == ()


@pytest.mark.parametrize("wrong", [3, [3], [int], [rule_of("WB101")()]])
def test_what_names_no_rule_is_refused(wrong):
    with pytest.raises(ArgumentTypeError, match=r"rules are given as codes or classes, as in"):
        chosen(wrong)
    with pytest.raises(ArgumentError, match="no rule is called 'WB777'"):
        chosen(["WB777"])
