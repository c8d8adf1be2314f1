"""Every rule of the source channel, on one program."""

from wolfsbane.audit.finding import Channel, Finding
from wolfsbane.audit.registry import Chosen, chosen
from wolfsbane.audit.source.file import Source


def check_source(text: str, path: str = "<string>", rules: Chosen = None) -> list[Finding]:
    r"""Return what the rules find in a program's text, in the order of its lines.

    Comments such as `# noqa: WB101` are not obeyed here; `wolfsbane check` does.

    Args:
        text: Python source.
        path: what to call it in findings.
        rules: which rules, by code or class; by default all but opinions.

    Raises:
        SyntaxError: it is not Python.
        ArgumentError: a code names no rule.

    Examples:
        >>> program = "import torch.nn.functional as F\ndef f(x):\n    return F.dropout(x)\n"
        >>> [finding.code for finding in check_source(program)]
        ['WB101']
    """
    source = Source.read(text, path)
    if not source.is_relevant:
        return []
    try:
        found = {
            finding
            for rule in chosen(rules)
            if Channel.SOURCE in rule.channels()
            for finding in rule().check_source(source)
        }
    finally:
        source.release()
    return sorted(found, key=lambda finding: (finding.place.span or (), finding.code))
