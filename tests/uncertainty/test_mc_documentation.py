"""The examples of the page run."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "mc-dropout.md"


def test_examples_of_the_page_run_one_after_the_other():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
