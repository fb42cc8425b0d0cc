"""Labels from points: sales, calls, sensors, as their median, mean, sum or count in a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.files import is_plain_table, read_table, read_vector
from urbanbench.build.ids import pick_column
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.build.labels.places import label_frame
from urbanbench.city.folder.membership import region_of_points

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.build.labels.places import Places
    from urbanbench.build.labels.wish import Wish
    from urbanbench.build.report import Report

__all__ = ["from_points", "points_of_table"]

_FEWEST = {"median": 5, "mean": 5, "sum": 1, "count": 1}
"""Fewest points where the user names no number: a median of two sales is no price level."""


def from_points(wish: Wish, places: Places, report: Report) -> pd.DataFrame:
    """Gather points by region.

    Returns
    -------
    DataFrame
        Index region_id; value, n (how many points).

    Raises
    ------
    DataMissing, BadInput
        A file that cannot be read, or no such column.
    """
    import pandas as pd

    part, counting = f"labels/{wish.name}", wish.statistic == "count"
    points, table = _points(wish, places.crs)
    report.add(part, "read", f"points of {wish.file.name}", count=len(points))
    if counting and not wish.column:
        values = np.ones(len(points))
    else:
        asked = f'the column of values of label {wish.name!r}, column = "COLUMN"'
        values = as_numbers(table[pick_column(wish.file.name, table.columns, wish.column, asked)])
    region = region_of_points(points, places.metric)
    inside = np.array([one is not None for one in region], dtype=bool)
    known = np.isfinite(values)
    report.add(
        part, "dropped", "points outside of all regions, or without a place", count=int((~inside).sum())
    )
    report.add(part, "dropped", "points without a number", count=int((inside & ~known).sum()))
    groups = pd.Series(values[inside & known]).groupby(region[inside & known], sort=True)
    value, n = groups.agg(wish.statistic), groups.size()
    made = label_frame(
        list(value.index), value=value.to_numpy(dtype=np.float64), n=n.to_numpy(dtype=np.int64)
    )
    least = wish.least if wish.least is not None else _FEWEST[wish.statistic]
    few = made["n"].to_numpy() < least
    report.add(part, "dropped", f"regions with fewer than {least} points", ids=made.index[few])
    return _with_zeros(made, few, places) if wish.zeros else made[~few]


def _with_zeros(made: pd.DataFrame, few: np.ndarray, places: Places) -> pd.DataFrame:
    """Give 0 to regions without any point; those with too few keep none."""
    return made.reindex(places.ids("region"), fill_value=0).drop(index=made.index[few])


def _points(wish: Wish, crs: str) -> tuple[np.ndarray, Any]:
    """Return the points in the city's CRS, and the table they stand in."""
    if not (wish.longitude or wish.latitude or is_plain_table(wish.file)):
        import shapely

        frame = read_vector(
            wish.file, f"label {wish.name!r}", layer=wish.layer, crs=wish.crs, ask=wish.ask_crs
        )
        return shapely.centroid(np.asarray(frame.geometry.to_crs(crs))), frame
    table = read_table(wish.file, f"label {wish.name!r}")
    longitude, latitude = (
        pick_column(
            wish.file.name,
            table.columns,
            given,
            f'the column of {key}s of label {wish.name!r}, {key} = "COLUMN"',
        )
        for key, given in (("longitude", wish.longitude), ("latitude", wish.latitude))
    )
    return points_of_table(table, longitude, latitude, crs), table


def points_of_table(table: pd.DataFrame, longitude: str, latitude: str, crs: str) -> np.ndarray:
    """Return the points of two columns in degrees, in a CRS; rows without a place on earth give an empty point."""
    import shapely
    from pyproj import Transformer

    lon, lat = (as_numbers(table[name]) for name in (longitude, latitude))
    good = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon[good], lat[good])
    points = np.full(len(lon), shapely.Point(), dtype=object)
    points[good] = shapely.points(x, y)
    return points
