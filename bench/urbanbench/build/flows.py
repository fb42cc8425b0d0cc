"""Flows from an origin-destination table."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.build.files import read_table
from urbanbench.build.ids import pick_column, text_ids
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.errors import BadInput, quoted

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.report import Report

__all__ = ["read_flows"]

_NAMES = {
    "origin_id": ("origin_id", "origin", "from", "o", "start", "source"),
    "destination_id": ("destination_id", "destination", "dest", "to", "d", "end", "target"),
    "trips": ("trips", "count", "flow", "n", "value", "volume"),
}
_HOURS = 24


def read_flows(path: Path, regions: Collection[str], report: Report) -> pd.DataFrame:
    """Read trips between regions; rows of the same pair (and hour) are added up.

    Parameters
    ----------
    path
        CSV, TSV or Parquet with the columns `origin_id`, `destination_id` and `trips` (common other names are known), and `hour` (0 to 23)
        if there is one.
    regions
        Ids of the regions; rows that name others are dropped.
    report
        Told what was read, dropped and mended.

    Returns
    -------
    DataFrame
        origin_id, destination_id, maybe hour, trips; sorted.

    Raises
    ------
    DataMissing, BadInput
        A file that cannot be read, a column that is not there, or no row between known regions.
    """
    import pandas as pd

    table = read_table(path, "flows")
    report.add("flows", "read", f"rows of {path.name}", count=len(table))
    found = {name: _column(path.name, table, name) for name in _NAMES}
    frame = pd.DataFrame({name: text_ids(table[found[name]]) for name in ("origin_id", "destination_id")})
    frame["trips"] = as_numbers(table[found["trips"]])
    keys = ["origin_id", "destination_id"]
    if "hour" in table:
        frame["hour"] = as_numbers(table["hour"])
        keys.append("hour")
    frame = _known(frame, set(regions), path.name, report)
    summed = frame.groupby(keys, as_index=False, sort=True)[["trips"]].sum()
    report.add(
        "flows", "mended", "rows of a pair that stood before, added up", count=len(frame) - len(summed)
    )
    report.add("flows", "kept", "pairs of regions", count=len(summed))
    return summed.astype({"hour": np.int64}) if "hour" in summed else summed


def _column(file: str, table: pd.DataFrame, name: str) -> str:
    known = {str(one).lower(): str(one) for one in table.columns}
    found = next((known[one] for one in _NAMES[name] if one in known), "")
    return found or pick_column(file, table.columns, name, f"a column {name}")


def _known(frame: pd.DataFrame, regions: set[str], file: str, report: Report) -> pd.DataFrame:
    inside = frame["origin_id"].isin(regions) & frame["destination_id"].isin(regions)
    if not inside.any():
        msg = f"{file}: expected trips between regions such as {quoted(sorted(regions)[:3])}, found {quoted(frame['origin_id'].head(3))}. Mend: the ids of the table and of --id have to be the same."
        raise BadInput(msg)
    good = frame["trips"].ge(0)
    if "hour" in frame:
        good &= frame["hour"].between(0, _HOURS - 1) & (frame["hour"] % 1 == 0)
    report.add("flows", "dropped", "a region that the city has not", count=int((~inside).sum()))
    report.add(
        "flows", "dropped", "no number of trips, or no hour from 0 to 23", count=int((inside & ~good).sum())
    )
    kept: pd.DataFrame = frame[inside & good]
    return kept
