"""The command line: one file a verb. Nothing here imports torch before a verb runs."""

import sys

import typer

import wolfsbane
from wolfsbane.cli.bench import bench
from wolfsbane.cli.check import check
from wolfsbane.cli.compare import compare
from wolfsbane.cli.experiment import INTERRUPTED
from wolfsbane.cli.explain import explain
from wolfsbane.cli.learn import EPILOG, learn
from wolfsbane.cli.practice import EPILOG as PRACTICE_EPILOG
from wolfsbane.cli.practice import practice
from wolfsbane.cli.run import CONTEXT, run
from wolfsbane.cli.tune import tune
from wolfsbane.errors import WolfsbaneError

app = typer.Typer(
    help="Dropout, batch normalisation and activation functions for PyTorch.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # joins the lines of a paragraph
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(check)
app.command()(explain)
app.command()(compare)
app.command()(tune)
app.command()(bench)
app.command(epilog=EPILOG)(learn)
app.command(epilog=PRACTICE_EPILOG)(practice)
app.command(context_settings=CONTEXT)(run)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(wolfsbane.__version__)
        raise typer.Exit


@app.callback()
def _options(
    _version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_print_version, is_eager=True
    ),
) -> None:
    pass


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def main() -> None:
    """Run the command line; a mistake of the user's ends in one line and exit code 2."""
    try:
        app(prog_name="wolfsbane")
    except (WolfsbaneError, OSError) as error:
        # One line, whatever an exception had to say.
        message = " ".join(_told(error).split())
        print(f"wolfsbane: {message}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        print("wolfsbane: interrupted before anything was finished", file=sys.stderr)  # noqa: T201
        sys.exit(INTERRUPTED)
