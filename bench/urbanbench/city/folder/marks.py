"""Faults of marked rows, as sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanbench.city.folder.format import row_fault

__all__ = ["foreign", "noted"]


def noted(file: str, column: str, ids: Any, bad: np.ndarray, expected: str, found: str) -> list[str]:
    """Tell the rows marked in `bad`, if any; rows without ids are named by their number."""
    names = np.asarray(ids)[bad].tolist()
    rows = [f"row {one}" if isinstance(one, int) else one for one in names]
    return [row_fault(file, column, rows, expected=expected, found=found)] if rows else []


def foreign(file: str, column: str, ids: Any, known: Any, expected: str) -> list[str]:
    """Tell ids that another table does not have; nulls are foreign too."""
    import pandas as pd

    values = pd.Series(ids)
    bad = values[~values.isin(known)].drop_duplicates()
    if not len(bad):
        return []
    return [row_fault(file, column, bad.tolist(), expected=expected, found="ids that are not there")]
