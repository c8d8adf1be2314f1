"""Text on its way out."""

import sys

from wolfsbane.cli.printing import put


def test_nothing_is_written_where_standard_output_is_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    put("The lesson is at http://127.0.0.1/\n")
