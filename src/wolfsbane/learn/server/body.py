"""The JSON of a request, read with limits."""

import json
from typing import NoReturn

from starlette.requests import ClientDisconnect, Request

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.server.guard import LONGEST_BODY, RefusedError, too_long


async def read_json(request: Request) -> object:
    """Return what a request's body holds.

    Raises:
        RefusedError: it is too long, whatever it says of its length, or breaks off.
        ArgumentError: it is not JSON.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_BODY:
                raise too_long()
    except ClientDisconnect as error:
        raise RefusedError(400, "This broke off. Send it again.") from error
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"a run is asked for in JSON, but this is not: {error}") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")
