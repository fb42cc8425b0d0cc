"""Nearest-neighbour distance matching: folds whose test units lie as far from training as places of prediction lie from all labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Folds", "cover", "deal", "distances_under", "folds_for", "matched_folds", "nearest_m"]

_CLUSTERINGS = 25
_LARGEST_FOLD = 0.5
_SAMPLE_SHARE, _SAMPLE_MOST = 0.8, 2000
_LEVEL = 0.05


@dataclass(frozen=True)
class Folds:
    """How many equal folds there are, and how many of them choose and test.

    Parameters
    ----------
    count, val, test
        All folds; those for validation and for testing. The others train.
    """

    count: int
    val: int
    test: int


def folds_for(fractions: tuple[float, float, float]) -> Folds:
    """Return the fewest folds, at most 10, that come nearest to shares of (train, validation, test).

    Examples
    --------
    >>> folds_for((0.6, 0.2, 0.2)), folds_for((0.5, 0.25, 0.25))
    (Folds(count=5, val=1, test=1), Folds(count=4, val=1, test=1))
    """

    def parts(count: int) -> tuple[int, int]:
        val, test = (max(1, round(share * count)) for share in fractions[1:])
        return val, min(test, count - val - 1)

    def error(count: int) -> float:
        val, test = parts(count)
        return round(abs(val / count - fractions[1]) + abs(test / count - fractions[2]), 6)

    count = min(range(3, 11), key=lambda one: (error(one), one))
    return Folds(count, *parts(count))


def nearest_m(xy: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return each place's distance to the nearest of the known ones, float64 (n,) in metres; both are (n, 2)."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(known).query(xy)[0])


def cover(xy: np.ndarray, wanted_m: np.ndarray) -> bool:
    """Tell whether labels lie so among the places of prediction that folds at random are right (Linnenbrink et al. 2024, section 2.2).

    That is so unless labels lie nearer to each other than places of prediction lie to labels: a one-sided Kolmogorov-Smirnov test of the
    two sets of distances, at 5 %.

    Parameters
    ----------
    xy
        Positions of the labels (n, 2) in metres.
    wanted_m
        Distances (m,) from places of prediction to the nearest label.
    """
    from scipy.spatial import cKDTree
    from scipy.stats import ks_2samp

    among = cKDTree(xy).query(xy, k=2)[0][:, 1]
    return bool(ks_2samp(among, wanted_m, alternative="greater", method="asymp").pvalue >= _LEVEL)


def matched_folds(
    xy: np.ndarray, wanted_m: np.ndarray, folds: Folds, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Cluster positions and merge clusters into folds, so that distances between test and training units come nearest to those wanted.

    The algorithm of Linnenbrink et al. (2024, Geoscientific Model Development 17:5897, kNNDM): for many numbers of clusters the clusters
    are merged into k folds, and that number wins whose distances from test units to the nearest training unit have the smallest Wasserstein
    distance to the wanted ones; no fold may hold more than half of the units. Clusters are Ward's. Three things differ: each call
    clusters another sample of four fifths of the positions (at most 2,000; others join the cluster of the nearest sampled one), so that
    seeds differ; 25 numbers of clusters are tried, not 100; and folds that validate do not count as training, as none trains on them.

    Parameters
    ----------
    xy
        Positions (n, 2) in metres.
    wanted_m
        Distances (m,) from places of prediction to the nearest label.
    folds
        Their number, and which of them train.
    rng
        Draws the sample and the order of the folds.

    Returns
    -------
    tuple or None
        The fold and the cluster of each position, int64 (n,) each; None where every clustering makes a fold too large.
    """
    from scipy.stats import wasserstein_distance

    order = rng.permutation(folds.count)
    along = _first_axis(xy)
    best, lowest = None, np.inf
    for clusters in _clusterings(xy, folds.count, rng):
        dealt = deal(clusters, along, folds.count)
        sizes = np.bincount(dealt, minlength=folds.count)
        if sizes.max() > _LARGEST_FOLD * len(xy) or sizes.min() == 0:
            continue
        fold = order[dealt]
        error = wasserstein_distance(distances_under(xy, fold, folds), wanted_m)
        if error < lowest:
            best, lowest = (fold, clusters), error
    return best


def deal(clusters: np.ndarray, along: np.ndarray, count: int) -> np.ndarray:
    """Merge clusters into folds, int64 (n,): large ones are folds by themselves, the others are dealt in turn along an axis.

    Parameters
    ----------
    clusters
        int64 (n,), numbers from 0.
    along
        Positions (n,) along the axis; a cluster lies at its mean.
    count
        Number of folds; a cluster with at least n / count units is large.
    """
    size = np.bincount(clusters)
    order = np.argsort(np.bincount(clusters, along) / size, kind="stable")
    large = order[size[order] >= len(clusters) / count][:count]
    small = order[~np.isin(order, large)]
    fold = np.zeros(len(size), dtype=np.int64)
    fold[large] = np.arange(len(large))
    if len(small):
        fold[small] = np.resize(np.arange(len(large), count), len(small)) if len(large) < count else 0
    return np.asarray(fold[clusters])


def distances_under(xy: np.ndarray, fold: np.ndarray, folds: Folds) -> np.ndarray:
    """Return the distances (m,) from test units to the nearest training unit, each fold being the first test fold once."""
    found = []
    for first in range(folds.count):
        place = (fold - first) % folds.count
        train = place >= folds.test + folds.val
        found.append(nearest_m(xy[place < folds.test], xy[train]))
    return np.concatenate(found)


def _clusterings(xy: np.ndarray, least: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the clusters of all positions, int64 (n,) each, for numbers of clusters from few to about as many as positions."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial import cKDTree

    many = min(int(np.ceil(_SAMPLE_SHARE * len(xy))), _SAMPLE_MOST)
    sample = np.sort(rng.choice(len(xy), many, replace=False))
    tree, nearest = linkage(xy[sample], "ward"), cKDTree(xy[sample]).query(xy)[1]
    counts = np.unique(np.geomspace(least, max(least + 1, many - 2), _CLUSTERINGS).round().astype(int))
    found = []
    for count in counts:
        member = fcluster(tree, int(count), "maxclust")[nearest]
        found.append(np.unique(member, return_inverse=True)[1].ravel())
    return found


def _first_axis(xy: np.ndarray) -> np.ndarray:
    """Return positions along the first principal axis, float64 (n,)."""
    centred = xy - xy.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axis = vectors[:, values.argmax()]
    return np.asarray(centred @ (axis * np.sign(axis[np.abs(axis).argmax()])))
