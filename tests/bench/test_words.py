"""Figures in words."""

import pytest

from wolfsbane.bench.case import Unit
from wolfsbane.bench.words import amount


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (5.25, Unit.SECONDS, "5.25 s"),
        (0.0123, Unit.SECONDS, "12.3 ms"),
        (1.5e-5, Unit.SECONDS, "15 µs"),
        (2.5e-7, Unit.SECONDS, "0.25 µs"),
        (0.0, Unit.BYTES, "0 B"),
        (24.5 * 2**20, Unit.BYTES, "24.5 MiB"),
        (70 * 2**10, Unit.BYTES, "70 KiB"),
        (64.2, Unit.MEBIBYTES, "64 MiB"),
        (3.6e-8, Unit.RELATIVE_ERROR, "3.6e-08"),
    ],
)
def test_amounts_have_units(value, unit, said):
    assert amount(value, unit) == said
