"""Rules of a label's values: finite numbers, declared classes, shares that add up to 1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import UNIT_LAYER, LabelInfo
from urbanbench.city.folder.limits import MAX_NUMBER
from urbanbench.city.folder.marks import foreign, noted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SHARE_TOLERANCE", "label_faults"]

SHARE_TOLERANCE = 1e-4
"""How far from 1 the shares of a composition may add up: files round them, often to six decimals."""


def label_faults(
    info: LabelInfo, frame: pd.DataFrame, units: Collection[str] | None, counts: Mapping[str, Any]
) -> list[str]:
    """Judge a label's table.

    Parameters
    ----------
    info
        What city.json says of the label.
    frame
        The table, indexed by unit id.
    units
        Ids of the level's units, or None when they could not be read.
    counts
        Declared number of units per class, or {}.
    """
    layer = UNIT_LAYER[info.level]
    faults = [] if units is None else foreign(info.file, info.key, frame.index, units, layer)
    if info.kind == "classification":
        faults += _class_faults(info, frame, counts)
    else:
        faults += [
            fault for name in info.columns or ("value",) for fault in _finite_faults(info.file, name, frame)
        ]
    if info.kind == "composition":
        faults += _share_faults(info, frame)
    if "n" in frame:
        support = frame["n"].to_numpy(dtype=np.float64)
        bad = np.asarray((support < 0) | (support > MAX_NUMBER))
        expected, mend = "a support of 0 or more", "Write null where it is not known."
        faults += noted(info.file, "n", frame.index, bad, expected, "negative or absurd numbers", mend)
    return faults


def _finite_faults(file: str, column: str, frame: pd.DataFrame) -> list[str]:
    bad = ~(np.abs(frame[column].to_numpy(dtype=np.float64)) <= MAX_NUMBER)
    expected, found = "finite numbers", f"null, NaN, infinity or beyond {MAX_NUMBER:.0e}"
    return noted(file, column, frame.index, bad, expected, found, "Leave units without a known value out.")


def _class_faults(info: LabelInfo, frame: pd.DataFrame, counts: Mapping[str, Any]) -> list[str]:
    values = frame["value"]
    absent = values.isna().to_numpy() | (values == "").to_numpy()
    mend = "Leave units without a known class out."
    faults = noted(info.file, "value", frame.index, absent, "a class", "null or empty text", mend)
    if info.classes:
        strange = ~values.isin(info.classes).to_numpy() & ~absent
        names = ", ".join(map(repr, sorted(set(values[strange]))[:3]))
        faults += noted(
            info.file,
            "value",
            frame.index,
            strange,
            "one of the classes in city.json",
            f"classes not among them ({names})",
            "Add them to 'classes' in city.json, or correct the file.",
        )
    found = values.value_counts()
    for name, count in counts.items():
        if count != found.get(name, 0):
            faults.append(
                f"{info.file}: column 'value': expected {str(count)[:20]} units of class {name!r} as city.json says, found {found.get(name, 0)}. Correct 'classes' in city.json, or the file."
            )
    return faults


def _share_faults(info: LabelInfo, frame: pd.DataFrame) -> list[str]:
    shares = frame[list(info.columns)].to_numpy(dtype=np.float64)
    columns = ", ".join(info.columns)
    mend = "Divide the parts by their sum."
    negative = np.asarray((shares < 0).any(axis=1))
    faults = noted(info.file, columns, frame.index, negative, "shares in [0, 1]", "negative shares", mend)
    total = shares.sum(axis=1)
    with np.errstate(invalid="ignore"):
        off = np.asarray(np.isfinite(total) & (np.abs(total - 1) > SHARE_TOLERANCE))
    first = f"other sums (first {total[off][0]:.6g})" if off.any() else ""
    return faults + noted(info.file, columns, frame.index, off, "shares that add up to 1", first, mend)
