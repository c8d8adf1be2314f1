"""What a rule's page says beside its docstring."""

import pytest

from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.registry import rule_of


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        (
            "WB101",
            "Severity error; on by default; seen in: source, model, run; fix: `--fix`.\n\n"
            'Hidden by `# noqa: WB101`, in a model or a run by `audit.allow(module, "WB101", '
            'reason="...")`.',
        ),
        (
            "WB104",
            "Severity error; on by default; seen in: source; fix: `--fix --unsafe-fixes`.\n\n"
            "Hidden by `# noqa: WB104`.",
        ),
        (
            "WB207",
            "Severity warning; on by default; seen in: run.\n\n"
            'Hidden by `audit.allow(module, "WB207", reason="...")`.',
        ),
        ("WB901", "Severity note; off by default; seen in: source, model; fix: `--fix --unsafe"),
    ],
)
def test_a_page_tells_how_a_finding_is_mended_and_hidden(code, facts):
    page = page_of(rule_of(code))
    assert f"\n\n{page.summary}\n\n{facts}" in page.markdown()
