"""Faults of marked rows, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.format import Row, row_fault

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["foreign", "noted"]


def noted(
    file: str, column: str, ids: Any, bad: np.ndarray, expected: str, found: str, mend: str
) -> list[str]:
    """Tell the rows marked in `bad`, if any; rows without ids are named by their number."""
    names = np.asarray(ids)[bad].tolist()
    rows = [Row(f"row {one}") if isinstance(one, int) else one for one in names]
    return [row_fault(file, column, rows, expected=expected, found=found, mend=mend)] if rows else []


def foreign(file: str, column: str, ids: Any, known: Any, layer: str) -> list[str]:
    """Tell ids that a layer does not have; nulls are foreign too."""
    import pandas as pd

    values = pd.Series(ids)
    bad = values[~values.isin(known)].drop_duplicates()
    if not len(bad):
        return []
    mend = f"Spell ids as layer {layer!r} does, or remove these rows."
    if _lost_zeros(bad, known):
        mend = f"Give them back the zeros in front that layer {layer!r} has, as text, such as '007'."
    expected = f"ids of layer {layer!r}"
    return [
        row_fault(file, column, bad.tolist(), expected=expected, found="ids that are not there", mend=mend)
    ]


def _lost_zeros(ids: pd.Series, known: Any) -> bool:
    """Tell whether all these ids would be known with zeros in front, which files of numbers lose."""
    bare = (
        {one.lstrip("0") for one in known if isinstance(one, str) and one.startswith("0")}
        if len(ids)
        else set()
    )
    return bool(bare) and all(isinstance(one, str) and one in bare for one in ids)
