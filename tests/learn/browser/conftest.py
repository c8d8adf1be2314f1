"""The lesson as a student has it: a process of its own, and a real browser before it."""

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from skips import require, require_packages

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

QUIET = (
    "--no-sandbox",  # as root, in CI
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Lesson:
    """A lesson that is being served."""

    address: str
    progress: Path
    process: subprocess.Popen


@pytest.fixture(scope="module")
def browser():
    """Return a browser, headless; Debian's, or the one that Playwright has installed."""
    require_packages("playwright", "axe_playwright_python")
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415  # may be missing

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            launched = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        except Error as error:
            require("Executable doesn't exist" not in str(error), "a browser: chromium")
            raise
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """Serve the lesson on a free port."""
    require_packages("starlette", "uvicorn")
    folder = tmp_path_factory.mktemp("lesson")
    progress = folder / "progress.json"
    command = [sys.executable, "-m", "wolfsbane", "learn", "--no-browser"]
    with subprocess.Popen(
        [*command, "--progress", str(progress)],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            found = next(filter(None, (re.search(r"http://\S+", line) for line in process.stdout)))
            yield Lesson(found[0], progress, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


@pytest.fixture
def open_page(browser, lesson):
    """Return a function that opens the lesson; a script's error or a request elsewhere fails.

    Motion is reduced, so that nothing is on its way when a test looks.
    """
    wrong, pages = [], []

    def look_at(request):
        if not request.url.startswith(lesson.address.rpartition("/")[0].rpartition("/")[0]):
            wrong.append(f"asked for {request.url}")

    def open_one(address=lesson.address):
        page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        page.on("request", look_at)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(address)
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        page.close()
    assert wrong == []


@pytest.fixture
def page(open_page):
    """Return the lesson's page, opened."""
    return open_page()
