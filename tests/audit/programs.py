"""Programs put through a channel, as the rules' examples and the corpus are."""

import sys
import types
import warnings

from wolfsbane.audit import check_model
from wolfsbane.audit.finding import Channel
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.source.check import check_source

MODEL_ARGUMENTS = ("model", "example_inputs", "loss", "optimizer", "loader")
MISTAKES = (RuntimeError, ValueError, TypeError)
"""The errors with which torch reports some mistakes itself."""


def found_by(channel, code, rules, path="program.py"):
    """Return what `rules` find in a program through a channel.

    Of some of the mistakes torch warns, which is no error of the program's.
    """
    if channel is Channel.SOURCE:
        return list(check_source(code, path, rules))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if channel is Channel.MODEL:
            return _found_in_model(code, rules, path)
        return _found_in_run(code, rules, path)


def _found_in_model(code, rules, path):
    names = _executed(code, path)
    arguments = {name: names[name] for name in MODEL_ARGUMENTS if name in names}
    return list(check_model(**arguments, rules=rules))


def _found_in_run(code, rules, path):
    ended_by = None
    try:
        with watch_everything(rules=rules) as findings:
            _executed(code, path)
    except MISTAKES as error:
        ended_by = str(error)
    if ended_by is not None:
        assert ended_by == _error_of(code, path), "watching has changed how the program ends"
    return list(findings)


def _error_of(code, path):
    """Return with which error a program ends when nobody watches it."""
    try:
        _executed(code, path)
    except MISTAKES as error:
        return str(error)
    return None


def _executed(code, path):
    """Run a program as a script is run, and return what it leaves behind."""
    main = types.ModuleType("__main__")
    main.__file__ = str(path)
    before = sys.modules["__main__"]
    sys.modules["__main__"] = main
    try:
        exec(compile(code, str(path), "exec"), vars(main))
    finally:
        sys.modules["__main__"] = before
    return vars(main)
