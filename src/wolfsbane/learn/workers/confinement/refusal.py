"""What a program is told when it does what it may not."""

import errno

from wolfsbane.learn.blocks import End

TEXTS = {
    End.NETWORK: (
        "there is no network here: make the data in the program, with torch.randn for example"
    ),
    End.PROCESSES: (
        "no further process can be started, or signalled, here: a DataLoader needs num_workers=0, "
        "and torch.compile has no compiler"
    ),
    None: (
        "a program here can write only in its own folder: give the file a name without a folder, "
        "such as 'model.pt'"
    ),
}


class RefusedError(PermissionError):
    """A program does what it may not.

    Args:
        end: what that is; None: writing a file elsewhere.
    """

    __module__ = "builtins"  # So that a traceback calls it by its name alone.

    def __init__(self, end: End | None) -> None:
        super().__init__(errno.EPERM, TEXTS[end])
        self.end = end

    def __str__(self) -> str:
        """Without the number of the error."""
        return TEXTS[self.end]
