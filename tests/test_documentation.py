"""The examples in the documentation run."""

import re
from pathlib import Path

import pytest

from skips import require_packages
from transforms.networks import of_torch_itself

pytestmark = [*of_torch_itself]  # the compiler's own

DOCS = Path(__file__).parents[1] / "docs"
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PAGES = (
    "check-model",
    "collection-activation",
    "collection-dropout",
    "collection-norm",
    "kernels",
    "mask",
    "mc-dropout",
    "stats",
    "surgery",
    "surgery-convert",
    "surgery-fuse",
    "surgery-rates",
    "transformations",
    "tune",
    # Warnings of Lightning and transformers, on small runs.
    pytest.param("tune-own-training", marks=pytest.mark.filterwarnings("ignore")),
)

NEEDED = {
    "tune": ("optuna", "joblib"),
    "tune-own-training": ("optuna", "joblib", "lightning", "transformers", "accelerate"),
}
"""Packages without which a page's examples cannot run."""


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_a_page_run_one_after_the_other(page):
    require_packages(*NEEDED.get(page, ()))
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, f"{page}.md", "exec"), names)


def test_links_between_pages_lead_somewhere():
    root = DOCS.parent
    pages = [root / "README.md", root / "CONTRIBUTING.md", *DOCS.glob("*.md")]
    for page in pages:
        text = CODE.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
