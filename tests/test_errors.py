"""The exception tree: one base, and torch's own base for each kind of mistake."""

import re

import pytest

from wolfsbane import errors

BASES = {
    "ArgumentError": {ValueError},
    "ArgumentTypeError": {TypeError},
    "ShapeError": {ValueError, RuntimeError},
    "DtypeError": {TypeError, RuntimeError},
    "DataError": {ValueError},
    "ModelError": {ValueError},
    "UnsupportedError": (RuntimeError,),
    "MissingDependencyError": {ImportError},
}

OURS = {
    name: cls
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, Exception)
}


@pytest.mark.parametrize("name", BASES)
def test_error_has_one_base_of_ours_and_those_of_torch(name):
    assert set(getattr(errors, name).__bases__) == {errors.WolfsbaneError, *BASES[name]}


def test_every_class_is_in_the_tree_that_the_docstring_draws():
    drawn = re.findall(r"(Wolfsbane\w+|\w+Error)\b", errors.__doc__)
    assert set(OURS) <= set(drawn)


def test_errors_are_these():
    assert set(OURS) == {"WolfsbaneError", "WolfsbaneWarning", *BASES}


def test_warning_is_a_user_warning_and_no_error():
    assert issubclass(errors.WolfsbaneWarning, UserWarning)
    assert not issubclass(errors.WolfsbaneWarning, errors.WolfsbaneError)


@pytest.mark.parametrize("name", OURS)
def test_error_says_what_it_does_in_a_docstring(name):
    assert OURS[name].__doc__
