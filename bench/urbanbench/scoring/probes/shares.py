"""Probe `shares`: how the score grows with the number of labelled units that a head may learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.scoring.probes.contract import Probed, listed
from urbanbench.scoring.split import Split
from urbanbench.seeds import generator

if TYPE_CHECKING:
    from urbanbench.scoring.probes.contract import Subject
    from urbanbench.scoring.targets import Targets

__all__ = ["LEARNED_FROM", "probe_shares", "ranked", "thinned"]

LEARNED_FROM = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_LEAST = {"train": 2, "val": 1}


def probe_shares(subject: Subject) -> Probed:
    """Score the same test units with heads that see 1, 2, 5, 10, 20, 50 and 100 % of the training and of the validation units.

    Labels are what is scarce, so a head may stop and choose on the same share of the validation units only. The units of a smaller share are
    among those of a larger one; all of them are the ordinary row.
    """
    steps: list[dict[str, Any]] = []
    for share in LEARNED_FROM:
        splits = [
            thinned(subject.targets, split, share, seed)
            for split, seed in zip(subject.splits, subject.protocol.seeds, strict=True)
        ]
        scores = subject.score(subject.fit(splits=splits), splits)
        units = [len(split.train) for split in splits]
        steps.append({"share": share, "n_train": units, "scores": listed(scores)})
    return Probed(scores, {"steps": steps})


def thinned(targets: Targets, split: Split, share: float, seed: int) -> Split:
    """Return a split with a share of its training and validation units, and all its test units.

    At least two units are left to learn from and one to choose on; parcels stay whole.
    """
    sides = {name: getattr(split, name) for name in _LEAST}
    kept = {
        name: np.sort(ranked(targets, rows, seed, name)[: max(_LEAST[name], round(share * len(rows)))])
        for name, rows in sides.items()
    }
    return Split(kept["train"], kept["val"], split.test)


def ranked(targets: Targets, rows: np.ndarray, seed: int, side: str) -> np.ndarray:
    """Return rows in the order in which they are taken: any first part of it is about as mixed as the whole.

    Parcels come in random order, whole; with classes, those of one main class are spread evenly over the order, so that a tenth of the units
    has about a tenth of each class.
    """
    rng = generator(seed, "probe", "shares", side)
    names = targets.ids[rows] if targets.parcels is None else targets.parcels[rows]
    parcel = np.unique(names, return_inverse=True)[1].ravel()
    main = _main_class(targets, rows, parcel)
    place = np.empty(len(main))
    for one in np.unique(main):
        own = rng.permutation(np.flatnonzero(main == one))
        place[own] = (np.arange(len(own)) + rng.uniform()) / len(own)
    return np.asarray(rows[np.lexsort((parcel, place[parcel]))])


def _main_class(targets: Targets, rows: np.ndarray, parcel: np.ndarray) -> np.ndarray:
    """Return the class that most units of each parcel have, int64 (parcels,); 0 for numbers and shares."""
    if targets.kind != "classification":
        return np.zeros(parcel.max() + 1, dtype=np.int64)
    counts = np.zeros((parcel.max() + 1, len(targets.classes)), dtype=np.int64)
    np.add.at(counts, (parcel, targets.codes[rows]), 1)
    return np.asarray(counts.argmax(axis=1))
