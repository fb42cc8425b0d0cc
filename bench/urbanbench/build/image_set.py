"""A city folder out of pictures that people judged, of which nobody says where they were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.files import read_table
from urbanbench.build.folder import Manifest, write_layer, write_regions, write_rows
from urbanbench.build.ids import pick_column, text_ids
from urbanbench.build.labels.numbers import as_numbers
from urbanbench.build.report import Report
from urbanbench.build.street_views import check_street_views, copy_unplaced
from urbanbench.city.folder.format import DIRECTIONS, UNPLACED
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CRS", "ImageSet", "write_image_set"]

CRS = "EPSG:32631"
APART_M = 2000.0
CORNER = (300_000.0, 20_000.0)
"""Where the first picture is put: in the Gulf of Guinea, so that nobody takes the points for places."""

_NOTE = "The pictures have no places. Their points are made up, a grid in the sea that only tells them apart; pictures that are nearly the same have one point, so that no split parts them. Tasks that ask where are refused."


@dataclass(frozen=True)
class ImageSet:
    """What is known of a set of pictures.

    Parameters
    ----------
    source
        A folder with pictures and a table ``images.parquet`` (or .csv, .tsv; or ``metadata``) with `image`, a path in the folder, and perhaps `image_id`.
    name, title
        As in city.json.
    scores
        Columns with numbers that people gave; each becomes the label ``perception_COLUMN``.
    classes
        Label to the column that holds its classes.
    told
        source, date, licence, attribution and note, for city.json. Labels need a licence.
    """

    source: Path
    name: str
    title: str = ""
    scores: Sequence[str] = ()
    classes: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)


def write_image_set(order: ImageSet, folder: Path, report: Report | None = None) -> dict[str, int]:
    """Write a city folder of one region, whose street views are the pictures of the set.

    Parameters
    ----------
    order
        The set.
    folder
        The new folder.
    report
        Told which pictures and which values were dropped, and why.

    Returns
    -------
    dict
        How many pictures there are, and how many have each label.

    Raises
    ------
    BadInput, DataMissing
        No licence for labels; no table, no such column, no picture that opens, a column without a single value; the folder exists.
    """
    file = check_street_views(order.source, placed=False)
    table = read_table(order.source / file, "pictures")
    labels = _labels(order, file, table)
    if labels and not order.told.get("licence", "").strip():
        msg = f'Labels {", ".join(labels)} have no licence. Expected the one under which their owners give them away. Mend: --licence "CC BY-SA 4.0", or what it is.'
        raise BadInput(msg)
    with new_folder(folder) as part:
        return _write(order, part, labels, report or Report())


def _labels(order: ImageSet, file: str, table: pd.DataFrame) -> dict[str, tuple[str, bool]]:
    """Return label to its column, and whether it holds classes."""
    scores = {f"perception_{one}": (one, False) for one in order.scores}
    named = {**scores, **{name: (column, True) for name, column in order.classes.items()}}
    asked = {False: "--scores", True: "--class"}
    return {
        name: (pick_column(file, table.columns, column, f"a column for {asked[classes]}"), classes)
        for name, (column, classes) in named.items()
    }


def _write(
    order: ImageSet, folder: Path, labels: Mapping[str, tuple[str, bool]], report: Report
) -> dict[str, int]:
    table, views = copy_unplaced(order.source, folder, report, lambda rows: _grid(_alone(order.source, rows)))
    write_layer(folder, "street_views", views)
    _write_region(order, folder, views.num_rows)
    manifest = Manifest(order.name, order.title, CRS)
    manifest.regions(1, {"note": "One for the whole set. " + _NOTE})
    told = dict(order.told)
    note = " ".join(filter(None, [told.get("note", ""), _NOTE]))
    manifest.layer("street_views", views.num_rows, {**told, "note": note}, kind=UNPLACED)
    counts = {"pictures": views.num_rows}
    twins = views.num_rows - len(set(views["wkb"].to_pylist()))
    if twins:
        counts["nearly another again"] = twins
    kept = views["id"].to_pylist()
    for name, (column, classes) in labels.items():
        frame = _label(name, table.loc[kept, column], report, classes=classes)
        write_rows(folder, f"labels/{name}.parquet", frame)
        manifest.label(name, {**_entry(frame, classes=classes), **told})
        counts[name] = len(frame)
    manifest.write(folder)
    return counts


def _label(name: str, column: pd.Series, report: Report, *, classes: bool) -> pd.DataFrame:
    """Return the pictures that have a value, with it."""
    import pandas as pd

    value: Any = text_ids(column) if classes else as_numbers(column)
    frame = pd.DataFrame({"view_id": column.index.astype(str), "value": value})
    there = frame["value"] != "" if classes else frame["value"].notna()
    kind = "class" if classes else "number"
    if not there.any():
        option = f"--class {name}={column.name}" if classes else f"{column.name!r} of --scores"
        msg = f"Column {column.name!r} has no {kind} in any of {len(column)} rows with a picture, so label {name} would be empty. Expected values that people gave. Mend: fill the column, or leave out {option}."
        raise BadInput(msg)
    report.add(f"labels/{name}", "dropped", f"no {kind} in {column.name}", ids=frame["view_id"][~there])
    return frame[there]


def _entry(frame: pd.DataFrame, *, classes: bool) -> dict[str, Any]:
    unit = {"unit": "class", "classes": sorted(set(frame["value"]))} if classes else {"unit": "score"}
    return {"level": "street_view", **unit, "units": len(frame)}


def _alone(source: Path, table: pd.DataFrame) -> np.ndarray:
    """Return for each row which row it stands for, int64 (n,): itself, or the first one whose picture is nearly the same."""
    from urbanbench.city.alike import alike

    side = next((one for one in ("image", *DIRECTIONS) if one in table), "")
    paths = [source / str(one) if side else source for one in (table[side] if side else table.index)]
    _, first, number = np.unique(alike(paths), return_index=True, return_inverse=True)
    return np.asarray(first[number], dtype=np.int64)


def _grid(rows: np.ndarray) -> np.ndarray:
    """Return a point for each row, so far apart that no two pictures are near one another, and the same for equal numbers; shapely points (n,) in degrees."""
    import shapely
    from pyproj import Transformer

    wide = int(np.ceil(np.sqrt(len(rows))))
    row, column = np.divmod(rows, wide)
    metres = np.column_stack([column, row]) * APART_M + CORNER
    to_degrees = Transformer.from_crs(CRS, 4326, always_xy=True)
    return np.asarray(shapely.points(np.column_stack(to_degrees.transform(*metres.T))))


def _write_region(order: ImageSet, folder: Path, many: int) -> None:
    import geopandas as gpd
    import shapely

    side = int(np.ceil(np.sqrt(many))) * APART_M
    west, south = CORNER
    box = shapely.box(west - APART_M, south - APART_M, west + side, south + side)
    frame = gpd.GeoDataFrame({"name": [order.title or order.name]}, index=["all"], geometry=[box], crs=CRS)
    write_regions(folder, frame.to_crs(4326))
