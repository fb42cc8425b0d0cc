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

__all__ = ["read_table", "read_vector", "there"]

_TABLES = (".csv", ".tsv", ".txt")
_GEO_PARQUET = (".parquet", ".geoparquet")
_VECTORS = (".gpkg", ".geojson", ".json", ".shp", ".fgb", ".kml", ".gml", *_GEO_PARQUET)
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


def read_vector(path: Path, what: str, *, layer: str = "", crs: str = "") -> gpd.GeoDataFrame:
    """Read a vector file in longitude and latitude: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, KML, GML or GeoParquet.

    Parameters
    ----------
    path, what
        The file, and what it is for.
    layer
        Layer of a file with several; the first when left out.
    crs
        CRS of a file that names none.

    Returns
    -------
    GeoDataFrame
        In EPSG:4326, in file order.

    Raises
    ------
    DataMissing, BadInput
        No such file; another kind, a damaged one, one that points elsewhere, or one without a CRS.
    """
    _check_vector(there(path, what))
    frame = _read_parquet(path) if path.suffix.lower() in _GEO_PARQUET else _read_gdal(path, layer)
    if getattr(frame, "geometry", None) is None or frame._geometry_column_name is None:  # noqa: SLF001 - its public twin raises
        msg = f"{path.name}: expected a file with geometry for {what}, found a table without any."
        raise BadInput(msg)
    if frame.crs is None:
        if not crs:
            msg = f"{path.name}: expected a file that names its CRS, found none. Mend: --file-crs EPSG:CODE"
            raise BadInput(msg)
        frame = frame.set_crs(crs)
    placed: gpd.GeoDataFrame = frame.to_crs(4326).reset_index(drop=True)
    return placed.rename_geometry("geometry") if placed.geometry.name != "geometry" else placed


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
