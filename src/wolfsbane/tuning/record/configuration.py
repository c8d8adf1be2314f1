"""What a search's trainings depend on, its hash, and how two searches differ.

Budget, precision, jobs, engine and what is asked of the data's complexity are no part of it: with
more of them a search goes on.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from wolfsbane.tuning.record.description import describe
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Space
from wolfsbane.tuning.subject import Subject

FORMAT = 1
"""Of the record: raised where an older record cannot be gone on with."""

LONGEST_NAME = 60
"""Characters of the data's and of the model's name in a study's name."""

DIGITS = 8
"""Of the hash, in a study's name."""


def configuration(setting: Setting) -> dict[str, Any]:
    """Return all that determines the trainings of a search, as JSON has it."""
    described: dict[str, Any] = {"format": FORMAT}
    for field in dataclasses.fields(setting):
        value = getattr(setting, field.name)
        if field.name == "pool":
            described["pool"] = value and {"name": value.name, "fingerprint": value.fingerprint}
        elif field.name == "subject":
            described["subject"] = _subject(value)
            described["space"] = _space(value.space)
        else:
            described[field.name] = describe(value)
    # As it is read back.
    whole: dict[str, Any] = json.loads(json.dumps(described))
    return whole


def _subject(subject: Subject) -> dict[str, Any]:
    fingerprint = getattr(subject, "fingerprint", None)
    return {"built_by": subject.built_by, "fingerprint": describe(fingerprint)}


def _space(space: Space) -> dict[str, Any]:
    return {name: describe(found) for name, found in space.dimensions}


def digest(described: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a configuration, in hexadecimal digits."""
    text = json.dumps(described, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def study_name(setting: Setting, described: Mapping[str, Any]) -> str:
    """Return the name of a search among others of one database."""
    data = type(setting.data).__name__ if setting.pool is None else setting.pool.name
    model = setting.subject.built_by
    parts = (data[:LONGEST_NAME], model[:LONGEST_NAME], digest(described)[:DIGITS])
    return f"wolfsbane: {', '.join(parts)}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return every value that two configurations differ in, as `name: old -> new`."""
    before, after = _flat(old), _flat(new)
    return [
        f"{name}: {before.get(name, 'nothing')} -> {after.get(name, 'nothing')}{_meaning(name)}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def _meaning(name: str) -> str:
    """Return what a difference of fingerprints says, which are no words."""
    return " (what it is made of has changed)" if "fingerprint" in name else ""


def _flat(tree: Any, name: str = "") -> dict[str, str]:
    if not isinstance(tree, Mapping) or not tree:
        return {name: json.dumps(tree)}
    flat: dict[str, str] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{name}.{key}" if name else key)
    return flat
