"""The process in which a student's program runs: one, then the process is done."""

import os
import tempfile
from pathlib import Path

from wolfsbane.learn.blocks import Ended
from wolfsbane.learn.workers.confinement import files
from wolfsbane.learn.workers.messages import OUTPUT
from wolfsbane.learn.workers.serving import Asked, Channel, perform, serve
from wolfsbane.learn.workers.warmth import warm_up


def prepare() -> None:
    """Import all that a program or its grading may need, while nothing is forbidden yet."""
    import torch  # noqa: PLC0415  # a process that never gets here has no need of it

    import wolfsbane.nn  # noqa: F401, PLC0415

    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    warm_up()


def do(asked: Asked, channel: Channel) -> Ended:
    """Confine this process for good, and do a job."""
    from wolfsbane.learn.practice.printing import heard_by  # noqa: PLC0415
    from wolfsbane.learn.workers.confinement import confine  # noqa: PLC0415

    folder = Path.cwd()
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))
    tempfile.tempdir = str(folder)
    confine(folder, memory=asked.memory, seconds=asked.seconds)
    with heard_by(lambda text: channel.tell({"kind": OUTPUT, "text": text})):
        return perform(asked, channel)


if __name__ == "__main__":
    # What Landlock refuses, it refuses one thread, and those that this starts later.
    serve(prepare, do, on_asked=lambda: files.keep_within(Path.cwd()))
