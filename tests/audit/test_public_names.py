"""The names that the auditor offers: a change of this list is a change for users."""

import wolfsbane
from wolfsbane import audit

NAMES = [
    "Channel",
    "Edit",
    "Example",
    "Finding",
    "Findings",
    "Fix",
    "Place",
    "Rule",
    "Severity",
    "Span",
    "all_rules",
    "allow",
    "check_model",
    "check_source",
    "watch",
]


def test_the_names_are_these():
    assert sorted(audit.__all__) == NAMES
    assert all(getattr(audit, name).__doc__ for name in NAMES)


def test_the_auditor_is_reached_from_the_top():
    assert wolfsbane.audit is audit
    assert "audit" in wolfsbane.__all__
