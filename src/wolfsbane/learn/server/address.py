"""Where the lesson is: this machine, a port, and a word that nobody can guess."""

import secrets
from dataclasses import dataclass, field

HOST = "127.0.0.1"
"""This machine alone; nothing is served to others."""

HTTP_PORT = 80
"""Which browsers leave out."""


def _new_token() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True)
class Address:
    """The page's address.

    Attributes:
        port: of `HOST`.
        token: the first part of every path; who does not know it learns nothing.
    """

    port: int
    token: str = field(default_factory=_new_token)

    @property
    def url(self) -> str:
        """The page."""
        return f"http://{HOST}:{self.port}/{self.token}/"

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser that was sent here says as its `Host`."""
        names = (HOST, "localhost")
        bare = names if self.port == HTTP_PORT else ()
        return frozenset((*bare, *(f"{name}:{self.port}" for name in names)))
