"""What is at the lesson's addresses."""

import json
import re
import subprocess
import sys

import pytest

from learn.server.lessons import served
from wolfsbane.audit.registry import all_rules
from wolfsbane.learn.practice.progress import ProgressFile


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    with served(tmp_path_factory.mktemp("lesson")) as running:
        yield running


def test_the_page_is_html(lesson):
    answer = lesson.get()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.lower().startswith("<!doctype html>")


def test_everything_the_page_refers_to_is_there(lesson):
    found = set(re.findall(r'(?:src|href)="((?:static|rules)/[^"#]+)"', lesson.get().text))
    assert any(each.startswith("static/") for each in found)
    missing = {each for each in found if lesson.get(each).status_code != 200}
    assert not missing


@pytest.mark.parametrize(
    "name", ["none.css", "..%2fapp.py", "..%2f..%2fserver%2fapp.py", "__init__.py", ""]
)
def test_a_file_that_is_not_the_pages_is_not_there(lesson, name):
    assert lesson.get(f"static/{name}").status_code == 404


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_rule_has_a_page_whose_links_to_others_work(lesson, rule):
    answer = lesson.get(f"rules/{rule.code}")
    assert answer.status_code == 200
    assert rule.code in answer.text
    text = rule.text()
    for other in set(re.findall(r"\bWB\d{3}\b", text)) - {rule.code}:
        assert re.search(rf'<a[^>]* href="(\./)?{other}"', answer.text), other


def test_a_rule_that_is_none_is_not_there(lesson):
    answer = lesson.get("rules/WB999")
    assert answer.status_code == 404
    assert "WB999" in answer.text


def test_progress_is_reset_and_exported(lesson):
    lesson.progress.note("a", passed=True, program="<b>")
    answer = lesson.get("progress/export")
    disposition = answer.headers["content-disposition"]
    assert disposition == 'attachment; filename="wolfsbane-progress.json"'
    assert json.loads(answer.text)["items"]["a"]["program"] == "<b>"
    assert lesson.post("progress/reset").status_code == 204
    assert lesson.get("progress").json() == {"items": {}}


def test_a_reset_is_not_to_be_had_by_a_link(lesson):
    assert lesson.get("progress/reset").status_code == 405


def test_progress_that_cannot_be_read_is_told(tmp_path):
    with served(tmp_path) as lesson:
        lesson.progress.path.mkdir()
        answer = lesson.get("progress")
    assert answer.status_code == 500
    assert answer.json() == {"error": f"{lesson.progress.path}: Is a directory"}


def test_a_mistake_of_ours_is_an_answer_with_headers(tmp_path, monkeypatch):
    def broken(self):
        raise ZeroDivisionError

    with served(tmp_path) as lesson:
        monkeypatch.setattr(ProgressFile, "read", broken)
        answer = lesson.get("progress")
    assert answer.status_code == 500
    assert "made a mistake" in answer.json()["error"]
    assert "content-security-policy" in answer.headers


WITHOUT_TORCH = """
import asyncio, pathlib, sys
import httpx
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.server import serving
from wolfsbane.learn.server.address import Address
from wolfsbane.learn.server.app import make_app

address = Address(8765)
app = make_app(None, ProgressFile(pathlib.Path(sys.argv[1])), address)

async def ask(*paths):
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=address.url) as client:
        for path in paths:
            (await client.get(path)).raise_for_status()

asyncio.run(ask("", "rules/WB201", "progress"))
print(sorted({"torch", "numpy", "matplotlib", "scipy", "sklearn"} & set(sys.modules)))
"""


def test_the_servers_process_never_imports_torch(tmp_path):
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, tmp_path / "progress.json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert found.stdout == "[]\n", found.stderr
