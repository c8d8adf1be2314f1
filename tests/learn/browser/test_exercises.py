"""Exercises in the browser: answered, mended, remembered; a student's program does no harm."""

import json

from learn.browser.waiting import wait_for_end
from wolfsbane.learn.items import all_items
from wolfsbane.learn.practice.item import Repair

REPAIR = next(item for item in all_items() if isinstance(item, Repair))
QUESTION = "#item-dropout-syntax"


def opened(page, name):
    page.locator(f"#item-{name} summary").first.click()
    return f"#item-{name}"


def submit(page, item, program):
    page.locator(f"{item} [data-program]").fill(program)
    page.locator(f"{item} [data-run]").click()
    return wait_for_end(page, item)


def test_an_exercise_is_mended_and_remembered(page, lesson):
    item = opened(page, REPAIR.name)
    page.locator(f"{item} [data-run]").click()
    assert "Not yet" in wait_for_end(page, item)
    assert not page.locator(f"{item} [data-done]").is_visible()
    mended = f"# by a student\n{REPAIR.solution}"
    assert "Yes" in submit(page, item, mended)
    assert page.locator(f"{item} [data-done]").is_visible()
    page.reload()
    page.wait_for_function(
        "(item) => !document.querySelector(item).hidden", arg=f"{item} [data-done]"
    )
    opened(page, REPAIR.name)
    assert page.locator(f"{item} [data-program]").input_value().strip() == mended.strip()
    assert json.loads(lesson.progress.read_text())["items"][REPAIR.name]["passed"] is True


def test_a_wrong_answer_is_named_and_measured(page):
    item = opened(page, "dropout-syntax")
    page.locator(f"{item} label", has_text="p=30").click()
    page.locator(f"{item} [data-run]").click()
    assert "Not yet" in wait_for_end(page, item)
    said = page.locator(f"{item} [data-output]").inner_text()
    assert "dropout probability has to be between 0 and 1, but got 30" in said
    assert page.locator(f"{item} [data-output] a[href='rules/WB106']").count() == 1


def test_what_a_program_prints_is_text_and_no_page(page):
    form = "form.claim"
    attack = "<img src=x onerror=alert(1)></pre><script>alert(2)</script>"
    page.locator(f"{form} [data-program]").first.fill(f"print({attack!r})")
    page.locator(f"{form} [data-run]").first.click()
    wait_for_end(page, form)
    output = page.locator(f"{form} [data-output]").first
    assert attack in output.inner_text()
    assert output.locator("img, script").count() == 0


MARKUP = "</code></pre><img src=x onerror=alert(1)><script>alert(2)</script>"
FORGED = """\
import json, os
class Odd(Exception): pass
markup = {markup!r}
blocks = [
    {{"kind": "text", "text": markup + " [a](javascript:alert(3)) ![b](x) `" + markup,
     "key": markup}},
    {{"kind": "graded", "passed": True, "said": markup, "measured": markup, "why": markup,
     "misconception": markup, "rule": markup, "key": ""}},
    {{"kind": "finding", "code": "../" + markup, "name": markup, "message": markup, "help": markup,
     "line": 1, "channel": markup, "key": ""}},
    {{"kind": "progress", "done": 1, "total": 2, "text": markup, "key": "forged"}},
]
for number in range(3, 100):
    try:
        os.write(number, b"".join(json.dumps(block).encode() + b"\\n" for block in blocks))
    except OSError:
        pass
print(markup)
raise Odd(markup)
"""


def test_no_block_that_a_program_forges_is_more_than_text(page):
    form = "form.claim"
    page.locator(f"{form} [data-program]").first.fill(FORGED.format(markup=MARKUP))
    page.locator(f"{form} [data-run]").first.click()
    wait_for_end(page, form)
    output = page.locator(f"{form} [data-output]").first
    assert output.inner_text().count("<img src=x") >= 8
    assert output.locator("img, script, iframe").count() == 0
    schemes = output.locator("a").evaluate_all("links => links.map(({ protocol }) => protocol)")
    assert set(schemes) <= {"http:"}
    assert page.locator("img[src=x]").count() == 0


def test_markup_in_the_progress_file_is_text(page, lesson):
    done = {"passed": True, "attempts": 1, "program": f"</textarea>{MARKUP}"}
    odd = {"passed": True, "attempts": 1, "program": MARKUP}
    items = {REPAIR.name: done, MARKUP: odd, '"] [data-item="': odd, "__proto__": odd}
    before = lesson.progress.read_text() if lesson.progress.exists() else None
    lesson.progress.write_text(json.dumps({"format": 1, "items": items}))
    page.reload()
    item = opened(page, REPAIR.name)
    page.wait_for_function(
        "(item) => !document.querySelector(item).hidden", arg=f"{item} [data-done]"
    )
    assert page.locator(f"{item} [data-program]").input_value() == done["program"]
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("[data-done]:not([hidden])").count() == 1
    lesson.progress.write_text(before or json.dumps({"format": 1, "items": {}}))


def test_a_program_that_does_not_end_is_ended_and_explained(page):
    form = "form.claim"
    page.locator(f"{form} [data-program]").first.fill("while True:\n    pass\n")
    page.locator(f"{form} [data-run]").first.click()
    assert "loop" in wait_for_end(page, form)


def test_progress_is_forgotten_only_when_that_is_meant(page, lesson):
    item = opened(page, "dropout-syntax")
    page.locator(f"{item} label", has_text="nn.Dropout(0.3)").click()
    page.locator(f"{item} [data-run]").click()
    assert "Yes" in wait_for_end(page, item)
    for button, kept in (("Keep it", True), ("Forget it", False)):
        page.locator("[data-reset]").click()
        page.get_by_role("button", name=button).click()
        page.wait_for_function(
            "([done, kept]) => document.querySelector(done).hidden !== kept",
            arg=[f"{item} [data-done]", kept],
        )
    assert json.loads(lesson.progress.read_text())["items"] == {}
