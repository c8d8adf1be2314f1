"""A rule of the tests' own: it has fixes of every kind, and stays as it is."""

import ast

from wolfsbane.audit.finding import Channel, Edit, Fix, Severity
from wolfsbane.audit.rule import Rule

REPLACEMENTS = {"old": ("new", True), "risky": ("calm", False), "broken": ("((", True)}
"""What is called, by what it is to be replaced, and whether that is safe."""


class OldCall(Rule):
    """A call of something `old`.

    ## What it does

    Finds calls of `old`, `risky` and `broken`.

    ## References

    - [nowhere](https://example.org/old)
    """

    code = "WB190"
    name = "old-call"
    severity = Severity.WARNING

    def check_source(self, source):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                new, is_safe = REPLACEMENTS.get(node.func.id, (None, False))
                if new:
                    edit = Edit(source.span(node.func), new)
                    fix = Fix(f"Call {new}", (edit,), is_safe)
                    message = f"{node.func.id} is called"
                    place = source.place(node)
                    yield self.found(Channel.SOURCE, place, message, f"call {new}", fix=fix)
