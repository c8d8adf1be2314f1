"""What a rule's page says beside its docstring."""

import pytest

from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.registry import rule_of

ALLOW = 'audit.allow(module, "{}", reason="...")'
FACTS = {
    "WB101": "Severity error; on by default; seen in: source, model, run; fix: `--fix`.",
    "WB104": "Severity error; on by default; seen in: source; fix: `--fix --unsafe-fixes`.",
    "WB207": "Severity warning; on by default; seen in: run.",
    "WB902": "Severity note; off by default; seen in: source, model.",
}
HIDING = {
    "WB101": f"Hidden by `# noqa: WB101`, in a model or a run by `{ALLOW.format('WB101')}`.",
    "WB104": "Hidden by `# noqa: WB104`.",
    "WB207": f"Hidden by `{ALLOW.format('WB207')}`.",
    "WB902": f"Hidden by `# noqa: WB902`, in a model or a run by `{ALLOW.format('WB902')}`.",
}


@pytest.mark.parametrize("code", FACTS)
def test_a_page_tells_how_a_finding_is_mended_and_hidden(code):
    page = page_of(rule_of(code))
    head, *_ = page.markdown().split("\n## ")
    assert head.split("\n\n")[1:] == [page.summary, FACTS[code], f"{HIDING[code]}\n"]
