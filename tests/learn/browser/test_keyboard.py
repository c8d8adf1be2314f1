"""The lesson with the keyboard alone."""

import re

from learn.browser.waiting import wait_for_end

FOCUSED = """() => {
  const found = document.activeElement;
  if (!found || found === document.body) return null;
  window.stops ??= new Map();
  if (!window.stops.has(found)) window.stops.set(found, window.stops.size);
  const box = found.getBoundingClientRect();
  return {
    number: window.stops.get(found),
    name: found.id || found.name || found.textContent.trim().slice(0, 40),
    isSeen: box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0,
    outline: getComputedStyle(found).outlineStyle,
  };
}"""

REACHABLE = """() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex='0']")].filter((each) =>
    !each.disabled && each.checkVisibility() && !each.closest("dialog:not([open])")).length"""

RADIOS_BESIDES = """() => {
  const names = [...document.querySelectorAll("input[type=radio]")]
    .filter((each) => each.checkVisibility()).map((each) => each.name);
  return names.length - new Set(names).size;
}"""


def tab_to(page, selector):
    """Press Tab until this has the focus."""
    for _ in range(2000):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached")


def test_tab_walks_through_everything_once_and_out_again(page):
    walked = []
    while len(walked) < 3000:
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found is None:
            break
        walked.append(found)
    numbers = [stop["number"] for stop in walked]
    assert numbers == list(range(len(numbers))), "a trap, or a stop that comes twice"
    assert len(numbers) == page.evaluate(REACHABLE) - page.evaluate(RADIOS_BESIDES)
    assert [stop["name"] for stop in walked if not stop["isSeen"]] == []
    assert [stop["name"] for stop in walked if stop["outline"] == "none"] == []


def test_the_first_stop_leads_past_the_contents(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_step_is_predicted_run_and_explained(page):
    step = "#dropout--train-and-eval"
    tab_to(page, f"{step} input[type=radio]")
    page.keyboard.press("Space")
    tab_to(page, f"{step} [data-run]")
    page.keyboard.press("Enter")
    assert wait_for_end(page, step).startswith("Finished. ")
    assert page.locator(f"{step} [data-verdict]").inner_text().count("You said") == 1
    assert page.locator(f"{step} [data-explanation]").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.matches('[data-run]')"), "focus has moved"


def test_a_claim_is_run_changed_and_put_back(page):
    claim = "form.claim"
    tab_to(page, f"{claim} textarea")
    given = page.locator(f"{claim} textarea").first.input_value()
    page.keyboard.press("Control+A")
    page.keyboard.type("print('mean', (6 + 8) / 2)")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('[data-run]')")
    page.keyboard.press("Enter")
    wait_for_end(page, claim)
    assert "mean 7.0" in page.locator(f"{claim} [data-output]").first.inner_text()
    tab_to(page, f"{claim} [data-put-back]")
    page.keyboard.press("Enter")
    assert page.locator(f"{claim} textarea").first.input_value() == given


def test_hints_come_one_by_one(page):
    item = "#item-dropout-syntax"
    tab_to(page, f"{item} summary")
    page.keyboard.press("Enter")
    tab_to(page, f"{item} [data-next-hint]")
    hints = page.locator(f"{item} .hint")
    for number in range(1, hints.count() + 1):
        tab_to(page, f"{item} [data-next-hint]")
        page.keyboard.press("Enter")
        assert hints.locator("visible=true").count() == number
        assert re.search(rf"Hint {number} of", page.evaluate("document.activeElement.textContent"))
