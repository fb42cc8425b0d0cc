"""Who is whose partner in step 1, and what stands against them: near pairs, and the batch's other partners in another order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.toolkit.ground.neighbours import Groups, nearest_within

WHOLE_ROUNDS, ROUNDS = 20, 100
"""Orders that are drawn as a whole, which are all equally likely, and then attempts to mend the last one."""

FEWEST_POINTS = 3
"""A pair needs a third point for its negative."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of pictures taken near each other; both of a pair are on the same side of the split.

    Parameters
    ----------
    picture
        int64 (n, 2): both pictures, the training pairs first.
    n_training
        Number of training pairs.
    """

    picture: np.ndarray
    n_training: int

    def __len__(self) -> int:
        return len(self.picture)

    def fewest_points(self, point: np.ndarray) -> int:
        """Return how many points, int64 (p,) by picture, the pairs of a side have, on the side with fewer."""
        sides = self.picture[: self.n_training], self.picture[self.n_training :]
        return min(len(np.unique(point[side])) for side in sides)

    def where(self, keep: np.ndarray) -> Pairs:
        """Keep some pairs; `keep` is bool (n,)."""
        return Pairs(self.picture[keep], int(keep[: self.n_training].sum()))


def draw_pairs(
    point: np.ndarray,
    xy: np.ndarray,
    *,
    neighbours: int,
    training: int,
    held_out: int,
    share: float,
    rng: np.random.Generator,
    begins: np.ndarray | None = None,
) -> Pairs:
    """Split the points, find the near ones on each side, and draw pairs of their pictures.

    Parameters
    ----------
    point
        int64 (p,): point of every picture.
    xy
        float64 (g, 2): points, metres.
    neighbours
        How many nearest points are partners of each; the relation is made symmetric.
    training, held_out
        Pairs to draw on each side, with repetition; none where a side has no two points.
    share
        Of the points, to be held out; at least `FEWEST_POINTS` of them where as many are left for training.
    rng
        Source of randomness.
    begins
        bool (g,): points that the first picture of a pair may be taken at; None for all.
    """
    kept_away = np.zeros(len(xy), dtype=bool)
    most = len(xy) - FEWEST_POINTS
    away = (
        round(share * len(xy))
        if most < FEWEST_POINTS
        else round(np.clip(share * len(xy), FEWEST_POINTS, most))
    )
    kept_away[rng.permutation(len(xy))[:away]] = True
    of_point = Groups.from_pairs(point, np.arange(len(point)), len(xy))
    drawn = []
    for side, count in ((np.flatnonzero(~kept_away), training), (np.flatnonzero(kept_away), held_out)):
        edges = side[near_points(xy[side], neighbours)]
        edges = edges if begins is None else edges[begins[edges[:, 0]]]
        drawn.append(pictures_at(of_point, edges, count, rng))
    return Pairs(np.concatenate(drawn), len(drawn[0]))


def near_points(xy: np.ndarray, neighbours: int) -> np.ndarray:
    """Return all (point, partner), int64 (m, 2) sorted: one of the two is among the nearest others of the other."""
    index, _ = nearest_within(xy, radius_m=np.inf, cap=neighbours)
    point = np.repeat(np.arange(len(xy)), index.shape[1])
    partner = index.reshape(-1)
    one, other = point[partner >= 0], partner[partner >= 0]
    keys = np.unique(np.concatenate([one * len(xy) + other, other * len(xy) + one]))
    return np.column_stack(np.divmod(keys, max(len(xy), 1))).astype(np.int64)


def pictures_at(of_point: Groups, edges: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw edges with repetition, and a picture at either end, uniformly; int64 (count, 2)."""
    if len(edges) == 0:
        return np.empty((0, 2), dtype=np.int64)
    ends = edges[rng.integers(len(edges), size=count)]
    place = (rng.random(ends.shape) * of_point.sizes[ends]).astype(np.int64)
    return np.asarray(of_point.member[of_point.start[ends] + place])


def shuffled(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return any order of the partners, int64 (b,), and that each may be used, bool (b,)."""
    return rng.permutation(count), np.ones(count, dtype=bool)


def deranged(point: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw an order of the partners in which no pair meets its own points.

    Orders are drawn until one is right. If none of some is, the pairs that meet a point of theirs are mixed anew with as many
    others until none is left. Where the batch has too few points for that, the pairs still left cannot be used.

    Parameters
    ----------
    point
        int64 (b, 2): points of both pictures of every pair.
    rng
        Source of randomness.

    Returns
    -------
    order, usable
        int64 (b,), whose partner is the negative of each pair; bool (b,).
    """
    for _ in range(WHOLE_ROUNDS):
        order = rng.permutation(len(point))
        if not _meets_itself(point, order).any():
            break
    for _ in range(ROUNDS):
        bad = _meets_itself(point, order)
        if not bad.any():
            break
        wrong, right = np.flatnonzero(bad), np.flatnonzero(~bad)
        mixed = np.concatenate([wrong, rng.permutation(right)[: max(len(wrong), 1)]])
        order[mixed] = order[rng.permutation(mixed)]
    return order, ~_meets_itself(point, order)


def _meets_itself(point: np.ndarray, order: np.ndarray) -> np.ndarray:
    met = point[order, 1]
    return np.asarray((met == point[:, 0]) | (met == point[:, 1]))
