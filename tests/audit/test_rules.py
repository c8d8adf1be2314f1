"""What holds for every rule: its code, its page, and its examples."""

import re
import subprocess
import sys

import pytest

from audit.programs import found_by
from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.finding import Channel
from wolfsbane.audit.registry import all_rules

RULES = all_rules()
ids = [rule.code for rule in RULES]
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.code}-{number}")
    for rule in RULES
    for number, example in enumerate((*page_of(rule).examples, *rule.examples))
]


def test_codes_and_names_are_unique():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_a_rule_is_complete(rule):
    assert re.fullmatch(r"WB[12349]\d\d", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.severity
    page = page_of(rule)
    assert page.summary.endswith(".")
    assert page.missing_sections == ()
    tried = {(example.channel, example.is_invalid) for example in (*page.examples, *rule.examples)}
    for channel in rule.channels():
        assert (channel, True) in tried, f"{rule.code}: no invalid example for {channel}"
        assert (channel, False) in tried, f"{rule.code}: no valid example for {channel}"


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_an_example_is_as_its_rule_says(rule, example):
    codes = {finding.code for finding in found_by(example.channel, example.code, [rule])}
    assert codes == ({rule.code} if example.is_invalid else set())


def test_the_rules_and_the_source_channel_need_no_torch():
    program = (
        "import sys; from wolfsbane.audit.source.check import check_source;"
        "from wolfsbane.audit.registry import all_rules; all_rules();"
        "check_source('import torch.nn.functional as F\\ndef f(x): return F.dropout(x)');"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'numpy')])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def test_every_channel_has_rules():
    assert {channel for rule in RULES for channel in rule.channels()} == set(Channel)
