"""Rows in the order of their ids, whatever the order of a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from urbanbench.city.folder.read import column_of

__all__ = ["in_order"]


def in_order(frame: Any, columns: Sequence[str] = ()) -> Any:
    """Return a frame with its rows in order; the frame itself where they are.

    Parameters
    ----------
    frame
        A table as read: sound ids, columns that cannot be written into.
    columns
        Columns to order by, those that are not there left out; () orders by the index. Text is ordered by code points, and equal
        rows keep their order.

    Returns
    -------
    DataFrame or GeoDataFrame
        Its columns cannot be written into either.
    """
    import pandas as pd

    if not columns:
        if frame.index.is_monotonic_increasing:
            return frame
        rows = np.argsort(frame.index.to_numpy(), kind="stable")
    else:
        keys = frame[[name for name in columns if name in frame]]
        rows = keys.reset_index(drop=True).sort_values(list(keys.columns), kind="stable").index.to_numpy()
        if (rows == np.arange(len(rows))).all():
            return frame
    moved = frame.iloc[rows]
    moved = moved if not columns else moved.reset_index(drop=True)
    for name in moved.columns:
        if isinstance(moved[name].array, pd.arrays.NumpyExtensionArray):
            moved[name] = column_of(moved[name].to_numpy(copy=True), moved.index)
    return moved
