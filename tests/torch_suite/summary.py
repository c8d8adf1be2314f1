"""The line that says how many of PyTorch's checks ran over wolfsbane.

The tests leave the entry that they checked in their report, which travels from pytest-xdist's
workers, so the line is the same with and without them.
"""

ENTRY = "torch_suite_entry"
"""The property of a test's report that names its database and its entry."""


def pytest_terminal_summary(terminalreporter):
    counts = {outcome: _reports(terminalreporter, outcome) for outcome in ("passed", "skipped")}
    failed = _reports(terminalreporter, "failed") + _reports(terminalreporter, "error")
    if not any((*counts.values(), failed)):
        return
    entries = {
        tuple(value)
        for report in (*counts["passed"], *failed)
        for name, value in report.user_properties
        if name == ENTRY
    }
    terminalreporter.write_sep("=", "PyTorch's own tests")
    terminalreporter.write_line(
        f"PyTorch's own suites over wolfsbane: {len(counts['passed'])} passed, "
        f"{len(counts['skipped'])} skipped, {len(failed)} failed "
        f"({_count(entries, 'module_db')} module_db entries, {_count(entries, 'op_db')} op_db "
        f"entries, {_count(entries, 'common_nn')} common_nn entries, "
        f"{_count(entries, 'ours')} entries of our own)"
    )


def _count(entries, database):
    return sum(name == database for name, _ in entries)


def _reports(terminalreporter, outcome):
    return [
        report
        for report in terminalreporter.getreports(outcome)
        if "torch_suite/" in report.nodeid.replace("\\", "/")
    ]
