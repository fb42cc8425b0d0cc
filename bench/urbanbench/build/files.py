"""Tables and vector files of other people: read by content, without following what they point to."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.city.folder.geo import WGS84
from urbanbench.city.folder.parquet import FaultyTable, TableHead, read_head
from urbanbench.city.folder.read import read_shapes
from urbanbench.city.folder.wkb import is_deep
from urbanbench.errors import BadInput, DataMissing

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from pyproj import CRS

__all__ = ["is_plain_table", "known_crs", "read_table", "read_vector", "there"]

_TABLES = (".csv", ".tsv", ".txt")
_GEO_PARQUET = (".parquet", ".geoparquet")
_VECTORS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".kml", ".gml", *_GEO_PARQUET)
_GEOJSON = (".geojson", ".json")
_MOST_EAST, _MOST_NORTH = 360.0, 90.0
"""Largest longitude, counted from the west or around the globe, and latitude."""
_GLANCE = 2**16
_POINTERS = (b"OGRVRTDataSource", b"gdal_streamed_alg", b"OGRVRTLayer", b'xlink:href="http')
"""Words of files that are no data but tell GDAL to read other files or addresses, or to compute."""


def there(path: Path, what: str) -> Path:
    """Return a path that is a file.

    Raises
    ------
    DataMissing
        No such file.
    """
    if not path.is_file():
        msg = f"No file {str(path)!r} for {what}. Expected a file on this machine. Check the path."
        raise DataMissing(msg)
    return path


def read_vector(path: Path, what: str, *, layer: str = "", crs: str = "", ask: str = "") -> gpd.GeoDataFrame:
    """Read a vector file in longitude and latitude: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, KML, GML or GeoParquet.

    Parameters
    ----------
    path, what
        The file, and what it is for.
    layer
        Layer of a file with several; the first when left out.
    crs
        CRS of a file that names none, or is GeoJSON in its usual CRS: most programs write that whatever the coordinates are.
    ask
        How to name that CRS, to paste; "" where it cannot be named.

    Returns
    -------
    GeoDataFrame
        In EPSG:4326, in file order.

    Raises
    ------
    DataMissing, BadInput
        No such file; another kind, a damaged one, one that points elsewhere, one without a CRS, or with degrees that are none; an unknown CRS.
    """
    _check_vector(there(path, what))
    frame = _read_parquet(path) if path.suffix.lower() in _GEO_PARQUET else _read_gdal(path, layer)
    if getattr(frame, "geometry", None) is None or frame._geometry_column_name is None:  # noqa: SLF001 - its public twin raises
        msg = f"{path.name}: expected a file with geometry for {what}, found a table without any."
        raise BadInput(msg)
    frame = _with_crs(path, frame, crs, ask)
    placed: gpd.GeoDataFrame = frame.to_crs(4326).reset_index(drop=True)
    return placed.rename_geometry("geometry") if placed.geometry.name != "geometry" else placed


def _with_crs(path: Path, frame: gpd.GeoDataFrame, crs: str, ask: str) -> gpd.GeoDataFrame:
    """Give a frame the CRS that was named for it where its file leaves that open, and check that degrees are degrees."""
    left_open = frame.crs is None or _is_plain_geojson(path, frame)
    mend = ask if left_open and ask else f"ogr2ogr -a_srs EPSG:CODE out.gpkg {path.name}"
    if left_open and crs:
        named = known_crs(path.name, crs, mend)
        if frame.crs is not None and named.is_projected:
            _check_metres(path, frame, crs)
        frame = frame.set_crs(named, allow_override=True)
    if frame.crs is None:
        msg = f"{path.name}: expected a file that names its CRS, found none. Mend: {mend}"
        raise BadInput(msg)
    if frame.crs.is_geographic:
        _check_degrees(path, frame, mend)
    return frame


def _is_plain_geojson(path: Path, frame: gpd.GeoDataFrame) -> bool:
    """Tell whether a file is GeoJSON in longitude and latitude, which it is taken for when it names no CRS."""
    return path.suffix.lower() in _GEOJSON and frame.crs.equals(WGS84, ignore_axis_order=True)


def known_crs(file: str, crs: str, mend: str) -> CRS:
    """Return the CRS of a word.

    Raises
    ------
    BadInput
        It is unknown.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        msg = f"{file}: expected a CRS such as EPSG:32635, got {crs!r}, which is unknown. Mend: {mend}"
        raise BadInput(msg) from error


def _check_metres(path: Path, frame: gpd.GeoDataFrame, crs: str) -> None:
    """Refuse to take degrees for the metres of a CRS that was named."""
    bounds, far = _far(frame)
    if len(bounds) and far.mean() <= 0.5:
        x, y = bounds.loc[~far, ["minx", "miny"]].iloc[0]
        msg = f"{path.name}: expected coordinates in {crs}, which was named for it, found {x:.4f} and {y:.4f}, which are longitude and latitude. Mend: name no CRS for this file."
        raise BadInput(msg)


def _check_degrees(path: Path, frame: gpd.GeoDataFrame, mend: str) -> None:
    """Refuse a file in which most coordinates are too large for longitude and latitude; a few stray ones are the reader's."""
    bounds, far = _far(frame)
    if far.mean() > 0.5:
        x, y = bounds.loc[far, ["minx", "miny"]].iloc[0]
        msg = f"{path.name}: expected longitude and latitude in degrees ({frame.crs.name}), found {x:.0f} and {y:.0f}, which are no degrees but metres or feet of another CRS. Mend: {mend}"
        raise BadInput(msg)


