"""The JSON of a request, read with limits."""

import json
from typing import NoReturn

from starlette.requests import Request

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.server.guard import LONGEST_BODY, too_long


async def read_json(request: Request) -> object:
    """Return what a request's body holds.

    Raises:
        RefusedError: it is too long, whatever it says of its length.
        ArgumentError: it is not JSON.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise too_long()
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"a run is asked for in JSON, but this is not: {error}") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")
