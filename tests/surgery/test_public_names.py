"""The names of wolfsbane.surgery are frozen."""

from wolfsbane import surgery

NAMES = [
    "Plan",
    "RateScheduler",
    "Undo",
    "constant",
    "convert",
    "convert_sync_batchnorm",
    "curriculum",
    "early",
    "fold_batchnorm",
    "fuse",
    "insert_batchnorm",
    "insert_dropout",
    "late",
    "linear",
    "rates",
    "remove_dropout",
    "revert",
    "revert_sync_batchnorm",
    "set_rates",
    "swap_activation",
]


def test_public_names_are_these():
    assert surgery.__all__ == sorted(NAMES)


def test_every_public_name_has_a_docstring():
    assert all(getattr(surgery, name).__doc__ for name in NAMES)