def _far(frame: gpd.GeoDataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the bounds of every shape that has any, and which are too large for longitude and latitude."""
    bounds = frame.geometry.bounds.dropna()
    far = (bounds[["minx", "maxx"]].abs() > _MOST_EAST).any(axis=1)
    return bounds, far | (bounds[["miny", "maxy"]].abs() > _MOST_NORTH).any(axis=1)


def _check_vector(path: Path) -> None:
    if path.suffix.lower() not in _VECTORS:
        msg = f"{path.name}: expected a vector file ({', '.join(_VECTORS)}), found {path.suffix or 'no suffix'!r}. Mend: ogr2ogr out.gpkg {path.name}"
        raise BadInput(msg)
    with path.open("rb") as stream:
        head = stream.read(_GLANCE)
    if any(word in head for word in _POINTERS):
        msg = f"{path.name}: expected data, found a file that points to other files or addresses. Mend: ogr2ogr out.gpkg {path.name}"
        raise BadInput(msg)


def _read_parquet(path: Path) -> Any:
    """Read GeoParquet as geopandas does, and Parquet's own types of geometry, whose CRS it does not know."""
    import geopandas as gpd
    import pyarrow as pa

    try:
        head = read_head(path.parent, path.name)
        if head.native:
            shapes = read_shapes(path.parent, path.name)
            return gpd.GeoDataFrame(_read_plain_parquet(path, [*head.native]), geometry=shapes, crs=WGS84)
        _check_depth(path, head)
        return gpd.read_parquet(path)
    except BadInput:
        raise
    except FaultyTable as error:
        raise BadInput(str(error)) from error
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
        raise _unreadable(path, "GeoParquet", error) from error


def _check_depth(path: Path, head: TableHead) -> None:
    """Refuse geometry inside of geometry so deep that decoding it would end the process."""
    import pyarrow.parquet as pq
    from pyarrow import types

    for name, kind in head.columns:
        if types.is_binary(kind) or types.is_large_binary(kind):
            column = pq.read_table(path, columns=[name])[name]
            if any(is_deep(one) for chunk in column.iterchunks() for one in chunk.to_pylist() if one):
                msg = f"{path.name}: column {name!r}: expected simple geometry, found geometry inside of geometry. Mend: take collections apart with frame.explode()."
                raise BadInput(msg)


def _read_gdal(path: Path, layer: str) -> Any:
    import geopandas as gpd
    import pyogrio

    try:
        layers = [str(one) for one in pyogrio.list_layers(path)[:, 0]]
    except Exception as error:  # GDAL raises errors of a dozen kinds for damaged files
        raise _unreadable(path, "vector", error) from error
    if layer and layer not in layers:
        msg = f"{path.name}: expected a layer {layer!r}, found {', '.join(layers)}."
        raise BadInput(msg)
    try:
        frame = gpd.read_file(path, layer=layer or layers[0], engine="pyogrio", fid_as_index=True)
    except Exception as error:
        raise _unreadable(path, "vector", error) from error
    return frame if "fid" in frame.columns else frame.reset_index(names="fid")


def is_plain_table(path: Path) -> bool:
    """Tell whether a file is a table of text, which has no geometry."""
    return path.suffix.lower() in _TABLES


def read_table(path: Path, what: str) -> pd.DataFrame:
    """Read a CSV, TSV or Parquet table, or the attributes of a vector file; text columns of CSV files stay text, zeros in front included.

    Raises
    ------
    DataMissing, BadInput
        No such file; another kind, or a damaged one.
    """
    suffix = there(path, what).suffix.lower()
    if suffix in _TABLES:
        return _read_csv(path)
    if suffix in _GEO_PARQUET:
        return _read_plain_parquet(path)
    if suffix in _VECTORS:
        _check_vector(path)
        return _without_geometry(path)
    msg = f"{path.name}: expected a table ({', '.join((*_TABLES, *_VECTORS))}), found {suffix or 'no suffix'!r}."
    raise BadInput(msg)


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    with path.open("rb") as stream:
        head = stream.read(_GLANCE).split(b"\n", 1)[0]
    sign = max(",;\t|", key=lambda one: head.count(one.encode()))
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            try:
                return pd.read_csv(path, sep=sign, dtype=str, keep_default_na=False, encoding=encoding)
            except UnicodeDecodeError:
                raise
            except (ValueError, OSError) as error:  # pandas' parser errors are value errors
                raise _unreadable(path, "CSV", error) from error
    msg = f"{path.name}: expected a CSV file in UTF-8, found other bytes. Mend: iconv -f ENCODING -t UTF-8"
    raise BadInput(msg)


def _read_plain_parquet(path: Path, left_out: Sequence[str] = ("geometry", "geom")) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, "Parquet", error) from error
    plain = table.drop_columns([one for one in left_out if one in table.column_names])
    frame: pd.DataFrame = plain.to_pandas(ignore_metadata=True)
    return frame


def _without_geometry(path: Path) -> pd.DataFrame:
    import pyogrio

    try:
        frame: pd.DataFrame = pyogrio.read_dataframe(path, read_geometry=False)
    except Exception as error:
        raise _unreadable(path, "vector", error) from error
    return frame


def _unreadable(path: Path, kind: str, error: Exception) -> BadInput:
    reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
    return BadInput(
        f"{path.name}: expected a {kind} file that can be read, found a fault ({reason}). Mend: open it in a GIS and save it anew."
    )
