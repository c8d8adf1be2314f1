"""The file in which a student mends a program: made once, and never written over unasked."""

from pathlib import Path

from wolfsbane.errors import DataError
from wolfsbane.learn.practice.item import Repair

FOLDER = "wolfsbane-practice"
"""In the current folder."""

LONGEST = 100_000
"""Characters of a program that is read: far more than an exercise needs."""


class ExerciseFile:
    """A program to mend, in a file of the student's.

    Args:
        repair: the exercise.
        folder: where `FOLDER` is, or is made.
    """

    def __init__(self, repair: Repair, folder: Path) -> None:
        self._repair = repair
        self.path = folder / FOLDER / f"{repair.name}.py"

    def make(self, last: str | None = None) -> bool:
        """Write the file where there is none; return whether it was written.

        Args:
            last: the student's last version, which is used rather than the exercise's.

        Raises:
            DataError: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("x", encoding="utf-8") as file:
                file.write(self._repair.program if last is None else last)
        except FileExistsError:
            if self.path.is_file():
                return False
            raise DataError(
                f"{self.path} cannot be made: something else has its name. Move that away, or "
                "practise in another folder"
            ) from None
        except OSError as error:
            raise self._failed("written", error) from error
        return True

    def put_back(self) -> None:
        """Write the exercise's own program over whatever is there.

        Raises:
            DataError: it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self._repair.program, encoding="utf-8")
        except OSError as error:
            raise self._failed("written", error) from error

    def read(self) -> str:
        """Return what the student has written.

        Raises:
            DataError: it cannot be read, or is far too long.
        """
        return read_program(self.path)

    def _failed(self, what: str, error: OSError) -> DataError:
        return DataError(
            f"{self.path} cannot be {what}: {error.strerror or error}. Practise in a folder that "
            "you may write in"
        )


def read_program(path: Path) -> str:
    """Return a program that a student has written.

    Raises:
        DataError: it cannot be read, or is far too long.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8. Save it as that") from error
    if len(text) > LONGEST:
        raise DataError(f"{path} has {len(text):,} characters, and may have {LONGEST:,}")
    return text
