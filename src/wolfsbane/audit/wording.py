"""Numbers in messages."""


def counted(number: int, one: str, several: str | None = None) -> str:
    """Say how many there are of something.

    Args:
        number: how many.
        one: what it is called.
        several: what more of them are called, where that is not `one` with an s.

    Examples:
        >>> counted(1, "module"), counted(1200, "module"), counted(2, "batch", "batches")
        ('1 module', '1,200 modules', '2 batches')
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
