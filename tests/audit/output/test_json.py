import json

from audit.findings_by_hand import finding, fix_of
from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.output import render


def test_the_shape_of_version_1_stays(tmp_path):
    file = tmp_path / "src" / "net.py"
    file.parent.mkdir()
    file.write_text("def f(x):\n    drop(x)\n", encoding="utf-8")
    related = ((Place(module="fc.drop"), "is the layer"),)
    place = Place(str(file), Span(2, 5, 2, 12))
    found = finding(place, related=related, fix=fix_of(2, 5, 9, "keep"))
    document = json.loads(render([found], "json", root=tmp_path, notes=["a note"]))
    (fingerprint,) = [one.pop("fingerprint") for one in document["findings"]]
    assert len(fingerprint) == 32
    assert document == {
        "version": 1,
        "fixed": 0,
        "in_baseline": None,
        "findings": [
            {
                "code": "WB101",
                "name": "dropout-always-on",
                "severity": "error",
                "channel": "source",
                "message": "dropout is always on",
                "help": "pass training",
                "place": {
                    "file": "src/net.py",
                    "cell": None,
                    "module": None,
                    "line": 2,
                    "column": 5,
                    "end_line": 2,
                    "end_column": 12,
                },
                "related": [
                    {
                        "place": {
                            "file": None,
                            "cell": None,
                            "module": "fc.drop",
                            "line": None,
                            "column": None,
                            "end_line": None,
                            "end_column": None,
                        },
                        "message": "is the layer",
                    }
                ],
                "fix": {
                    "does": "Write keep",
                    "safe": True,
                    "edits": [
                        {"line": 2, "column": 5, "end_line": 2, "end_column": 9, "text": "keep"}
                    ],
                },
            }
        ],
        "notes": ["a note"],
    }


def test_statistics_are_rows():
    document = json.loads(render([finding(), finding()], "json", statistics=True))
    assert document["statistics"] == [
        {"code": "WB101", "name": "dropout-always-on", "count": 2, "fixable": 0}
    ]


def test_a_file_name_that_is_no_text_is_still_json():
    document = json.loads(render([finding(Place("a\udc80.py"))], "json"))
    assert document["findings"][0]["place"]["file"].endswith("a\udc80.py")
