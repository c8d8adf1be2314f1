"""How a mended program is graded: it runs, the auditor is silent, and the checks hold."""

import re
from collections.abc import Iterator

from wolfsbane.learn.blocks import Block, Graded, Printed
from wolfsbane.learn.practice.auditing import Audited, audit
from wolfsbane.learn.practice.claims import Verdict, decide, fill
from wolfsbane.learn.practice.item import Check, Repair
from wolfsbane.learn.practice.running import Ran, fresh_start
from wolfsbane.learn.practice.stopping import stopped_by
from wolfsbane.learn.practice.syntax import SyntaxFault, syntax_error
from wolfsbane.learn.practice.tracebacks import last_line

SAID = "your program"
HIDING = re.compile(r"#\s*noqa\b", re.IGNORECASE)
"""A comment that would hide what the auditor finds in the run."""


def repair_blocks(repair: Repair, program: str, seed: int | None = None) -> Iterator[Block]:
    """Yield what the program prints, what the auditor finds by the item's rules, and the grade.

    Args:
        repair: the item.
        program: the student's.
        seed: of the program's random numbers; by default a new one.
    """
    broken = syntax_error(program)
    if broken is not None:
        yield Printed(program="", output="", error=broken.text)
        yield _not_python(broken)
        return
    with fresh_start(seed):
        audited = audit(_without_hiding(program), repair.rules)
        yield Printed(program="", output=audited.ran.output, error=audited.ran.error)
        yield from audited.findings
        yield _graded(repair, audited)
        yield from stopped_by(audited.ran)


def _graded(repair: Repair, audited: Audited) -> Graded:
    if audited.ran.exception is not None:
        return _raised(audited, audited.ran.exception)
    if audited.findings:
        return _found(audited)
    for check in repair.checks:
        verdict = decide(check.claim, audited.ran.names)
        if verdict.error.startswith(f"{NameError.__name__}:"):
            return _unnamed(verdict)
        if not verdict.holds:
            return _failed(check, verdict, audited.ran)
    return _passed(repair)


def _not_python(broken: SyntaxFault) -> Graded:
    where = f"line {broken.line}" if broken.line else "it"
    return Graded(
        passed=False,
        said=SAID,
        measured=f"Python cannot read {where}: `{broken.what}`.",
        why="Nothing was run. Python marks where it gave up; the cause is there or just before.",
    )


def _raised(audited: Audited, error: BaseException) -> Graded:
    line = audited.ran.line
    where = f"in line {line}" if line else "before its end"
    # All are by the item's rules; those about this line go first.
    about = sorted(audited.findings, key=lambda finding: finding.line not in (line, 0))
    why = about[0].help if about else "An exercise passes when its program runs to its end."
    return Graded(
        passed=False,
        said=SAID,
        measured=f"The program stops {where}: `{last_line(error)}`.",
        why=_sentence(why),
        rule=about[0].code if about else "",
    )


def _found(audited: Audited) -> Graded:
    first = audited.findings[0]
    where = f"Line {first.line}: " if first.line else ""
    return Graded(
        passed=False,
        said=SAID,
        measured=_sentence(f"{where}{first.message}"),
        why=_sentence(first.help),
        rule=first.code,
    )


def _unnamed(verdict: Verdict) -> Graded:
    """A name that a check looks at is gone: that says nothing about what the student believes."""
    return Graded(
        passed=False,
        said=SAID,
        measured=f"It runs to its end, but {verdict}.",
        why="What the program makes is looked at under the names that it has at first. Keep those; "
        "Put back (r in the terminal) gives you the program as it was.",
    )


def _failed(check: Check, verdict: Verdict, ran: Ran) -> Graded:
    mentioned = f" ({verdict}.)" if verdict.error else ""
    return Graded(
        passed=False,
        said=SAID,
        measured=fill(check.message, ran.names) + mentioned,
        why=check.why,
        misconception=check.misconception,
        rule=check.rule,
    )


def _passed(repair: Repair) -> Graded:
    by = f" by {', '.join(repair.rules)}" if repair.rules else ""
    silent = f"the auditor finds nothing{by}" if repair.rules else ""
    held = f"all that it has to do holds ({len(repair.checks)} checks)" if repair.checks else ""
    said = ", and ".join(part for part in ("It runs to its end", silent, held) if part)
    return Graded(passed=True, said=SAID, measured=f"{said}.", why=repair.why)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _without_hiding(program: str) -> str:
    """Return the program with comments such as `# noqa: WB201` made mute: they mend nothing."""
    return HIDING.sub("# ----", program)
