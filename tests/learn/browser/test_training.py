"""A training in the playground, streamed epoch by epoch, and stopped."""

import re

from learn.browser.waiting import LONGEST, wait_for_end, wait_for_epochs

PLAYGROUND = "#playground"
RESULTS = "[data-results=training]"


def set_number(page, name, value):
    page.locator(f"#playground-{name}").fill(str(value))


def begin(page, epochs):
    set_number(page, "epochs", epochs)
    page.get_by_role("button", name="Train", exact=True).click()


def rows_of_the_chart(page):
    """Return the rows of the table behind the first chart."""
    return page.locator(f"{RESULTS} details table").first.locator("tbody tr").count()


def test_a_training_is_streamed_and_stopped_and_the_next_one_runs_to_its_end(page):
    begin(page, 200)
    wait_for_epochs(page, RESULTS, 2)
    assert page.locator(f"{PLAYGROUND} [data-stop]").is_enabled()
    seen = rows_of_the_chart(page)
    wait_for_epochs(page, RESULTS, 5)
    assert rows_of_the_chart(page) > seen >= 1
    page.locator(f"{PLAYGROUND} [data-stop]").click()
    assert wait_for_end(page, PLAYGROUND).startswith("Stopped; what came before is kept.")
    assert 5 <= rows_of_the_chart(page) < 200
    begin(page, 3)
    assert wait_for_end(page, PLAYGROUND).startswith("Finished.")
    assert rows_of_the_chart(page) == 3


def test_a_mistake_is_made_and_the_auditor_names_it(page):
    page.locator("#playground-mistake").select_option(index=1)
    chosen = page.locator("#playground-mistake option:checked").inner_text()
    code = re.search(r"WB\d{3}", chosen)[0]
    begin(page, 3)
    wait_for_end(page, PLAYGROUND)
    page.wait_for_function(
        "([within, code]) => document.querySelector(within).innerText.includes(code)",
        arg=[RESULTS, code],
        timeout=LONGEST,
    )


def test_layers_are_moved_by_keyboard_and_by_mouse(page):
    names = page.locator("[data-layers] .layer-name")
    before = names.all_inner_texts()
    page.get_by_role("button", name=f"Move {before[0]} down").focus()
    page.keyboard.press("Enter")
    assert names.all_inner_texts() == [before[1], before[0], *before[2:]]
    assert page.locator("[data-moved]").inner_text()
    page.locator("[data-layer] [data-grip]").nth(3).drag_to(
        page.locator("[data-layer]").nth(0), target_position={"x": 20, "y": 2}
    )
    assert names.all_inner_texts()[0] == before[3]


def test_two_columns_show_the_same_batch_in_both_modes(page):
    page.get_by_role("button", name="Look", exact=True).click()
    assert wait_for_end(page, PLAYGROUND).startswith("Finished.")
    shown = page.locator("[data-results=inspect]").inner_text().lower()
    for word in ("training", "evaluation", "mask", "mean", "variance", "running", "dead"):
        assert word in shown
    captions = page.locator("[data-pairs] table caption").all_inner_texts()
    assert len(captions) == len(set(captions)) >= 4
