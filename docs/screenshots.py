"""Pictures of the lesson for these pages: `make screenshots`, on a machine with a browser."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT, TALLEST = 1180, 980, 2000
"""Pixels of one picture."""
PATIENCE = 300_000
"""Milliseconds for a run."""

STEPS = (
    "memorising--noisy-labels",
    "dropout--train-and-eval",
    "rate--sweep",
    "batch-norm--convergence",
    "activations--spirals",
    "together--variance-shift",
    "dynamic-graph--hooks",
    "real-case--spam",
    "mistakes--one-mistake",
)
"""One of each section."""


def main() -> None:
    """Serve the lesson, run a step of every section, and write the pictures."""
    with _served() as address, sync_playwright() as playwright:
        executable = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce"
        )
        page.goto(address)
        page.screenshot(path=IMAGES / "learn.png")
        for step in STEPS:
            _photograph_step(page, step)
        _photograph_playground(page)
        _photograph_answer(page)
        browser.close()
    _write_overview()


@contextmanager
def _served() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "wolfsbane", "learn", "--no-browser"]
        command += ["--progress", str(Path(folder) / "progress.json")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lesson:  # noqa: S603
            found = (re.search(r"http://\S+", line) for line in lesson.stdout or ())
            try:
                yield next(filter(None, found))[0]
            finally:
                lesson.send_signal(signal.SIGINT)


def _photograph_step(page: Page, step: str) -> None:
    found = page.locator(f"#{step}")
    found.locator("fieldset.prediction input").first.check()
    _run(page, found, found.locator("[data-run]"))
    _write(page, found, step.partition("--")[0])


def _photograph_playground(page: Page) -> None:
    playground = page.locator("#playground")
    page.locator("#playground-mistake").select_option("train-not-restored")
    _run(page, playground, page.get_by_role("button", name="Look", exact=True))
    _write(page, playground, "playground")


def _photograph_answer(page: Page) -> None:
    item = page.locator("#item-dropout-syntax")
    item.locator("summary").first.click()
    item.locator("label", has_text="p=30").click()
    _run(page, item, item.locator("[data-run]"))
    _write(page, item, "practice")


def _run(page: Page, within: Locator, button: Locator) -> None:
    button.click()
    status = within.locator("[data-status]").first.element_handle()
    has_ended = "(found) => !/^(\\w+ing\\.)?$/.test(found.textContent)"  # not "Running."
    page.wait_for_function(has_ended, arg=status, timeout=PATIENCE)


def _write(page: Page, part: Locator, name: str) -> None:
    """Write a picture of a part of the page, or of as much as a page of the documentation holds."""
    page.set_viewport_size({"width": WIDTH, "height": TALLEST})
    part.evaluate("found => found.scrollIntoView({block: 'start'})")
    box = part.bounding_box()
    assert box is not None
    shown = {**box, "height": min(box["height"], TALLEST - box["y"])}
    page.screenshot(path=IMAGES / f"learn-{name}.png", clip=shown)


def _write_overview() -> None:
    """Write all sections at a glance."""
    names = [step.partition("--")[0] for step in STEPS] + ["playground", "practice"]
    pictures = [Image.open(IMAGES / f"learn-{name}.png").convert("RGB") for name in names]
    columns, (width, height), gap = 6, (320, 720), 16
    rows = -(-len(pictures) // columns)
    size = (columns * (width + gap) + gap, rows * (height + gap) + gap)
    overview = Image.new("RGB", size, (225, 223, 218))
    for number, picture in enumerate(pictures):
        scaled = picture.resize((width, round(picture.height * width / picture.width)))
        row, column = divmod(number, columns)
        place = (gap + column * (width + gap), gap + row * (height + gap))
        overview.paste(scaled.crop((0, 0, width, min(height, scaled.height))), place)
    overview.quantize(255).save(IMAGES / "learn-sections.png", optimize=True)


if __name__ == "__main__":
    main()
