"""Street views from a folder of pictures and a table of where they were taken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.files import read_table
from urbanbench.build.ids import pick_column, text_ids
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.build.labels.points import points_of_table
from urbanbench.city.folder.format import DIRECTIONS
from urbanbench.city.folder.paths import last_part, path_fault
from urbanbench.city.pictures import FaultyPicture, open_picture
from urbanbench.errors import BadInput, DataMissing
from urbanbench.progress import track

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["check_street_views", "copy_street_views", "copy_unplaced"]

_TABLE_STEMS = ("metadata", "street_views", "views", "images", "index")
_TABLE_SUFFIXES = (".csv", ".parquet", ".tsv")
_NAMES = {"lon": ("lon", "longitude", "lng", "x"), "lat": ("lat", "latitude", "y")}


def copy_street_views(source: Path, target: Path, report: Report) -> pa.Table:
    """Copy the pictures of a folder into a city folder and return the layer.

    The folder holds a table ``metadata.csv`` (or .tsv, .parquet) with columns `lon` and `lat` in degrees, pictures in `image` (with
    `heading` in degrees clockwise from north, where known) or in `east`, `south`, `west`, `north`, paths relative to the folder, and
    perhaps `view_id` (or `image_id`) and `location_id`. Pictures that are missing or broken, and rows without any, are dropped.

    Parameters
    ----------
    source, target
        The folder, and the city folder, which gets ``street_views/``.
    report
        Told what was read and dropped.

    Returns
    -------
    pyarrow.Table
        `id`, the columns of pictures, `heading` and `location_id` where there are any, and `wkb`; sorted by id.

    Raises
    ------
    DataMissing, BadInput
        No folder or table there, no column of places or pictures, or no row that is left.
    """
    file, table = _read(source, report)
    longitude, latitude = (_named(file, table, one) for one in _NAMES)
    points = points_of_table(table, longitude, latitude, "EPSG:4326")
    return _copied_rows(source, target, file, table, points, report)


def copy_unplaced(
    source: Path, target: Path, report: Report, place: Callable[[pd.DataFrame], np.ndarray]
) -> tuple[pd.DataFrame, pa.Table]:
    """Copy the pictures of a folder whose table does not say where they were taken.

    Parameters
    ----------
    source, target, report
        As `copy_street_views`; columns of places are not read.
    place
        Gives the rows of the table points (shapely, longitude and latitude) that tell pictures apart.

    Returns
    -------
    table, views
        The table of the folder by id, and the layer.

    Raises
    ------
    DataMissing, BadInput
        As `copy_street_views`.
    """
    file, table = _read(source, report)
    views = _copied_rows(source, target, file, table, place(table), report)
    named = table.set_axis(_ids(table), axis=0)
    return named[~named.index.duplicated()], views


def _read(source: Path, report: Report) -> tuple[str, pd.DataFrame]:
    file = check_street_views(source)
    table = read_table(source / file, "street views")
    report.add("street_views", "read", f"rows of {file}", count=len(table))
    return file, table


def _ids(table: pd.DataFrame) -> list[str]:
    named = next((one for one in ("view_id", "image_id") if one in table), "")
    return text_ids(table[named]) if named else [f"v{row:07d}" for row in range(len(table))]


def _copied_rows(
    source: Path, target: Path, file: str, table: pd.DataFrame, points: np.ndarray, report: Report
) -> pa.Table:
    sides = [one for one in ("image", *DIRECTIONS) if one in table.columns]
    if not sides:
        msg = f"{file}: expected pictures in a column image, or in {', '.join(DIRECTIONS)}, found {', '.join(map(str, table.columns[:20]))}."
        raise BadInput(msg)
    ids = _ids(table)
    columns = {side: _copied(source, target, text_ids(table[side]), report) for side in sides}
    kept = _kept(ids, points, columns, report)
    if not kept.any():
        why = "; ".join(report.text("street_views", "dropped"))
        msg = f"{file}: expected a row with a place and a picture, found none among {len(table)}{f' ({why})' if why else ''}."
        raise BadInput(msg)
    return _layer(table, ids, points, columns, kept)


def check_street_views(source: Path, *, placed: bool = True) -> str:
    """Return the name of the table in a folder of street views.

    Parameters
    ----------
    source
        The folder.
    placed
        Whether the table has to say where pictures were taken, for the message.

    Raises
    ------
    DataMissing
        No such folder, or no table in it.
    """
    if not source.is_dir():
        msg = f"No folder {str(source)!r} for street views. Expected one with pictures and a table {'metadata' if placed else 'images'}.csv."
        raise DataMissing(msg)
    names = [f"{stem}{suffix}" for stem in _TABLE_STEMS for suffix in _TABLE_SUFFIXES]
    found = next((name for name in names if (source / name).is_file()), "")
    if not found:
        wanted = (
            "metadata.csv with columns lon, lat and image (or east, south, west, north)"
            if placed
            else "images.csv with a column image and perhaps image_id"
        )
        msg = f"{last_part(source)}: expected a table {wanted}, found none."
        raise DataMissing(msg)
    return found


def _named(file: str, table: pd.DataFrame, what: str) -> str:
    known = {str(one).lower(): str(one) for one in table.columns}
    found = next((known[one] for one in _NAMES[what] if one in known), "")
    return found or pick_column(file, table.columns, what, f"a column {what} in degrees")


def _copied(source: Path, target: Path, paths: Sequence[str], report: Report) -> list[str | None]:
    """Copy sound pictures under plain names; None for the others. A picture that several rows name is copied once."""
    made: dict[str, str | None] = {"": None}
    for path in track(paths, "copy street views", len(paths)):
        if path not in made:
            made[path] = _copy_one(source, target, path, report)
    return [made[path] for path in paths]


def _copy_one(source: Path, target: Path, path: str, report: Report) -> str | None:
    path = path.replace("\\", "/")
    fault = path_fault(source, path)
    if not fault:
        try:
            open_picture(source / path).close()
        except FaultyPicture as error:
            fault = str(error)
    if fault:
        report.add("street_views", "dropped", f"pictures: {fault}", ids=[path])
        return None
    folder = target / "street_views"
    folder.mkdir(exist_ok=True)
    name = f"street_views/{len(os.listdir(folder)):07d}{Path(path).suffix.lower()}"  # noqa: PTH208 - names are enough
    shutil.copyfile(source / path, target / name)
    return name


def _kept(
    ids: list[str], points: np.ndarray, columns: dict[str, list[str | None]], report: Report
) -> np.ndarray:
    import pandas as pd
    import shapely

    named = np.array([bool(one) for one in ids], dtype=bool)
    placed = ~shapely.is_empty(points)
    seen = np.array([any(row) for row in zip(*columns.values(), strict=True)], dtype=bool)
    first = ~pd.Series(ids).duplicated().to_numpy()
    for why, good in (
        ("no view_id", named),
        ("no place", placed),
        ("no picture", seen),
        ("a view_id again", first),
    ):
        report.add("street_views", "dropped", why, ids=[ids[k] for k in np.flatnonzero(~good)])
    kept = named & placed & seen & first
    report.add("street_views", "kept", "with a place and a picture", count=int(kept.sum()))
    return np.asarray(kept)


def _layer(
    table: pd.DataFrame, ids: list[str], points: np.ndarray, columns: dict[str, Any], kept: np.ndarray
) -> pa.Table:
    import pyarrow as pa
    import shapely

    rows = [k for k in sorted(range(len(ids)), key=ids.__getitem__) if kept[k]]
    made = {"id": pa.array([ids[k] for k in rows], pa.string())}
    made |= {side: pa.array([files[k] for k in rows], pa.string()) for side, files in columns.items()}
    if "heading" in table:
        heading = as_numbers(table["heading"]) % 360
        made["heading"] = pa.array(heading[rows], pa.float64(), from_pandas=True)
    if "location_id" in table:
        places = text_ids(table["location_id"])
        made["location_id"] = pa.array([places[k] or None for k in rows], pa.string())
    made["wkb"] = pa.array(shapely.to_wkb(points[rows]).tolist(), pa.binary())
    return pa.table(made)
