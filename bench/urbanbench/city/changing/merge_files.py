"""Files of a city folder carried into one with merged regions: copied, with new region ids where they name regions."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.folder.format import TABLES
from urbanbench.city.folder.kinds import as_text
from urbanbench.city.folder.paths import path_fault
from urbanbench.city.folder.read import read_shapes

if TYPE_CHECKING:
    import pandas as pd

    from urbanbench.city.changing.merge_plan import Merging

__all__ = [
    "carry_file",
    "carry_table",
    "feature_files",
    "is_by_region",
    "merged_flows",
    "merged_shapes",
    "save_frame",
]

_UNITS = frozenset(schema.key for schema in TABLES.values() if schema.key) - {"region_id"}


def carry_file(source: Path, target: Path, file: str) -> None:
    """Copy a file to the same place in another folder."""
    (target / file).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / file, target / file)


def carry_table(source: Path, target: Path, file: str, new_id: Mapping[str, str] | None) -> None:
    """Copy a table; a column of region ids gets the new ones, or falls away without any, and a table without one keeps its bytes.

    A column of that name which holds no ids, such as a struct, is somebody's own and stays as it is.
    """
    if not _names_regions(source / file):
        carry_file(source, target, file)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(source / file)
    if new_id is None:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.drop_columns("region_id"), target / file, compression="zstd")
        return
    place = table.column_names.index("region_id")
    old = as_text(table["region_id"]).to_pylist()
    ids = pa.array([new_id.get(one) for one in old], pa.string())
    (target / file).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.set_column(place, "region_id", ids), target / file, compression="zstd")


def is_by_region(path: Path) -> bool:
    """Whether a file is a Parquet table whose rows are told apart by region_id alone."""
    return _names_regions(path) and not _UNITS & _schema(path).keys()


def feature_files(folder: Path) -> list[str]:
    """List the tables in ``features/``, sorted; links that lead out of the folder are left out."""
    files = [f"features/{path.name}" for path in sorted((folder / "features").glob("*.parquet"))]
    return [file for file in files if not path_fault(folder, file)]


def _names_regions(path: Path) -> bool:
    """Whether a table has a column of region ids: text, or integers."""
    import pyarrow as pa

    kind = _schema(path).get("region_id")
    kind = kind.value_type if isinstance(kind, pa.DictionaryType) else kind
    return kind is not None and (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_integer(kind)
    )


def _schema(path: Path) -> dict[str, Any]:
    """Return the columns of a Parquet file with their types; {} of anything else."""
    if path.suffix != ".parquet":
        return {}
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError):  # a layer that is never read may be anything
        return {}
    return dict(zip(schema.names, schema.types, strict=True))


def merged_shapes(folder: Path, file: str, merging: Merging) -> Any:
    """Unite the regions of a table, in the longitude and latitude they are stored in, so that shared borders fall away exactly.

    Parameters
    ----------
    folder, file
        The city folder, and the path of its table `regions`.
    merging
        Which become one.

    Returns
    -------
    GeoDataFrame
        Index region_id; name (those of the parts joined by " + "), parts (list of old ids), geometry in EPSG:4326.
    """
    import geopandas as gpd
    import pyarrow.parquet as pq

    names = pq.read_schema(folder / file).names
    table = pq.read_table(folder / file, columns=[one for one in ("region_id", "name") if one in names])
    ids = as_text(table["region_id"]).to_pylist()
    shapes = dict(zip(ids, read_shapes(folder, file), strict=True))
    named = as_text(table["name"]).to_pylist() if "name" in names else ids
    name_of = {one: name or one for one, name in zip(ids, named, strict=True)}
    columns = {
        "name": [" + ".join(name_of[one] for one in group) for group in merging.groups],
        "parts": [list(group) for group in merging.groups],
    }
    geometry = [_united([shapes[one] for one in group]) for group in merging.groups]
    index = _index(merging.ids, "region_id")
    return gpd.GeoDataFrame(columns, geometry=geometry, index=index, crs="EPSG:4326")


def _united(shapes: list[Any]) -> Any:
    import shapely

    return shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)


def merged_flows(frame: pd.DataFrame, new_id: Mapping[str, str]) -> pd.DataFrame:
    """Add up the trips between merged regions, per hour where there are hours; trips inside a merged region are kept."""
    keys = ["origin_id", "destination_id", *(["hour"] if "hour" in frame else [])]
    made = frame[[*keys, "trips"]].copy()
    for name in keys[:2]:
        made[name] = made[name].map(new_id)
    if "hour" in made:
        made["hour"] = made["hour"].astype("int64")
    return made.groupby(keys, as_index=False, sort=True)[["trips"]].sum()


def save_frame(frame: pd.DataFrame, target: Path, file: str) -> None:
    """Write a table, geometry as GeoParquet; a named index becomes a column."""
    path = target / file
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = frame if frame.index.name is None else frame.reset_index()
    whole.to_parquet(path, index=False, compression="zstd")


def _index(ids: Iterable[str], name: str) -> pd.Index:
    import pandas as pd

    return pd.Index(list(ids), name=name)
