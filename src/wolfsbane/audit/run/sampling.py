"""Which steps are looked at closely: the first, then ever fewer, so that watching stays cheap."""

from dataclasses import dataclass

from wolfsbane.errors import ArgumentError, ArgumentTypeError

FIRST = 3
"""Steps at the start that are all sampled: what is wrong from the start shows there."""
LONGEST = 64
"""Steps between two that are sampled, at most. A sampled step takes about twice as long as another,
so that one in 64 adds 2%; until then the distance doubles, and the share of sampled steps falls."""


@dataclass(frozen=True)
class Sampling:
    """Which steps have their layers and operations observed.

    Args:
        first: number of steps at the start that are all sampled.
        every: the largest distance between sampled steps. It is reached by doubling.
        is_steady: whether the distance is `every` from the start on.

    Examples:
        >>> [step for step in range(200) if Sampling().is_sampled(step)]
        [0, 1, 2, 4, 8, 16, 32, 64, 128, 192]
        >>> [step for step in range(30) if Sampling.every_step(10).is_sampled(step)]
        [0, 10, 20]
    """

    first: int = FIRST
    every: int = LONGEST
    is_steady: bool = False

    @classmethod
    def every_step(cls, number: int) -> "Sampling":
        """Return a sampling of every `number`-th step.

        Raises:
            ArgumentError: it is not positive.
        """
        if number < 1:
            raise ArgumentError(
                f"sampling has to be a positive number of steps, but got {number}. "
                "1 looks at every step"
            )
        return cls(1, number, is_steady=True)

    def is_sampled(self, step: int) -> bool:
        """Whether a step is looked at closely."""
        if step < self.first or step % self.every == 0:
            return True
        is_power_of_two = step & (step - 1) == 0
        return is_power_of_two and step < self.every and not self.is_steady


def sampling_of(given: "Sampling | int | None") -> Sampling:
    """Return the sampling that a user means: a number is every so many steps.

    Raises:
        ArgumentError, ArgumentTypeError: it is none.
    """
    if given is None:
        return Sampling()
    if isinstance(given, Sampling):
        return given
    if isinstance(given, bool) or not isinstance(given, int):
        raise ArgumentTypeError(
            f"sampling has to be a number of steps or a Sampling, but got {given!r}. "
            "sampling=10 looks at every tenth step"
        )
    return Sampling.every_step(given)
