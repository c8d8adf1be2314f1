"""A space as it is written on a command line."""

from wolfsbane.errors import ArgumentError, WolfsbaneError
from wolfsbane.experiment.literals import literal
from wolfsbane.tuning.dimensions import DEFAULT_STEP, Choice, Dimension, Rate
from wolfsbane.tuning.space import Space, make_space

DEFAULT_SPACE = "dropout=0..0.9"
"""What is searched of the default network."""

HINT = "Write, say, dropout=0..0.9, dropout=0..0.5:0.1 (in steps), activation=relu|gelu"


def parse_space(text: str) -> Space:
    """Read `dropout=0..0.5:0.1,activation=relu|gelu` as names, rates and options.

    A comma separates dimensions. `low..high` is a rate, with `:step` behind it in other steps than
    0.05; `a|b|c` are options, the first of which the others are compared with.

    Raises:
        ArgumentError, ArgumentTypeError: a dimension is neither, is named twice, or cannot be.

    Examples:
        >>> space = parse_space("dropout=0..0.5:0.25, norm=false|true")
        >>> [str(one) for one in space.candidates()[:2]]
        ['dropout=0, norm=False', 'dropout=0.5, norm=False']
    """
    dimensions: dict[str, Dimension] = {}
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        name, _, values = (piece.strip() for piece in part.partition("="))
        if name in dimensions:
            raise ArgumentError(f"space {text!r}: {name!r} is given twice")
        dimensions[name] = _dimension(part, name, values)
    if not dimensions:
        raise ArgumentError(f"nothing to be found in space {text!r}. {HINT}")
    return make_space(dimensions)


def _dimension(part: str, name: str, values: str) -> Dimension:
    pieces = [piece.strip() for piece in values.split("|")]
    is_rate = len(pieces) == 1
    low, dots, high = values.partition("..")
    if not name or not all(pieces) or is_rate is not bool(dots):
        raise ArgumentError(
            f"space {part!r}: expected name=low..high for a rate or name=a|b for a choice. {HINT}"
        )
    try:
        return _rate(low, high) if is_rate else Choice(*map(literal, pieces))
    except WolfsbaneError as error:
        raise type(error)(f"space {part!r}: {error}") from None


def _rate(low: str, high: str) -> Rate:
    high, colon, step = high.partition(":")
    return Rate(
        literal(low.strip()),
        literal(high.strip()),
        literal(step.strip()) if colon else DEFAULT_STEP,
    )
