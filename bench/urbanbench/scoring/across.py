"""Evaluate across cities: the head is fitted in the train city, and maybe on a few units of the scored one, whose other units are tested."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.errors import RunRefused, quoted
from urbanbench.scoring.evaluate import Scores, align, score_outputs
from urbanbench.scoring.features import Features
from urbanbench.scoring.heads import get_head
from urbanbench.scoring.splits import make_splits
from urbanbench.scoring.splits.city_out import city_out_word, shots_of
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

if TYPE_CHECKING:
    from urbanbench.scoring.protocol import Protocol

__all__ = ["evaluate_across", "joined_targets"]

_TRAIN, _SCORED = "train", "scored"
"""What the two cities are called in the joined table."""


def evaluate_across(
    train_space: EmbeddingSpace,
    train: Targets,
    space: EmbeddingSpace,
    scored: Targets,
    protocol: Protocol,
    *,
    device: str = "cpu",
) -> Scores:
    """Fit a head on one city and test it in another.

    Features are filled and standardised with the training rows alone: those of the train city, and the shots.

    Parameters
    ----------
    train_space, space
        Vectors of both cities' units, with the same columns.
    train, scored
        Labels of both cities.
    protocol
        Its split is ``city-out`` or ``city-out+SHOTS``; head and seeds.
    device
        Where a head that can use an accelerator runs.

    Returns
    -------
    Scores
        Counts and predictions are of the scored city's units.

    Raises
    ------
    RunRefused
        Vectors of other lengths, or labels that do not mean the same.
    BadInput
        Too few units.
    """
    train, scored = train.in_order(), scored.in_order()
    every = joined_targets(train, scored)
    if train_space.dim != space.dim:
        msg = f"Vectors of the train city have {train_space.dim} numbers and those of the scored city {space.dim}. Expected the same columns for a head to read. Mend: choose inputs that both cities have."
        raise RunRefused(msg)
    here, there = align(train_space, train), align(space, scored)
    features = Features(
        np.concatenate([here.vectors, there.vectors]), np.concatenate([here.covered, there.covered])
    )
    asked = replace(protocol, split=city_out_word(shots_of(protocol.split), _SCORED))
    splits = make_splits(every, asked)
    start = time.perf_counter()
    outputs = get_head(protocol.head).fit_predict(
        features, every, splits, seeds=protocol.seeds, device=device
    )
    seconds = time.perf_counter() - start
    made = score_outputs(outputs, splits, every, asked, features.covered, seconds=seconds)
    tested = np.concatenate([split.test for split in splits]) - len(train)
    return replace(
        made,
        n_units=len(scored),
        n_uncovered=int((~there.covered).sum()),
        predictions=made.predictions | {"unit_id": scored.ids[tested]},
    )


def joined_targets(train: Targets, scored: Targets) -> Targets:
    """Return the units of both cities in one table, the train city's first; ids, parcels and groups say which city they are of.

    Raises
    ------
    RunRefused
        Other units of measurement, columns, or classes that the train city does not have.
    """
    if train.unit != scored.unit:
        msg = f"The label is in {train.unit!r} in the train city and in {scored.unit!r} in the scored one. Expected one unit for a head that is fitted here and tested there. Mend: bring the labels to one unit."
        raise RunRefused(msg)
    values = scored.values
    if scored.kind == "composition":
        if set(train.classes) != set(scored.classes):
            msg = f"The shares are of {', '.join(train.classes)} in the train city and of {', '.join(scored.classes)} in the scored one. Expected the same columns. Mend: give both labels the same classes."
            raise RunRefused(msg)
        values = values[:, [scored.classes.index(name) for name in train.classes]]
    strange = [name for name in scored.classes if name not in train.classes]
    if strange:
        msg = f"The scored city has classes that the train city lacks ({quoted(strange, 5)}; its own: {', '.join(train.classes)}). Expected classes that a head has met. Mend: give both labels the same classes."
        raise RunRefused(msg)
    return Targets(
        ids=np.concatenate([_marked(train.ids, _TRAIN), _marked(scored.ids, _SCORED)]),
        level=scored.level,
        kind=scored.kind,
        values=np.concatenate([train.values, values]),
        classes=train.classes,
        unit=scored.unit,
        xy=np.concatenate([train.xy, scored.xy]),
        groups=np.repeat([_TRAIN, _SCORED], [len(train), len(scored)]),
        parcels=_joined_parcels(train, scored),
        log1p_scale=scored.log1p_scale,
        report_log_scale=scored.report_log_scale,
    )


def _joined_parcels(train: Targets, scored: Targets) -> np.ndarray | None:
    """Return every unit's parcel; a unit of a city without parcels is its own."""
    if train.parcels is None and scored.parcels is None:
        return None
    own = [one.ids if one.parcels is None else one.parcels for one in (train, scored)]
    return np.concatenate([_marked(own[0], _TRAIN), _marked(own[1], _SCORED)])


def _marked(ids: np.ndarray, side: str) -> np.ndarray:
    return np.array([f"{side}/{one}" for one in ids.tolist()])
