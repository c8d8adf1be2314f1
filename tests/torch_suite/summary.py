"""The line that says how many of PyTorch's checks ran over wolfsbane.

The tests leave the entry that they checked in their report, which travels from pytest-xdist's
workers, so the line is the same with and without them.
"""

ENTRY = "torch_suite_entry"
"""The property of a test's report that names its database and its entry."""


def pytest_terminal_summary(terminalreporter):
    passed = [report for report in _reports(terminalreporter, "passed") if _entries(report)]
    skipped = _reports(terminalreporter, "skipped")
    failed = _reports(terminalreporter, "failed") + _reports(terminalreporter, "error")
    if not (passed or skipped or failed):
        return
    entries = set().union(*map(_entries, passed + failed))
    terminalreporter.write_sep("=", "PyTorch's own tests")
    terminalreporter.write_line(
        f"PyTorch's own suites over wolfsbane: {len(passed)} passed, {len(skipped)} skipped, "
        f"{len(failed)} failed ({_count(entries, 'module_db')} module_db entries, "
        f"{_count(entries, 'op_db')} op_db entries, {_count(entries, 'common_nn')} common_nn tests, "
        f"{_count(entries, 'ours')} entries of our own)"
    )


def _entries(report):
    """Return the entries that a test checked: none for the tests of the suite itself."""
    return {tuple(value) for name, value in report.user_properties if name == ENTRY}


def _count(entries, database):
    return sum(name == database for name, _ in entries)


def _reports(terminalreporter, outcome):
    return [
        report
        for report in terminalreporter.getreports(outcome)
        if "torch_suite/" in report.nodeid.replace("\\", "/")
    ]
