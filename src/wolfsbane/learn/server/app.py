"""The lesson's addresses, and what is at each."""

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from wolfsbane.errors import ArgumentError, WolfsbaneError
from wolfsbane.learn.page.render import render_page, render_rule, static_file
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.server.address import Address
from wolfsbane.learn.server.asking import read_request
from wolfsbane.learn.server.body import read_json
from wolfsbane.learn.server.events import HEARTBEAT, Events
from wolfsbane.learn.server.guard import Guard, RefusedError
from wolfsbane.learn.server.headers import SafeHeaders
from wolfsbane.learn.server.runs import FETCHED_WITHIN, Runs
from wolfsbane.learn.server.wording import told
from wolfsbane.learn.workers.pool import BusyError, Workers


def make_app(
    workers: Workers,
    progress: ProgressFile,
    address: Address,
    *,
    fetched_within: float = FETCHED_WITHIN,
    heartbeat: float = HEARTBEAT,
) -> ASGIApp:
    """Return the application. It answers requests to `address` alone.

    Args:
        workers: what runs; the caller closes them.
        progress: what the student has done.
        address: where the application will be.
        fetched_within: seconds after which a run is cancelled whose events nobody fetched.
        heartbeat: seconds of silence between two signs of life of a run.
    """
    lesson = _Lesson(Runs(workers, fetched_within), progress, heartbeat)
    app = Starlette(
        routes=[
            Route("/", lesson.page),
            Route("/static/{name}", lesson.static),
            Route("/rules/{code}", lesson.rule),
            Route("/runs", lesson.start, methods=["POST"]),
            Route("/runs/{run}/events", lesson.events),
            Route("/runs/{run}/cancel", lesson.cancel, methods=["POST"]),
            Route("/progress", lesson.progress),
            Route("/progress/export", lesson.export),
            Route("/progress/reset", lesson.reset, methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _not_there,
            RefusedError: _refused,
            BusyError: _busy,
            WolfsbaneError: _mistaken,
            OSError: _failed,
            Exception: _broken,
        },
    )
    return SafeHeaders(Guard(app, address))


class _Lesson:
    """The endpoints. The page is put together once; the rest, when asked for."""

    def __init__(self, runs: Runs, progress: ProgressFile, heartbeat: float) -> None:
        self._runs = runs
        self._progress = progress
        self._heartbeat = heartbeat
        self._page = render_page()

    async def page(self, _request: Request) -> Response:
        return HTMLResponse(self._page)

    async def static(self, request: Request) -> Response:
        try:
            file = static_file(request.path_params["name"])
        except ArgumentError as error:
            return PlainTextResponse(str(error), 404)
        return Response(file.content, media_type=file.media_type)

    async def rule(self, request: Request) -> Response:
        try:
            page = await to_thread.run_sync(render_rule, request.path_params["code"])
        except ArgumentError as error:
            return PlainTextResponse(str(error), 404)
        return HTMLResponse(page)

    async def start(self, request: Request) -> Response:
        asked = await to_thread.run_sync(read_request, await read_json(request))
        return JSONResponse({"run": await self._runs.start(asked)}, 202)

    async def events(self, request: Request) -> Response:
        name = self._known_run(request)
        going = self._runs.take(name) if request.method == "GET" else None
        if going is None:
            # Which tells a browser that lost the connection not to come again.
            return Response(status_code=204)
        return Events(going, self._progress, lambda: self._runs.forget(name), self._heartbeat)

    async def cancel(self, request: Request) -> Response:
        await self._runs.cancel(self._known_run(request))
        return Response(status_code=204)

    async def progress(self, _request: Request) -> Response:
        progress = await to_thread.run_sync(self._progress.read)
        return JSONResponse(progress.to_json())

    async def export(self, _request: Request) -> Response:
        return Response(
            await to_thread.run_sync(self._progress.export),
            media_type="application/json",
            headers={"content-disposition": 'attachment; filename="wolfsbane-progress.json"'},
        )

    async def reset(self, _request: Request) -> Response:
        await to_thread.run_sync(self._progress.reset)
        return Response(status_code=204)

    def _known_run(self, request: Request) -> str:
        name: str = request.path_params["run"]
        if not self._runs.is_known(name):
            raise RefusedError(404, "There is no such run. Start it again.")
        return name


async def _not_there(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return error.response()


async def _busy(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 429)


async def _mistaken(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _failed(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": told(error)}, 500)


async def _broken(_request: Request, _error: Exception) -> Response:
    text = "The lesson's program made a mistake; it is told in the terminal. Try again."
    return JSONResponse({"error": text}, 500)
