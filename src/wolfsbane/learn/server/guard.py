"""Who is answered: a browser on this machine, sent by `wolfsbane learn`, from our own page."""

import secrets

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wolfsbane.errors import WolfsbaneError
from wolfsbane.learn.server.address import Address

LONGEST_BODY = 64 << 10
"""Bytes of a request; a program of 20,000 characters fits."""

UNSAFE = "POST"
"""The method that changes something."""


class RefusedError(WolfsbaneError):
    """A request that is not answered.

    Args:
        status: of HTTP.
        text: what is wrong and what to do, in a sentence.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    def response(self) -> Response:
        """Return it as an answer."""
        return JSONResponse({"error": str(self)}, self.status)


class Guard:
    """Answers what it refuses, and hands on the rest with the token as its root path.

    A name that was made to point at this machine (DNS rebinding) is not among the hosts; a page of
    another origin does not know the token, and is refused where it guesses.
    """

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app = app
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = self._refused(scope)
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app({**scope, "root_path": f"/{self._address.token}"}, receive, send)

    def _refused(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            rest = self._rest_of(scope["path"])
            _check_origin(scope["method"], headers)
            _check_body(scope["method"], headers)
        except RefusedError as refusal:
            return refusal.response()
        # The page's links are relative to its folder.
        return None if rest else RedirectResponse(f"/{self._address.token}/")

    def _check_host(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._address.hosts:
            raise RefusedError(
                421,
                f"The lesson answers to the names 127.0.0.1 and localhost at port "
                f"{self._address.port} alone. Open the address that wolfsbane learn printed; "
                "through a tunnel, use the same port at both ends.",
            )

    def _rest_of(self, path: str) -> str:
        """Return the path behind the token; empty where not even a slash follows."""
        token, slash, rest = path.removeprefix("/").partition("/")
        given = token.encode("utf-8", "replace")
        if not secrets.compare_digest(given, self._address.token.encode()):
            raise RefusedError(404, "Not found")
        return slash + rest


def _check_origin(method: str, headers: Headers) -> None:
    """Refuse what another site's page sends, and what changes something and may be from one."""
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if len(headers.getlist("origin")) > 1:
        raise RefusedError(400, "A request comes from one origin.")
    is_ours = origin is not None and origin.lower() == f"http://{headers['host'].lower()}"
    # With no-referrer a browser may send `null` for our own page; what it says of the site decides.
    from_ours = is_ours or (site == "same-origin" and origin in {None, "null"})
    if method == UNSAFE:
        fits = from_ours and site in {None, "same-origin"}
    else:
        followed = headers.get("sec-fetch-mode") == "navigate"
        fits = from_ours or (origin is None and (site in {None, "none", "same-origin"} or followed))
    if not fits:
        raise RefusedError(403, "This came from another site. Only the lesson's own page may ask.")


def _check_body(method: str, headers: Headers) -> None:
    length = headers.get("content-length", "0")
    has_body = length != "0" or "transfer-encoding" in headers
    if not has_body:
        return
    if method != UNSAFE:
        raise RefusedError(400, f"A {method} has no body.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise RefusedError(415, "What is sent has to be JSON, with Content-Type: application/json.")
    if not length.isascii() or not length.isdigit() or int(length) > LONGEST_BODY:
        raise too_long()


def too_long() -> RefusedError:
    """Return the refusal of a body that is longer than may be."""
    return RefusedError(413, f"This is more than {LONGEST_BODY >> 10} KiB. Send a shorter program.")
