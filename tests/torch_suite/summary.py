"""The line that says how many of PyTorch's checks ran over wolfsbane.

The tests leave the entry that they checked in their report, which travels from pytest-xdist's
workers, so the line is the same with and without them.
"""

ENTRY = "torch_suite_entry"
"""The property of a test's report that names its database and its entry."""

DATABASES = ("module_db", "op_db", "common_nn", "our own")


def pytest_terminal_summary(terminalreporter):
    passed = [report for report in _reports(terminalreporter, "passed") if _entries(report)]
    skipped = _reports(terminalreporter, "skipped")
    failed = _reports(terminalreporter, "failed") + _reports(terminalreporter, "error")
    if not (passed or skipped or failed):
        return
    entries = set().union(*map(_entries, passed + failed))
    counts = {database: sum(name == database for name, _ in entries) for database in DATABASES}
    terminalreporter.write_sep("=", "PyTorch's own tests")
    terminalreporter.write_line(
        f"PyTorch's own suites over wolfsbane: {len(passed)} passed, {len(skipped)} skipped, "
        f"{len(failed)} failed "
        f"(entries: {', '.join(f'{count} {name}' for name, count in counts.items())})"
    )


def _entries(report):
    """Return the entries that a test checked: none for the tests of the suite itself."""
    return {tuple(value) for name, value in report.user_properties if name == ENTRY}


def _reports(terminalreporter, outcome):
    return [
        report
        for report in terminalreporter.getreports(outcome)
        if "torch_suite/" in report.nodeid.replace("\\", "/")
    ]
