"""`wolfsbane learn`: the lesson, in the browser."""

import threading
from pathlib import Path
from typing import Annotated

import typer

from wolfsbane.cli.experiment import COMPARE_NEEDS, check_extra
from wolfsbane.cli.printing import put
from wolfsbane.cli.progress import another_file_advised

NEEDED = COMPARE_NEEDS | {
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "markdown_it": "markdown-it-py",
}
"""Modules that the extra `learn` installs, and the packages they are in."""

EPILOG = """
Examples:

`wolfsbane learn` opens the lesson in your browser.

`wolfsbane learn --no-browser --port 9000` prints its address alone, as on a machine that you
reach through `ssh -L 9000:127.0.0.1:9000`.

`wolfsbane learn --progress group-a.json` keeps what is done in a file of its own.
"""


def learn(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the page; where taken, the next free one.")
    ] = 8765,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address, and open nothing.")
    ] = False,
    progress: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where it is kept which exercises are done.",
            show_default="a file among this user's data",
        ),
    ] = None,
) -> None:
    """Open the lesson on dropout, batch norm and activations in the browser.

    Everything is computed by torch on this machine, at that moment; nothing is fetched from
    elsewhere, and nobody else can open the page. Ctrl-C ends it.
    """
    check_extra("learn", NEEDED)
    from wolfsbane.learn.practice.progress import (  # noqa: PLC0415  # --help stays fast
        ProgressFile,
        default_path,
    )
    from wolfsbane.learn.server.serving import serve  # noqa: PLC0415
    from wolfsbane.learn.workers.confinement import available  # noqa: PLC0415
    from wolfsbane.learn.workers.pool import Workers  # noqa: PLC0415

    file = ProgressFile(default_path() if progress is None else progress)

    def ready(address: str) -> None:
        if lacks := available().lacks():
            put(f"{lacks}\n")
        put(f"The lesson is at {address}  (Ctrl-C ends it)\n")
        if not no_browser:
            threading.Thread(target=_open, args=(address,), daemon=True).start()

    with another_file_advised(file.path):
        serve(Workers, file, port, on_taken=_say_taken, on_ready=ready)
    put("The lesson has ended.\n")


def _say_taken(wanted: int, used: int) -> None:
    put(f"Port {wanted} is taken; this is port {used}.\n")


def _open(address: str) -> None:
    import webbrowser  # noqa: PLC0415

    webbrowser.open(address)
