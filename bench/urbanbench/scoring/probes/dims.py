"""Probes `pca` and `projection`: how the score grows with the number of dimensions that a head sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.probes.contract import Probed, listed
from urbanbench.scoring.probes.scaled import ScaledFeatures, standardised
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.features import Features
    from urbanbench.scoring.probes.contract import Subject
    from urbanbench.scoring.split import Split

__all__ = [
    "dims_up_to",
    "principal_directions",
    "probe_pca",
    "probe_projection",
    "random_directions",
    "turned",
]

Directions = Callable[[np.ndarray, int], np.ndarray]
"""Takes standardised training rows (m, dim) and a seed, gives orthonormal columns (dim, k)."""


def probe_pca(subject: Subject) -> Probed:
    """Score the first 2, 4, 8, … principal components, found on the training units of each split, and all of them."""
    return _curve(subject, principal_directions)


def probe_projection(subject: Subject) -> Probed:
    """Score projections onto 2, 4, 8, … random directions, drawn once per seed, and onto all of them."""
    return _curve(subject, random_directions)


def principal_directions(train: np.ndarray, seed: int) -> np.ndarray:
    """Return the principal directions (dim, k) of training rows (m, dim), the largest first; k is their rank."""
    del seed
    _, sizes, directions = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)
    rank = int((sizes > 1e-6 * max(float(sizes[0]), 1e-12)).sum())
    return np.asarray(directions[: max(rank, 1)].T)


def random_directions(train: np.ndarray, seed: int) -> np.ndarray:
    """Return a random rotation (dim, dim), uniform over all; its first k columns span a random subspace (Dasgupta and Gupta 2003)."""
    dim = train.shape[1]
    drawn = generator(seed, "probe", "projection").normal(size=(dim, dim))
    q, r = np.linalg.qr(drawn)
    return np.asarray(q * np.sign(np.diag(r)))


def dims_up_to(most: int) -> list[int]:
    """Return 2, 4, 8, … below a number, and the number.

    Examples
    --------
    >>> dims_up_to(2), dims_up_to(8), dims_up_to(37)
    ([2], [2, 4, 8], [2, 4, 8, 16, 32, 37])
    """
    steps: list[int] = []
    while (dims := 2 ** (len(steps) + 1)) < most:
        steps.append(dims)
    return [*steps, most]


def turned(
    features: Features, columns: np.ndarray, split: Split, directions: np.ndarray
) -> tuple[ScaledFeatures, float]:
    """Return vectors along some directions, all scaled by one number.

    Components keep their sizes beside one another: scaled one by one, those that hold noise would be as loud as the first. Their mean
    variance over the training rows is made that of the standardised columns, so that all directions together are a rotation of the vectors.

    Parameters
    ----------
    features
        Say which units have data.
    columns
        Standardised vectors float64 (n, dim).
    split
        Its training rows give the scale.
    directions
        Orthonormal columns (dim, k).

    Returns
    -------
    ScaledFeatures, float
        The vectors (n, k), and the share of the training variance that they keep.
    """
    along = columns @ directions
    known = split.train[features.covered[split.train]]
    whole, kept = (float(part[known].var(axis=0).sum()) if len(known) else 0.0 for part in (columns, along))
    scale = np.sqrt(whole / columns.shape[1] * along.shape[1] / kept) if kept > 0 else 1.0
    changed = ScaledFeatures((along * scale).astype(np.float32), features.covered, clip=float("inf"))
    return changed, kept / whole if whole > 0 else 0.0


def _curve(subject: Subject, find: Directions) -> Probed:
    every = [standardised(subject.features, split) for split in subject.splits]
    found = [
        find(columns[split.train], seed)
        for columns, split, seed in zip(every, subject.splits, subject.protocol.seeds, strict=True)
    ]
    steps: list[dict[str, Any]] = []
    for dims in dims_up_to(max(directions.shape[1] for directions in found)):
        changed = [
            turned(subject.features, columns, split, directions[:, :dims])
            for columns, split, directions in zip(every, subject.splits, found, strict=True)
        ]
        outputs, kept = subject.fit_each([one for one, _ in changed]), [share for _, share in changed]
        scores = subject.score(outputs)
        steps.append({"dims": dims, "variance": kept, "scores": listed(scores)})
    return Probed(scores, {"dim": int(subject.features.vectors.shape[1]), "steps": steps})
