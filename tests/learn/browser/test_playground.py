"""The playground: layers put in order, looked at, trained, broken."""

import re

import pytest

from learn.browser.waiting import LONGEST, wait_for_epochs
from wolfsbane.learn.playground.program import program_of
from wolfsbane.learn.playground.setup import Setup


@pytest.fixture
def expect():
    from playwright.sync_api import expect as playwrights  # noqa: PLC0415  # may be missing

    playwrights.set_options(timeout=LONGEST)
    return playwrights


@pytest.fixture
def playground(page):
    return page.locator("#playground")


def order_of(playground):
    return playground.locator("[data-layer]").evaluate_all("all => all.map(x => x.dataset.layer)")


def grip(playground, layer):
    return playground.locator(f'[data-layer="{layer}"] [data-grip]')


def drag(page, playground, layer, target):
    """Press on a layer and pull it below another one, without letting go."""
    grip(playground, layer).scroll_into_view_if_needed()
    begin, end = (grip(playground, each).bounding_box() for each in (layer, target))
    page.mouse.move(begin["x"] + 30, begin["y"] + 8)
    page.mouse.down()
    page.mouse.move(end["x"] + 30, end["y"] + end["height"] + 6, steps=8)


def run(playground, expect, button, ended="Finished"):
    playground.get_by_role("button", name=button, exact=True).click()
    expect(playground.locator("[data-playground] [data-status]")).to_contain_text(ended)


def set_number(playground, name, value):
    playground.locator(f"#playground-{name}").fill(str(value))


def test_layers_are_put_in_order_by_keyboard_alone_and_it_is_said(page, playground):
    up = playground.get_by_role("button", name="Move Dropout up")
    up.focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    assert order_of(playground) == ["dropout", "linear", "norm", "activation"]
    assert playground.locator("[data-moved]").inner_text() == "Dropout is now number 1 of 4."
    assert up.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")
    assert order_of(playground)[0] == "dropout"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert order_of(playground) == ["linear", "dropout", "norm", "activation"]


def test_layers_are_put_in_order_by_dragging(page, playground):
    drag(page, playground, "linear", "activation")
    page.mouse.up()
    assert order_of(playground) == ["norm", "activation", "linear", "dropout"]
    assert playground.locator("[data-moved]").inner_text() == "Linear is now number 3 of 4."


def test_escape_puts_a_dragged_layer_back(page, playground):
    drag(page, playground, "norm", "dropout")
    assert order_of(playground)[-1] == "norm"
    page.keyboard.press("Escape")
    page.mouse.up()
    assert order_of(playground) == ["linear", "norm", "activation", "dropout"]


def test_a_layer_that_is_set_to_none_is_said_to_be_absent(playground):
    playground.get_by_label("Activation").select_option("none")
    state = playground.locator('[data-layer="activation"] [data-state]')
    assert state.inner_text() == "not in the network"
    playground.get_by_label("Activation").select_option("tanh")
    assert state.inner_text() == ""


def test_a_look_has_two_columns_in_the_order_that_was_set(playground, expect):
    playground.get_by_role("button", name="Move Norm down").click()
    run(playground, expect, "Look")
    titles = playground.locator("[data-pairs] summary").all_inner_texts()
    layers = [re.sub(r"^\d+\. Hidden layer 1, ", "", title) for title in titles[:4]]
    assert layers == ["linear", "ReLU", "batch norm", "dropout"]
    pair = playground.locator("[data-pairs] details").nth(3).locator(".pair table")
    left, right = (pair.nth(side) for side in (0, 1))
    boxes = left.bounding_box(), right.bounding_box()
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]
    expect(left).to_contain_text("1.25")
    expect(left).to_contain_text("(dropped)")
    expect(right).not_to_contain_text("(dropped)")


def test_the_program_shown_and_copied_is_the_one_that_was_run(page, playground, expect):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown = playground.locator("[data-program]")
    assert shown.text_content() == program_of(Setup())
    playground.get_by_label("Break it").select_option("dropout-discarded")
    run(playground, expect, "Look")
    wanted = program_of(Setup(mistake="dropout-discarded"))
    assert shown.text_content() == wanted
    playground.get_by_text("The program, as it is run").click()
    playground.get_by_role("button", name="Copy").click()
    expect(playground.locator("[data-copied]")).to_have_text("Copied.")
    assert page.evaluate("() => navigator.clipboard.readText()") == wanted


