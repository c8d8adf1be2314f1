"""What wolfsbane raises, so that one `except` can catch all of it or exactly one kind.

    Exception
    └── WolfsbaneError
        ├── ArgumentError        (also ValueError)    a value out of range
        ├── ArgumentTypeError    (also TypeError)     a value of the wrong type, an unknown argument
        ├── ShapeError           (also ValueError, RuntimeError)   dimensions that do not fit
        ├── DtypeError           (also TypeError, RuntimeError)    element types that do not fit
        ├── DataError            (also ValueError)    data that cannot be learned from
        ├── ModelError           (also ValueError)    a model that cannot be built or trained
        ├── UnsupportedError     (also RuntimeError)  what torch may do, and a mask cannot
        └── MissingDependencyError (also ImportError) an extra that is not installed

    UserWarning
    └── WolfsbaneWarning

Each also derives from what torch raises in the same place, so code written for torch goes on
working. A message says what was given, what is expected and what to do; where torch has a
message for the same mistake, ours begins with torch's words.
"""


class WolfsbaneError(Exception):
    """Base of every error that wolfsbane raises on purpose."""


class ArgumentError(WolfsbaneError, ValueError):
    """An argument has the right type and an impossible value."""


class ArgumentTypeError(WolfsbaneError, TypeError):
    """An argument has the wrong type, or its name is unknown."""


class ShapeError(WolfsbaneError, ValueError, RuntimeError):
    """A tensor's dimensions do not fit the operation (torch raises either base, by operation)."""


class DtypeError(WolfsbaneError, TypeError, RuntimeError):
    """A tensor's element type does not fit the operation."""


class DataError(WolfsbaneError, ValueError):
    """A data set is missing, unreadable, or cannot be learned from."""


class ModelError(WolfsbaneError, ValueError):
    """A model cannot be built, or what it returns is not what the task needs."""


class UnsupportedError(WolfsbaneError, RuntimeError):
    """An operation is used in a way that it cannot work in: it would be wrong, not only slow."""


class MissingDependencyError(WolfsbaneError, ImportError):
    """A feature needs a package that one of wolfsbane's extras installs."""


class WolfsbaneWarning(UserWarning):
    """Something that works and is probably not what was meant."""
