"""An error, as the page tells it."""


def told(error: Exception) -> str:
    """Return what an error says; of the system's, the file and what is wrong with it."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)
