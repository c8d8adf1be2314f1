"""The process in which the lesson's own experiments run, one after another."""

import importlib
import pkgutil
from contextlib import suppress

from wolfsbane.learn.blocks import Ended
from wolfsbane.learn.workers.serving import Asked, Channel, perform, serve
from wolfsbane.learn.workers.warmth import cores, warm_up


def prepare() -> None:
    """Import torch and the experiments."""
    import torch  # noqa: PLC0415  # a process that never gets here has no need of it

    from wolfsbane.learn import experiments, playground  # noqa: PLC0415

    # One core is left to the browser and the server.
    torch.set_num_threads(min(torch.get_num_threads(), max(1, cores() - 1)))
    for package in (experiments, playground):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            with suppress(ImportError):  # Whoever asks for it is told why.
                importlib.import_module(module.name)
    warm_up()


def do(asked: Asked, channel: Channel) -> Ended:
    """Do a job."""
    return perform(asked, channel)


if __name__ == "__main__":
    serve(prepare, do)
