"""Means over units that resemble their neighbours: a t test whose standard error and critical value count for that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from urbanbench.judging.estimate import Estimate

__all__ = ["CORRELATION", "SpatialJudge", "SpatialMean", "over_places"]

CORRELATION = 0.03
"""Mean correlation of two units that the test is made safe for, the default of Müller and Watson (2022)."""
_MOST_COMPONENTS = 20
_MOST_PLACES = 1000
_WEAKER = 1.5 ** np.arange(13)
"""Of the worst range, and shorter ones against which the test is safe as well."""
_ANGLES = (np.arange(64) + 0.5) / 64 * np.pi / 2
_LEVEL, _HALF = 0.05, 0.975
_FAR = 1e6
"""A t ratio beyond this is no chance, and too large for the quadratic form to tell."""


@dataclass(frozen=True, eq=False)
class SpatialMean:
    """A mean over units with its spatial standard error.

    Parameters
    ----------
    mean, error
        The mean and its standard error by the judge's components.
    judge
        Knows how large a t ratio chance gives.
    """

    mean: float
    error: float
    judge: SpatialJudge

    @property
    def t(self) -> float:
        """Mean over standard error."""
        with np.errstate(divide="ignore"):  # units that all differ by the same
            return 0.0 if self.mean == 0 else float(np.divide(self.mean, self.error))

    @property
    def p(self) -> float:
        """Largest probability, over all correlations up to the judge's, of a t ratio at least as far from 0."""
        return self.judge.chance(abs(self.t))

    @property
    def reach(self) -> float:
        """Half width of the 95 % interval."""
        return self.judge.critical * self.error


class SpatialJudge:
    """Spatial correlation principal components for units at some places (Müller and Watson 2022, "Spatial correlation robust inference").

    The standard error comes from the projections of the units' contributions on the q first principal components of an exponential correlation
    whose mean over all pairs of units is `correlation`, the mean taken out. The critical value holds for that correlation and every shorter
    range; q is the number for which the interval is shortest where units are independent. More than a thousand units are put together in
    cells of a square grid first.

    Parameters
    ----------
    xy
        Positions (n, 2) in metres.
    correlation
        Mean correlation of two units in the worst case, in (0, 1).

    Raises
    ------
    ValueError
        Fewer than five different places.
    """

    def __init__(self, xy: np.ndarray, correlation: float = CORRELATION) -> None:
        from scipy.spatial.distance import cdist

        self._cell, places = _cells(np.asarray(xy, dtype=np.float64))
        if len(places) < 5:
            msg = f"The units lie in {len(places)} places. Expected at least 5."
            raise ValueError(msg)
        distance = cdist(places, places)
        self.range_m = _range_of(distance, correlation)
        most = min(_MOST_COMPONENTS, len(places) - 2)
        self._basis = _components(np.exp(-distance / self.range_m), most)
        shapes = [
            self._basis.T @ np.exp(-distance * (weaker / self.range_m)) @ self._basis for weaker in _WEAKER
        ]
        self._shapes = np.array([*shapes, np.eye(most + 1)])

    def judge(self, mean: float, contributions: np.ndarray) -> SpatialMean:
        """Judge a mean.

        Parameters
        ----------
        mean
            The number.
        contributions
            float64 (n,): what each unit adds to it, summing to 0 (`urbanbench.judging.sums.Sums.contributions`).
        """
        summed = np.bincount(self._cell, weights=contributions, minlength=len(self._basis))
        scores = self._basis[:, 1 : self.components + 1].T @ summed
        return SpatialMean(float(mean), float(np.sqrt(len(summed) * (scores**2).mean())), self)

    def chance(self, t: float) -> float:
        """Return the largest probability, over all correlations up to the worst one, of |t| where the mean is 0."""
        if abs(t) > _FAR:
            return 0.0
        return _chance(self._shapes, self.components, t)

    @property
    def components(self) -> int:
        """Number q of components used, the degrees of freedom where units are independent."""
        return self._choice[0]

    @property
    def critical(self) -> float:
        """The t ratio that chance passes with a probability of at most 5 %."""
        return self._choice[1]

    @cached_property
    def _choice(self) -> tuple[int, float]:
        from scipy.stats import chi

        numbers = range(min(2, self._most), self._most + 1)
        found = [(q, _critical(self._shapes, q)) for q in numbers]
        return min(found, key=lambda one: one[1] * chi.mean(one[0]) / np.sqrt(one[0]))

    @property
    def _most(self) -> int:
        return int(self._basis.shape[1]) - 1


