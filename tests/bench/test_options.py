"""What the command's options choose, and which are refused."""

import pytest

from wolfsbane.bench.cases import all_cases
from wolfsbane.bench.record import check_writable
from wolfsbane.bench.run import select, settings_for
from wolfsbane.errors import ArgumentError


def test_only_selects_by_parts_of_names_in_the_order_of_the_table():
    chosen = [case.name for case in select(["GELU", "64 elements"], quick=False)]
    everything = [case.name for case in all_cases()]
    assert chosen == [
        name for name in everything if "gelu" in name.lower() or "64 elements" in name
    ]


def test_only_that_selects_nothing_is_refused():
    with pytest.raises(ArgumentError, match=r"no case has 'droput' in its name.*--list"):
        select(["gelu", "droput"], quick=False)


def test_quick_is_a_short_list_without_the_compiler():
    chosen = select((), quick=True)
    assert {case.name for case in chosen} < {case.name for case in all_cases()}
    assert all(goal.against != "torch.compile" for case in chosen for goal in case.goals)
    assert all(case.goals for case in chosen)
    assert not settings_for(quick=True, rounds=None).compiles


def test_quick_with_only_selects_from_all():
    assert [case.name for case in select(["silu"], quick=True)] == [
        "BatchNorm2d + SiLU + Dropout p=0.1 forward + backward, (32, 64, 56, 56)"
    ]


@pytest.mark.parametrize("rounds", [-1, 0, 2])
def test_too_few_rounds_are_refused(rounds):
    with pytest.raises(ArgumentError, match=f"3 or more.*got {rounds}"):
        settings_for(quick=False, rounds=rounds)


def test_a_path_is_checked_before_anything_is_measured(tmp_path):
    new = tmp_path / "a" / "b" / "c.json"
    check_writable(new)
    assert list(new.parent.iterdir()) == []
    with pytest.raises(ArgumentError, match="is a folder"):
        check_writable(tmp_path)
    kept = tmp_path / "kept.json"
    kept.write_text("old")
    check_writable(kept)
    assert kept.read_text() == "old"
    with pytest.raises(OSError, match=r"kept\.json"):
        check_writable(kept / "below.json")
