"""Styles and scripts, as they are sent: flat, by name."""

from dataclasses import dataclass
from importlib.resources import files

from wolfsbane.errors import ArgumentError

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
"""By the end of a name; nothing else is sent."""


@dataclass(frozen=True)
class StaticFile:
    """A file that a page asks for.

    Attributes:
        content: what is in it.
        media_type: as the header Content-Type has it.
    """

    content: bytes
    media_type: str


def static_names() -> tuple[str, ...]:
    """Return the names of all static files."""
    found = files("wolfsbane.learn.page").joinpath("static").iterdir()
    return tuple(sorted(each.name for each in found if _media_type(each.name)))


def static_file(name: str) -> StaticFile:
    """Return the static file with this name.

    Raises:
        ArgumentError: there is none.
    """
    if name not in static_names():
        raise ArgumentError(
            f"the page has no file {name!r}. There are: {', '.join(static_names())}"
        )
    content = files("wolfsbane.learn.page").joinpath("static", name).read_bytes()
    return StaticFile(content, _media_type(name))


def _media_type(name: str) -> str:
    return MEDIA_TYPES.get(name.rpartition(".")[2], "")