def over_places(judge: SpatialJudge, mean: float, contributions: np.ndarray) -> tuple[Estimate, float]:
    """Return a mean as an estimate, its standard error stretched so that Student's t gives the judge's interval, and its two-sided p.

    Parameters
    ----------
    judge
        Of the places of the units.
    mean, contributions
        As in `SpatialJudge.judge`.
    """
    from scipy.special import stdtrit

    found, df = judge.judge(mean, contributions), float(judge.components)
    error = found.reach / float(stdtrit(df, _HALF))
    return Estimate(np.asarray(found.mean), np.asarray(error), np.asarray(df)), found.p


def _cells(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each unit's place and the places: its own, or of many units the means of square cells, at most a thousand."""
    places, cell = np.unique(xy, axis=0, return_inverse=True)
    cell, places = cell.ravel(), np.asarray(places)
    low, size = xy.min(axis=0), float(np.ptp(xy, axis=0).max()) / 200
    while len(places) > _MOST_PLACES:
        corner = np.floor((xy - low) / size).astype(np.int64)
        cell = np.unique(corner, axis=0, return_inverse=True)[1].ravel()
        count = np.bincount(cell)
        places = np.column_stack([np.bincount(cell, weights=side) / count for side in xy.T])
        size *= 1.1
    return cell, places


def _range_of(distance: np.ndarray, correlation: float) -> float:
    """Return the range a in metres for which exp(-h / a) has this mean over all pairs."""
    from scipy.optimize import brentq

    pairs = distance[np.triu_indices(len(distance), 1)]
    far = float(pairs.max())

    def excess(log_range: float) -> float:
        return float(np.exp(-pairs / np.exp(log_range)).mean()) - correlation

    return float(np.exp(brentq(excess, np.log(far * 1e-4), np.log(far * 1e3))))


def _components(correlation: np.ndarray, most: int) -> np.ndarray:
    """Return the constant and the first principal components of the demeaned correlation as orthonormal columns (n, 1 + most)."""
    from scipy.linalg import eigh

    count = len(correlation)
    rows = correlation - correlation.mean(axis=0)
    centred = rows - rows.mean(axis=1, keepdims=True)
    _, vectors = eigh(centred, subset_by_index=[count - most, count - 1])
    return np.column_stack([np.full(count, count**-0.5), vectors[:, ::-1]])


def _chance(shapes: np.ndarray, components: int, t: float) -> float:
    """Return the largest P(z0² > t² mean(z1², …, zq²)) over Gaussian z with these covariances.

    With one positive weight the quadratic form z0² - sum(l_i z_i²) is positive with the probability
    (2 / pi) ∫ prod(1 + l_i / sin² a)^(-1/2) da over [0, pi / 2] (Craig's formula for the normal tail, averaged over the z_i).
    """
    count = components + 1
    signs = np.full(count, -(t**2) / components)
    signs[0] = 1.0
    roots = np.linalg.cholesky(shapes[:, :count, :count] + 1e-12 * np.eye(count))
    weights = np.linalg.eigvalsh(np.swapaxes(roots, 1, 2) @ (signs[:, None] * roots))
    relative = -weights[:, :-1] / weights[:, -1:]
    inner = 1.0 + relative[:, :, None] / np.sin(_ANGLES) ** 2
    return float((1.0 / np.sqrt(inner)).prod(axis=1).mean(axis=-1).max())


def _critical(shapes: np.ndarray, components: int) -> float:
    from scipy.optimize import brentq

    return float(brentq(lambda t: _chance(shapes, components, t) - _LEVEL, 1.0, 1e3))
