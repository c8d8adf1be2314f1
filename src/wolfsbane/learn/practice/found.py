"""What the auditor found in a program, as it is shown."""

from wolfsbane.audit.finding import Finding
from wolfsbane.learn import blocks
from wolfsbane.learn.practice.running import FILE


def as_block(finding: Finding, key: str = "") -> blocks.Finding:
    """Return what the auditor found as a block.

    Args:
        finding: of a program that was run or read under the name `FILE`, or of a model.
        key: the block's.
    """
    return blocks.Finding(
        code=finding.code,
        name=finding.name,
        message=finding.message,
        help=finding.help,
        line=line_of(finding),
        channel=finding.channel.value,
        key=key,
    )


def line_of(finding: Finding) -> int:
    """Return the program's line that a finding is about; a probe's or another file's is none."""
    place = finding.place
    return place.span.line if place.file == FILE and place.span is not None else 0
