"""Probe `position`: how well a head tells from a unit's vector where the unit lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.scoring.block_size import resolve_block_size
from urbanbench.scoring.evaluate import Scores
from urbanbench.scoring.probes.contract import Probed
from urbanbench.scoring.splits import split_digest

if TYPE_CHECKING:
    from urbanbench.scoring.heads.contract import HeadOutput
    from urbanbench.scoring.probes.contract import Subject

__all__ = ["AXES", "position_scores", "probe_position"]

AXES = ("easting", "northing")
_KM = 1000.0


def probe_position(subject: Subject) -> Probed:
    """Ask for easting and northing in place of the label, with the label's splits and head.

    Either is a regression of its own; positions are in kilometres from the middle of all labelled units.
    """
    targets = subject.targets
    km = (targets.xy - targets.xy.mean(axis=0)) / _KM
    plain = replace(
        targets, kind="regression", classes=(), unit="km", log1p_scale=None, values=np.zeros(len(targets))
    )
    both = [subject.fit(plain.with_values(km[:, axis])) for axis in range(len(AXES))]
    section = {"asked": "easting and northing of a unit, in km", "unit": "km"}
    return Probed(_scores(subject, km, both), section, main_metric="r2")


def position_scores(true: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return how well positions (m, 2) are met.

    Returns
    -------
    dict
        ``r2`` = 1 - sum |p - q|² / sum |p - mean p|², the share of the squared distances from the middle that is explained, whichever way
        the axes point (scikit-learn's ``r2_score`` with ``multioutput="variance_weighted"``); ``r2[easting]`` and ``r2[northing]``;
        ``rmse``, root of the mean squared distance; ``mae``, mean distance, both in the unit of the positions. R² is NaN where the truth
        does not vary.
    """
    away, spread = ((predicted - true) ** 2).sum(axis=0), ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    distance = np.linalg.norm(predicted - true, axis=1)
    parts = {
        f"r2[{name}]": _r2(*pair) for name, pair in zip(AXES, zip(away, spread, strict=True), strict=True)
    }
    return {
        "r2": _r2(float(away.sum()), float(spread.sum())),
        **parts,
        "rmse": float(np.sqrt((distance**2).mean())),
        "mae": float(distance.mean()),
    }


def _r2(away: float, spread: float) -> float:
    return 1.0 - float(away) / float(spread) if spread > 0 else float("nan")


def _scores(subject: Subject, km: np.ndarray, both: Sequence[Sequence[HeadOutput]]) -> Scores:
    splits, targets, covered = subject.splits, subject.targets, subject.features.covered
    tests, vals = (
        [np.column_stack([getattr(axis[k], side) for axis in both]) for k in range(len(splits))]
        for side in ("predicted_test", "predicted_val")
    )
    known = [covered[split.test] for split in splits]
    protocol = subject.protocol
    return Scores(
        per_seed=_per_seed([(km[split.test], said) for split, said in zip(splits, tests, strict=True)]),
        per_seed_val=_per_seed([(km[split.val], said) for split, said in zip(splits, vals, strict=True)]),
        per_seed_covered={}
        if covered.all()
        else _per_seed([(km[s.test][k], said[k]) for s, said, k in zip(splits, tests, known, strict=True)]),
        n_units=len(targets),
        n_uncovered=int((~covered).sum()),
        block_size_m=resolve_block_size(targets, protocol) if protocol.split == "block" else None,
        sides=tuple(split.sizes for split in splits),
        split_digest=split_digest(targets, splits),
        head_details=tuple(
            {name: axis[k].details for name, axis in zip(AXES, both, strict=True)} for k in range(len(splits))
        ),
        predictions=_predictions(subject, km, tests),
        seconds=0.0,
    )


def _per_seed(answers: Sequence[tuple[np.ndarray, np.ndarray]]) -> dict[str, tuple[float, ...]]:
    """Return metric name to one score per seed; NaN for a seed without any row."""
    told = [position_scores(*pair) if len(pair[0]) else {} for pair in answers]
    names = dict.fromkeys(name for one in told for name in one)
    return {name: tuple(one.get(name, float("nan")) for one in told) for name in names}


def _predictions(subject: Subject, km: np.ndarray, tests: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    rows, said = np.concatenate([split.test for split in subject.splits]), np.concatenate(tests)
    sizes = [len(split.test) for split in subject.splits]
    columns = {
        "seed": np.repeat(np.array(subject.protocol.seeds, dtype=np.int64), sizes),
        "unit_id": subject.targets.ids[rows],
        "covered": subject.features.covered[rows],
    }
    columns |= {f"true[{name}]": km[rows, axis] for axis, name in enumerate(AXES)}
    return columns | {f"predicted[{name}]": said[:, axis] for axis, name in enumerate(AXES)}
