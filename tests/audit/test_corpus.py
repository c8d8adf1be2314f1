"""Every mistake of the corpus is found, where it is; every correct twin is silent."""

import re
from pathlib import Path

import pytest

from audit.programs import found_by
from wolfsbane.audit.finding import Channel
from wolfsbane.audit.registry import all_rules, rule_of, select
from wolfsbane.audit.source.reading.editing import apply_edits

CORPUS = Path(__file__).parent / "corpus"
FIRST_LINE = re.compile(r"# (WB\d{3}) is seen by: (.+)")
PROGRAMS = sorted(CORPUS.glob("wb*/*.py"))
TWIN = "_mended.py"
ONE_OF_MANY = re.compile(
    r"(?<!of )\b(?:1|one) (?:\w+ )?"
    r"(?:batches|calls|errors|layers|modules|norms|numbers|parameters|samples|steps)\b"
)


def _cases(are_twins):
    for path in PROGRAMS:
        if path.name.endswith(TWIN) == are_twins:
            code, channels = FIRST_LINE.match(path.read_text(encoding="utf-8")).groups()
            for channel in channels.split(", "):
                name = f"{path.parent.name}/{path.stem}-{channel}"
                yield pytest.param(path, code, Channel(channel), id=name)


def assert_well_told(finding):
    """Assert what style asks of every message, such as names for things and the right plural."""
    for text in (finding.message, finding.help, *(what for _, what in finding.related)):
        assert text == " ".join(text.split())
        assert not text.endswith((".", ",", " "))
        assert "''" not in text
        assert not ONE_OF_MANY.search(text), text
    assert finding.help[0].isupper()


def _rules_for(code):
    opinions = [code] if rule_of(code).is_opinion() else []
    return [*select(), *(rule_of(opinion) for opinion in opinions)]


@pytest.mark.parametrize(("path", "code", "channel"), list(_cases(are_twins=False)))
def test_a_mistake_is_found_and_nothing_else(path, code, channel):
    text = path.read_text(encoding="utf-8")
    findings = found_by(channel, text, _rules_for(code), path)
    assert {finding.code for finding in findings} == {code}
    assert len(set(findings)) == len(findings)
    for finding in findings:
        assert_well_told(finding)
    if channel is Channel.SOURCE:
        marked = {n for n, line in enumerate(text.splitlines(), 1) if line.endswith(f"# <- {code}")}
        assert {finding.place.span.line for finding in findings} == marked


@pytest.mark.parametrize(("path", "code", "channel"), list(_cases(are_twins=True)))
def test_a_correct_twin_is_silent(path, code, channel):
    findings = found_by(channel, path.read_text(encoding="utf-8"), _rules_for(code), path)
    assert [str(finding) for finding in findings] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [case.values[:2] for case in _cases(are_twins=False) if case.values[2] is Channel.SOURCE],
    ids=lambda value: getattr(value, "stem", value),
)
def test_a_fix_mends_its_mistake_and_makes_no_other(path, code):
    text = path.read_text(encoding="utf-8")
    findings = found_by(Channel.SOURCE, text, _rules_for(code), path)
    for finding in findings:
        if finding.fix is not None:
            mended = apply_edits(text, finding.fix.edits)
            left = found_by(Channel.SOURCE, mended, _rules_for(code), path)
            assert len(left) == len(findings) - 1


@pytest.mark.parametrize("rule", all_rules(), ids=[rule.code for rule in all_rules()])
def test_a_rule_has_three_programs_with_twins(rule):
    folder = CORPUS / f"{rule.code.lower()}_{rule.name.replace('-', '_')}"
    programs = [path for path in folder.glob("*.py") if not path.name.endswith(TWIN)]
    assert len(programs) >= 3
    for path in programs:
        assert path.with_name(path.stem + TWIN).exists()
    seen = {
        channel
        for path in programs
        for channel in FIRST_LINE.match(path.read_text(encoding="utf-8"))[2].split(", ")
    }
    assert seen == set(rule.channels())