def test_a_broken_training_is_named_by_the_auditor_beside_the_sound_one(playground, expect):
    set_number(playground, "epochs", 6)
    playground.get_by_label("Break it").select_option("softmax-before-cross-entropy")
    run(playground, expect, "Train")
    expect(playground.locator("[data-status]").first).to_contain_text("WB401")
    training = playground.locator('[data-results="training"]')
    expect(training.locator(".finding").first).to_contain_text("WB401")
    expect(training.locator(".legend").first).to_contain_text("test, broken")
    expect(training.locator(".legend").first).to_contain_text("test, sound")


def shown_epochs(training):
    """Return how many epochs the table behind the first chart has."""
    behind = training.locator("details").first
    behind.evaluate("found => { found.open = true; }")
    return behind.locator("tbody tr").count()


def test_a_training_is_streamed_and_stopped_and_the_next_one_runs_to_its_end(
    page, playground, expect
):
    set_number(playground, "epochs", 200)
    set_number(playground, "num_examples", 1000)
    set_number(playground, "batch_size", 4)
    playground.get_by_role("button", name="Train", exact=True).click()
    training = playground.locator('[data-results="training"]')
    wait_for_epochs(page, '[data-results="training"]', 1)
    seen = shown_epochs(training)
    expect(training.locator("details tbody").first.locator("tr").nth(seen + 1)).to_be_visible()
    run(playground, expect, "Stop", "Stopped; what came before is kept.")
    assert training.locator(".ended").count() == 0
    assert seen < shown_epochs(training) < 200
    train = playground.get_by_role("button", name="Train", exact=True)
    assert train.evaluate("button => button === document.activeElement")
    set_number(playground, "epochs", 3)
    run(playground, expect, "Train")
    assert shown_epochs(training) == 3


def test_a_setting_that_cannot_be_is_refused_in_a_sentence(browser, lesson, expect):
    # Not the fixture's page: browsers report the refusal as an error on their console.
    page = browser.new_page()
    page.goto(lesson.address)
    playground = page.locator("#playground")
    set_number(playground, "num_examples", 40)
    set_number(playground, "batch_size", 64)
    run(playground, expect, "Train", "Batch size has to be at most")
    page.close()


def test_a_finger_drags_a_layer(page, playground):
    handle = grip(playground, "dropout")
    handle.scroll_into_view_if_needed()
    begin, end = handle.bounding_box(), grip(playground, "linear").bounding_box()
    touch = page.context.new_cdp_session(page)
    points = [(begin["x"] + 30, begin["y"] + 8), (end["x"] + 30, end["y"] - 4)]
    for kind, (x, y) in zip(("touchStart", "touchMove"), points, strict=True):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert order_of(playground) == ["dropout", "linear", "norm", "activation"]


def test_the_shortest_bar_of_a_logarithmic_axis_has_a_height(page):
    heights = page.evaluate(
        """async () => {
            const { plotted } = await import(new URL("static/plots.js", location));
            const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
            const bars = { name: "norm", x: ["1", "2"], y: [0.5, 400], drawn: "bars" };
            const chart = { series: [bars], x_label: "layer", y_label: "norm", y_scale: "log" };
            plotted(svg, chart, 600);
            const drawn = [...svg.querySelectorAll(".bar")];
            return drawn.map((bar) => Number(bar.getAttribute("height")));
        }"""
    )
    assert 10 < heights[0] < heights[1]


def test_an_axis_of_whole_numbers_names_no_others(page):
    named = page.evaluate(
        """async () => {
            const { plotted } = await import(new URL("static/plots.js", location));
            const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
            const line = { name: "loss", x: [0, 1, 2], y: [5.5, 5.6, 5.7], drawn: "line" };
            plotted(svg, { series: [line], x_label: "seed", y_label: "loss" }, 600);
            const named = [...svg.querySelectorAll("text[text-anchor=middle]")];
            return named.map((at) => at.textContent);
        }"""
    )
    assert named == ["0", "1", "2"]
