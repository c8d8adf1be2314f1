"""What holds for many files at once."""

import gc
import warnings

from audit.made_up_rule import OldCall
from wolfsbane.audit.checking.globs import Globs
from wolfsbane.audit.checking.programs import FILES_PER_COLLECTION, Task, check_files
from wolfsbane.audit.registry import rule_of

DROP = rule_of("WB101")
PROGRAM = "import torch.nn.functional as F\ndef f(x):\n    old(F.dropout(x))\n"


def _files(folder, *names, text=PROGRAM):
    for name in names:
        (folder / name).write_text(text)
    return [str(folder / name) for name in names]


def test_findings_come_by_file_and_line(tmp_path):
    findings = check_files(_files(tmp_path, "b.py", "a.py"), Task((OldCall, DROP))).findings
    told = [(one.place.file[-4:], one.place.span.column, one.code) for one in findings]
    assert told == [
        ("b.py", 5, "WB190"),
        ("b.py", 9, "WB101"),
        ("a.py", 5, "WB190"),
        ("a.py", 9, "WB101"),
    ]


def test_codes_can_be_off_in_some_files(tmp_path):
    ignores = ((Globs(["a.py"], tmp_path), ("WB101",)), (Globs(["*"], tmp_path), ("WB190",)))
    findings = check_files(
        _files(tmp_path, "a.py", "b.py"), Task((OldCall, DROP), ignores)
    ).findings
    assert [(one.place.file[-4:], one.code) for one in findings] == [("b.py", "WB101")]


def test_pythons_own_warnings_about_a_program_are_not_told(tmp_path):
    files = _files(tmp_path, "a.py", text="import torch\nx = '\\d'\ny = 1 is 1\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert check_files(files, Task((DROP,))).findings == []
    assert caught == []


def test_the_garbage_collector_runs_at_times_and_is_on_afterwards(tmp_path, monkeypatch):
    num_collections = []
    monkeypatch.setattr(gc, "collect", lambda: num_collections.append(gc.isenabled()))
    files = _files(tmp_path, *(f"{n}.py" for n in range(2 * FILES_PER_COLLECTION + 1)))
    check_files(files, Task((DROP,)))
    assert num_collections == [False, False]
    assert gc.isenabled()


def test_a_garbage_collector_that_was_off_stays_off(tmp_path):
    gc.disable()
    try:
        check_files(_files(tmp_path, "a.py"), Task((DROP,)))
        assert not gc.isenabled()
    finally:
        gc.enable()
