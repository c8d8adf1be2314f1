"""What axe, a narrow screen and a dark one find on every state of the page."""

import pytest

from learn.browser.waiting import wait_for_end

SETTINGS = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"width": 360, "height": 740},
    "forced colours": {"forced_colors": "active"},
}


def complaints(page):
    """Return what axe calls serious or critical."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415  # may be missing

    found = Axe().run(page).response
    assert found["passes"]
    return [
        (rule["id"], node["html"][:200], node["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


def overflow(page):
    """Return by how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def open_all(page):
    """Open everything that can be folded out."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_wrong_at_first_or_with_everything_open(open_page, name):
    page = open_page(**SETTINGS[name])
    assert complaints(page) == []
    open_all(page)
    assert complaints(page) == []
    assert overflow(page) <= 0


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_wrong_with_what_runs_show(open_page, name):
    page = open_page(**SETTINGS[name])
    open_all(page)
    for step in ("#memorising--noisy-labels", "#dropout--train-and-eval", "#activations--spirals"):
        page.locator(f"{step} fieldset.prediction input").first.check()
        page.locator(f"{step} [data-run]").click()
        assert wait_for_end(page, step).startswith("Finished.")
    for button in ("Look", "Train"):
        page.locator("#playground-epochs").fill("2")
        page.locator("#playground-mistake").select_option(index=1)
        page.get_by_role("button", name=button, exact=True).click()
        wait_for_end(page, "#playground")
    for choice in (0, 1):
        page.locator("#item-dropout-syntax fieldset.prediction input").nth(choice).check()
        page.locator("#item-dropout-syntax [data-run]").click()
        wait_for_end(page, "#item-dropout-syntax")
    page.locator("form.claim [data-program]").first.fill("print(nothing)")
    page.locator("form.claim [data-run]").first.click()
    wait_for_end(page, "form.claim")
    open_all(page)
    assert complaints(page) == []
    assert overflow(page) <= 0


def test_nothing_is_wrong_while_a_training_runs_or_in_a_dialog(page):
    page.locator("#playground-epochs").fill("200")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("[data-results=training] progress")
    assert complaints(page) == []
    page.locator("#playground [data-stop]").click()
    wait_for_end(page, "#playground")
    page.locator("[data-reset]").click()
    assert complaints(page) == []


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_is_wrong_with_a_rules_page(open_page, lesson, name):
    page = open_page(f"{lesson.address}rules/WB201", **SETTINGS[name])
    assert complaints(page) == []
    assert overflow(page) <= 0
