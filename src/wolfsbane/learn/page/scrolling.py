"""Programs in the page: as they are, in a box that a keyboard can scroll."""

from markupsafe import Markup

PROGRAM = Markup(
    '<pre class="program-text" tabindex="0" role="group" aria-label="{}"><code>{}</code></pre>'
)


def scrolling(program: str, name: str) -> Markup:
    """Return a program to be read, in a box with this name."""
    return PROGRAM.format(name, program.rstrip("\n"))
