"""What the trainings tell of every configuration, with the seeds' effects taken out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from wolfsbane.tuning.space import Configuration, Rate, Space
from wolfsbane.tuning.surrogate.gradient import knowledge_gradient
from wolfsbane.tuning.surrogate.kernel import ANY
from wolfsbane.tuning.surrogate.prior import draw
from wolfsbane.tuning.surrogate.process import Points, Process, condition
from wolfsbane.tuning.surrogate.unit import Unit, unit_of

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """The objective of one training; `value` None while it runs. Lower is better here."""

    configuration: Configuration
    seed: int
    value: float | None


@dataclass(frozen=True)
class Posterior:
    candidates: tuple[Configuration, ...]
    mean: Array
    covariance: Array
    pair_deviation: float
    unit: Unit
    process: Process
    points: Array
    used: frozenset[tuple[Configuration, int]]
    s_mean: Array
    s_cov: Array

    @property
    def best(self) -> Configuration:
        """The candidate with the lowest mean."""
        return self.candidates[int(np.argmin(self.mean))]

    @property
    def expected_regret(self) -> float:
        """How much worse than the unknown optimum the best candidate is expected to be."""
        best = int(np.argmin(self.s_mean))
        v, u = np.linalg.eigh(self.s_cov)
        root = u * np.sqrt(np.maximum(v, 0))
        z = np.random.default_rng(0).standard_normal((2048, len(v)))
        y = self.unit.restore(self.s_mean + z @ root.T)
        return float(np.mean(y[:, best] - y.min(1)))

    def as_good(self, confidence: float = 0.95) -> tuple[Configuration, ...]:
        """Return the candidates that nothing shows to be worse than the best."""
        from scipy.stats import norm
        best = int(np.argmin(self.s_mean))
        v = np.diag(self.s_cov) + self.s_cov[best, best] - 2 * self.s_cov[best]
        d = self.s_mean - self.s_mean[best]
        ok = d <= norm.ppf(confidence) * np.sqrt(np.maximum(v, 0))
        return tuple(c for c, k in zip(self.candidates, ok, strict=True) if k)

    def band(self, confidence: float = 0.95) -> tuple[Array, Array]:
        """Return the lower and upper ends of all candidates' intervals, in the objective's unit."""
        from scipy.stats import norm
        w = norm.ppf((1 + confidence) / 2) * np.sqrt(np.diag(self.s_cov))
        return self.unit.restore(self.s_mean - w), self.unit.restore(self.s_mean + w)

    def most_telling(self, seeds: Sequence[int]) -> tuple[Configuration, int]:
        pairs = [(c, s) for s in seeds for c in range(len(self.candidates)) if (self.candidates[c], s) not in self.used]
        at: Points = self.points[[c for c, _ in pairs]], np.array([s for _, s in pairs])
        means: Points = self.points, np.full(len(self.points), ANY)
        sens = self.process.cross(means, at) / np.sqrt(self.process.variance(at))
        kg = knowledge_gradient(self.s_mean, sens)
        best = int(np.argmin(self.s_mean))
        if kg.max() < 1e-9:
            kg = np.square(sens - sens[best]).sum(0)
        c, s = pairs[int(np.argmax(kg))]
        return self.candidates[c], s


def encode(space: Space, configurations: Sequence[Configuration]) -> Array:
    points = space.encode(configurations)
    col = 0
    for _, d in space.dimensions:
        if isinstance(d, Rate):
            points[:, col] = -np.log1p(-np.minimum(points[:, col], 0.99))
            col += 1
        else:
            col += len(d.options)
    return points


def fit(space: Space, observations: Sequence[Observation]) -> Posterior:
    finished = [o for o in observations if o.value is not None]
    running = [o for o in observations if o.value is None]
    unit = unit_of([o.value for o in finished])
    y = unit.standardise(np.array([o.value for o in finished]))
    groups = tuple(1 if isinstance(d, Rate) else len(d.options) for _, d in space.dimensions)
    draws = draw(groups, tuple(isinstance(d, Rate) for _, d in space.dimensions))
    alls = finished + running
    pts: Points = encode(space, [o.configuration for o in alls]), np.array([o.seed for o in alls])
    process = condition(draws, pts, y)
    cands = space.candidates()
    points = encode(space, cands)
    means: Points = points, np.full(len(points), ANY)
    mean = process.weights @ process.mean(means)
    cov = process.cross(means, means)
    slope = unit.slope(mean)
    best = int(np.argmin(mean)) or int(np.argmax(points.sum(1)))
    ends: Points = points[[0, best]], np.array([0, 0])
    d = process.draws
    from wolfsbane.tuning.surrogate.kernel import matern
    corr = matern(points[[0]], points[[best]], d.length)[:, 0, 0]
    pv = process.weights @ (process.scale * (d.seed**2*(slope[0]-slope[best])**2 + d.shape**2*(slope[0]**2+slope[best]**2-2*corr*slope[0]*slope[best]) + d.noise**2*(slope[0]**2+slope[best]**2)))
    return Posterior(cands, unit.restore(mean), cov * slope[:, None] * slope, float(np.sqrt(pv)), unit, process, points, frozenset((o.configuration, o.seed) for o in alls), mean, cov)
