"""Waiting for runs on the lesson's page."""

LONGEST = 60_000
"""Milliseconds: a run takes a few seconds where nothing else keeps the machine busy."""


def wait_for_end(page, within):
    """Wait until a run's status says that it has ended; return what it says."""
    status = page.locator(f"{within} [data-status]").first
    page.wait_for_function(
        "(found) => !/^(\\w+ing\\.)?$/.test(found.textContent)",  # not "Running."
        arg=status.element_handle(),
        timeout=LONGEST,
    )
    return status.inner_text()


def wait_for_epochs(page, within, at_least):
    """Wait until a run's progress has come so far."""
    page.wait_for_function(
        "([within, wanted]) => document.querySelector(`${within} progress`)?.value >= wanted",
        arg=[within, at_least],
        timeout=LONGEST,
    )
