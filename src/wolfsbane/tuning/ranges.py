"""Which rates are as good as the chosen one, and the surrogate's band over them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from wolfsbane.tuning.answer import BandPoint, RateRange
from wolfsbane.tuning.dimensions import Rate
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.surrogate import Posterior


@dataclass(frozen=True, kw_only=True)
class Line(Space):
    """A space of which one rate may be chosen; the rest is as in one configuration.

    Of a space too large to be listed the candidates hardly ever share all rates but one, so what
    is as good along one rate is asked of the surrogate anew.

    Attributes:
        name: of the rate.
        through: the configuration.
    """

    name: str
    through: Configuration

    @property
    def line(self) -> tuple[Configuration, ...]:
        """The configurations, from the lowest rate to the highest."""
        found = dict(self.dimensions)[self.name]
        assert isinstance(found, Rate), f"{self.name} is no rate"
        return tuple(self._with(rate) for rate in sorted({self.rate(self.through), *found.values}))

    def rate(self, configuration: Configuration) -> float:
        """Return the rate of a configuration."""
        value = configuration.as_dict()[self.name]
        assert isinstance(value, int | float), f"{self.name}={value!r} is no rate"
        return float(value)

    def candidates(self) -> tuple[Configuration, ...]:
        """Return the line, after the space's baseline."""
        return tuple(dict.fromkeys((self.baseline, *self.line)))

    def _with(self, rate: float) -> Configuration:
        return Configuration(
            tuple(
                (name, rate if name == self.name else value) for name, value in self.through.values
            )
        )


def ranges(
    evidence: Evidence,
) -> tuple[tuple[RateRange, ...], tuple[tuple[BandPoint, ...], ...]]:
    """Return for each rate what is as good as the chosen one, and the band; both may be empty.

    A single configuration that was trained says nothing of others.
    """
    if not evidence.is_comparison:
        return (), ()
    space = evidence.setting.subject.space
    lines = [
        Line(dimensions=space.dimensions, name=name, through=evidence.best) for name in space.rates
    ]
    fitted = [(line, evidence.fitted(line)) for line in lines]
    return (
        tuple(_range(line, posterior) for line, posterior in fitted),
        tuple(_band(line, posterior, evidence.sign) for line, posterior in fitted),
    )


def _range(line: Line, posterior: Posterior) -> RateRange:
    good = set(posterior.as_good())
    index = line.line.index(line.through)
    below = _reach(line.line[index::-1], good)
    above = _reach(line.line[index:], good)
    return RateRange(line.name, line.rate(line.through), line.rate(below), line.rate(above))


def _reach(outwards: Sequence[Configuration], good: Collection[Configuration]) -> Configuration:
    """Return the last of the configurations up to which all are good; the first always is."""
    last = outwards[0]
    for configuration in outwards[1:]:
        if configuration not in good:
            break
        last = configuration
    return last


def _band(line: Line, posterior: Posterior, sign: float) -> tuple[BandPoint, ...]:
    low, high = posterior.band()
    points = []
    for configuration in line.line:
        index = posterior.candidates.index(configuration)
        ends = sorted((sign * float(low[index]), sign * float(high[index])))
        points.append(BandPoint(configuration, sign * float(posterior.mean[index]), *ends))
    return tuple(points)
