"""Each kind of block, drawn by the page's own scripts."""

import dataclasses

from learn.browser.test_accessibility import NOTHING, complaints_in_every_setting
from learn.every_block import BLOCKS, CHART
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import Chart, Drawn, Series, Text

DRAW = """async (blocks) => {
  const { showBlock } = await import("./static/blocks.js");
  let box = document.getElementById("drawn");
  if (!box) {
    box = document.createElement("section");
    box.id = "drawn";
    document.querySelector("main").replaceChildren(box);
  }
  for (const block of blocks) showBlock(box, block);
}"""

ATTACK = "<img src=x onerror=alert(1)>"
LOSSES = Chart(
    title="Loss",
    description="It falls.",
    x_label="epoch",
    y_label="loss",
    series=tuple(
        Series(drawn, (1.0, 2.0, 3.0), (0.5, 0.25, 0.125), drawn, (0.4, 0.2, 0.1), (0.6, 0.3, 0.2))
        for drawn in Drawn
    ),
    key="losses",
)


def drawn(page, *blocks):
    page.evaluate(DRAW, [to_json(block) for block in blocks])
    return page.locator("#drawn")


def attacked(value):
    """Return a block's JSON with markup for each of its strings."""
    if isinstance(value, dict):
        kept = {"kind", "key", "mark", "drawn", "x_scale", "y_scale", "end", "code", "rule"}
        return {k: each if k in kept else attacked(each) for k, each in value.items()}
    if isinstance(value, list):
        return [attacked(each) for each in value]
    return ATTACK if isinstance(value, str) else value


def test_every_kind_of_block_is_accessible_and_fits(page):
    box = drawn(page, *BLOCKS, LOSSES)
    page.evaluate(
        "for (const each of document.querySelectorAll('#drawn details')) each.open = true"
    )
    assert box.locator("> *").count() == len(BLOCKS) + 1
    assert complaints_in_every_setting(page) == NOTHING


def test_no_text_of_any_block_becomes_markup(page):
    page.evaluate(DRAW, [attacked(to_json(block)) for block in (*BLOCKS, LOSSES)])
    page.evaluate(
        "for (const each of document.querySelectorAll('#drawn details')) each.open = true"
    )
    assert page.locator("#drawn img, #drawn script").count() == 0
    shown = page.locator("#drawn").inner_text()
    assert shown.count(ATTACK) > len(BLOCKS)


def test_all_words_of_a_block_are_shown(page):
    words = [Text("The **mean** of `x` is *not* 0.\n\n- one\n- two, see WB201")]
    said = " ".join(drawn(page, *words).inner_text().split())
    assert said == "The mean of x is not 0. one two, see WB201 (opens in a new tab)"
    assert page.locator("#drawn a").get_attribute("href") == "rules/WB201"


def test_marks_are_said_in_words(page):
    said = " ".join(drawn(page, *BLOCKS).inner_text().split())
    assert "0.00 (dropped)" in said
    assert "struck through: dropped; bold: kept." in said


def test_a_chart_has_a_description_and_all_its_numbers_in_a_table(page):
    box = drawn(page, CHART)
    assert (
        box.get_by_role("img").get_attribute("aria-label") == f"{CHART.title}. {CHART.description}"
    )
    box.locator("summary").click()
    rows = [row.split() for row in box.locator("tr").all_inner_texts()]
    assert rows == [
        ["epoch", "own", "own,", "lower", "new"],
        ["1", "0.9", "0.8", "0.9"],
        ["2", "0.5", "0.4", "none"],
        ["3", "0.25", "none"],
    ]


def test_series_differ_in_more_than_colour(page):
    lines = tuple(Series(str(i), (1.0, 2.0), (0.1 * i, 0.2)) for i in range(4))
    box = drawn(page, dataclasses.replace(LOSSES, series=lines))
    found = [line.get_attribute("stroke-dasharray") for line in box.locator(".plot .line").all()]
    assert len(set(found)) == 4
    markers = {each.get_attribute("d") for each in box.locator(".plot .marker").all()}
    assert len(markers) == 4


def test_a_newer_block_takes_the_place_of_the_one_with_its_key(page):
    box = drawn(page, LOSSES, Text("after it"))
    box.locator("summary").click()
    longer = tuple(
        dataclasses.replace(each, x=(*each.x, 4.0), y=(*each.y, 0.0625), lower=(), upper=())
        for each in LOSSES.series
    )
    drawn(page, dataclasses.replace(LOSSES, title="Loss so far", series=longer))
    assert box.locator("figure").count() == 1
    assert box.locator("figcaption").inner_text() == "Loss so far"
    assert box.locator("tbody tr").last.inner_text().split() == ["4", *["0.0625"] * len(Drawn)]
    assert page.evaluate("document.activeElement.matches('#drawn summary')"), "focus has moved"
    assert box.locator("> *").first.evaluate("each => each.tagName") == "FIGURE"
