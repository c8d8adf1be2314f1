"""What the page says where a run cannot be had."""

import pytest

STEP = "#dropout--train-and-eval"


@pytest.fixture
def plain_page(browser, lesson):
    """Return the page; what fails on the way may be written to the console."""
    page = browser.new_page()
    page.goto(lesson.address)
    yield page
    page.close()


def status_after_run(page):
    page.locator(f"{STEP} [data-run]").click()
    status = page.locator(f"{STEP} [data-status].problem")
    status.wait_for()
    return status.inner_text()


def test_what_the_server_refuses_is_said_beside_the_button(plain_page):
    seed = plain_page.locator(f"{STEP} input[type=number]").first
    seed.evaluate("field => { field.removeAttribute('max'); field.value = 1e9; }")
    assert "has to be between" in status_after_run(plain_page)
    assert plain_page.locator(f"{STEP} [data-run]").get_attribute("aria-disabled") == "false"
    assert plain_page.locator(f"{STEP} [data-output]").is_hidden()


def test_a_server_that_is_gone_is_said_with_what_to_do(plain_page):
    plain_page.context.set_offline(True)
    assert "wolfsbane learn" in status_after_run(plain_page)
