"""Every program to mend: it fails as given, the solution passes, each wrong way is told apart."""

import pytest

from learn.items.every_item import REPAIRS, SEEDS, mended
from wolfsbane.learn.practice.claims import UNKNOWN

CHECKS = [
    pytest.param(row.values[0], check, id=f"{row.id}-{check.misconception.replace(' ', '-')}")
    for row in REPAIRS
    for check in row.values[0].checks
]


@pytest.mark.parametrize("repair", REPAIRS)
def test_the_given_program_fails_by_one_of_its_rules_or_checks(repair):
    answered = mended(repair, repair.program)
    assert not answered.graded.passed
    found = {finding.code for finding in answered.findings}
    said = answered.graded.misconception in {check.misconception for check in repair.checks}
    assert found <= set(repair.rules)
    assert found or said


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_given_program_that_raises_says_so_beforehand(repair):
    raised = mended(repair, repair.program).printed[0].error
    assert not raised or "fail" in repair.note


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("repair", REPAIRS)
def test_the_solution_passes_whatever_the_seed_and_nothing_is_found(repair, seed):
    answered = mended(repair, repair.solution, seed)
    assert answered.graded.passed, answered.graded.measured
    assert not answered.findings
    assert not answered.printed[0].error


@pytest.mark.parametrize("repair", REPAIRS)
def test_who_passes_is_told_why_it_works(repair):
    assert repair.why.strip()
    assert mended(repair, repair.solution).graded.why == repair.why


@pytest.mark.parametrize(("repair", "check"), CHECKS)
def test_a_wrong_way_to_mend_it_is_told_what_is_wrong_with_it(repair, check):
    answered = mended(repair, check.example)
    graded = answered.graded
    assert not answered.findings
    assert not answered.printed[0].error
    assert not graded.passed
    assert (graded.misconception, graded.why, graded.rule) == (
        check.misconception,
        check.why,
        check.rule,
    )
    assert graded.measured
    assert UNKNOWN not in graded.measured


@pytest.mark.parametrize("repair", REPAIRS)
def test_every_wrong_way_gets_a_message_of_its_own(repair):
    assert repair.checks
    for said in ("message", "why", "misconception", "example"):
        of_each = [getattr(check, said) for check in repair.checks]
        assert all(of_each), said
        assert len(set(of_each)) == len(of_each), said
    assert len({repair.program, repair.solution, *(c.example for c in repair.checks)}) == (
        2 + len(repair.checks)
    )
