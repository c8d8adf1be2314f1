"""What axe, a narrow screen and a dark one find on every state of the page."""

from learn.browser.waiting import wait_for_end

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
SETTINGS = {
    "light": (DESK, {"color_scheme": "light", "forced_colors": "none"}),
    "dark": (DESK, {"color_scheme": "dark", "forced_colors": "none"}),
    "phone": (PHONE, {"color_scheme": "light", "forced_colors": "none"}),
    "forced colours": (DESK, {"color_scheme": "dark", "forced_colors": "active"}),
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


def complaints_in_every_setting(page):
    """Return what axe and a narrow screen find, by setting."""
    found = {}
    for name, (size, media) in SETTINGS.items():
        page.set_viewport_size(size)
        page.emulate_media(reduced_motion="reduce", **media)
        wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found[name] = complaints(page) + ([f"{wider} px too wide"] if wider > 0 else [])
    return found


NOTHING = {name: [] for name in SETTINGS}


def open_all(page):
    """Open everything that can be folded out."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


def test_nothing_is_wrong_at_first(page):
    assert complaints_in_every_setting(page) == NOTHING


def test_nothing_is_wrong_with_everything_open_and_what_runs_show(page):
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
    assert complaints_in_every_setting(page) == NOTHING


def test_nothing_is_wrong_while_a_training_runs_or_in_a_dialog(page):
    # It takes minutes, and axe some seconds.
    for name, value in (("num_examples", "1000"), ("batch_size", "2"), ("epochs", "200")):
        page.locator(f"#playground-{name}").fill(value)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("[data-results=training] progress")
    assert complaints(page) == []
    page.locator("#playground [data-stop]").click()
    wait_for_end(page, "#playground")
    page.locator("[data-reset]").click()
    assert complaints(page) == []


def test_nothing_is_wrong_with_a_rules_page(open_page, lesson):
    assert complaints_in_every_setting(open_page(f"{lesson.address}rules/WB201")) == NOTHING
