"""What a table says of its geometry: which column it is, how it is encoded, in which CRS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from urbanbench.city.folder.entries import depth_of
from urbanbench.city.folder.fields import GEO_FIELDS, field_faults
from urbanbench.city.folder.limits import MAX_DEPTH, MAX_JSON_BYTES

if TYPE_CHECKING:
    from urbanbench.city.folder.parquet import TableHead

__all__ = ["ENCODINGS", "WGS84", "GeoColumn", "geo_column"]

WGS84 = "EPSG:4326"
"""Longitude and latitude."""

ENCODINGS = ("WKB", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon")
"""Encodings that are read: WKB, and those of Arrow (GeoParquet 1.1)."""

_GEOMETRY = "geometry"
_MEND = "Write it with geopandas (frame.to_crs(4326).to_parquet) or another GeoParquet writer."
_UNTOLD = "Say what it is: geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries.from_wkb(frame['geometry']), crs=4326).to_parquet(...)."

_PLAIN_CRS = re.compile(r"[A-Za-z]{2,10}:[A-Za-z0-9]{1,9}|[A-Z][A-Za-z]+\[.*", re.DOTALL)
"""A CRS as text: authority and code, or well-known text."""

_PLACED = {"Geographic 2D CRS", "Geographic 3D CRS", "Projected CRS"}
"""Kinds of CRS that give a place by two numbers."""


@dataclass(frozen=True)
class GeoColumn:
    """The geometry of a table.

    Parameters
    ----------
    name
        Name of the column in the file.
    encoding
        One of `ENCODINGS`.
    crs
        `WGS84`, or the code of another CRS, easting or longitude first.
    """

    name: str = _GEOMETRY
    encoding: str = "WKB"
    crs: str = WGS84


def geo_column(file: str, head: TableHead) -> tuple[GeoColumn | None, list[str]]:
    """Find the geometry of a table.

    The column `geometry`, else the one that GeoParquet's metadata call primary, else the only column of Parquet's own type of geometry.

    Parameters
    ----------
    file
        The table's path, for sentences.
    head
        What the file says of itself.

    Returns
    -------
    GeoColumn or None
        None when there are faults, or no such column.
    list of str
        One sentence per fault.
    """
    text = head.metadata.get(b"geo")
    if text is None and head.native:
        name = _GEOMETRY if _GEOMETRY in head.native else next(iter(head.native))
        column: Mapping[str, Any] | None = {"encoding": "WKB", **head.native[name]}
    elif text is None or len(text) > MAX_JSON_BYTES:
        if text is None and _GEOMETRY not in head.names:
            return None, []
        found = "none" if text is None else "absurdly long metadata"
        mend = _UNTOLD if text is None else _MEND
        return None, [f"{file}: expected GeoParquet metadata ('geo'), found {found}. {mend}"]
    else:
        name, column = _described(text, head.names)
    if column is None:
        return None, [
            f"{file}: expected GeoParquet metadata that describes column 'geometry', found metadata that does not. {_MEND}"
        ]
    faults = field_faults(
        f"{file}: GeoParquet metadata of column {name!r}: '", column, GEO_FIELDS, mend=_MEND
    )
    return (None, faults) if faults else _judged(file, name, column, head.native.get(name, {}))


def _described(text: bytes, names: list[str]) -> tuple[str, Mapping[str, Any] | None]:
    """Return the name of the geometry column and what the metadata say of it; None where that cannot be understood."""
    try:
        geo = json.loads(text)
    except (ValueError, RecursionError):
        return _GEOMETRY, None
    if depth_of(geo) > MAX_DEPTH or not isinstance(geo, dict) or not isinstance(geo.get("columns"), dict):
        return _GEOMETRY, None
    primary = geo.get("primary_column")
    name = _GEOMETRY if _GEOMETRY in geo["columns"] or not isinstance(primary, str) else primary
    column = geo["columns"].get(name)
    known = isinstance(column, dict) and "encoding" in column and (name in names or name == _GEOMETRY)
    return name, column if known else None


def _judged(
    file: str, name: str, column: Mapping[str, Any], native: Mapping[str, Any]
) -> tuple[GeoColumn | None, list[str]]:
    """Judge encoding and CRS; some writers tell the CRS in one of the two places only."""
    where, faults = f"{file}: column {name!r}", []
    encoding = column["encoding"]
    if encoding not in ENCODINGS:
        faults.append(f"{where}: expected encoding 'WKB', found {encoding[:60]!r}. {_MEND}")
    told = [one["crs"] for one in (column, native) if "crs" in one] or ["OGC:CRS84"]
    known = [_known_crs(json.dumps(one)) for one in told]
    found = next((fault for _, fault in known if fault), "")
    if not found and len(set(known)) > 1:
        found = f"two, {known[0][0]} and {known[1][0]}"
    if found:
        faults.append(f"{where}: expected CRS EPSG:4326 (longitude, latitude), found {found}. {_MEND}")
    return (None, faults) if faults else (GeoColumn(name, encoding, known[0][0]), [])


@lru_cache(maxsize=64)
def _known_crs(told: str) -> tuple[str, str]:
    """Return the code of a CRS written in JSON, and what is wrong with it.

    Only the definitions of an authority are used: others may name grids, which are files.
    """
    crs = json.loads(told)
    if crs is None:
        return "", "an unknown one (null)"
    if isinstance(crs, dict) and _is_wgs84(crs.get("id")):
        return WGS84, ""
    unreadable = f"an unreadable one ({str(crs)[:60]!r})"
    if isinstance(crs, str) and not _PLAIN_CRS.fullmatch(crs):
        return "", unreadable
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        found = CRS.from_user_input(crs)
        if found.equals(CRS.from_epsg(4326), ignore_axis_order=True):
            return WGS84, ""
        flat = found.sub_crs_list[0] if found.is_compound else found
        code = _code(flat)
        if not code:
            return "", f"{str(found.name)[:80]}, which has no code of a place"
        return (
            (code, "")
            if _reaches(code)
            else ("", f"{str(found.name)[:80]}, from which no way to longitude and latitude is known")
        )
    except (CRSError, TypeError, ValueError, KeyError):
        return "", unreadable


def _code(crs: Any) -> str:
    """Return the authority's code of a CRS, such as "EPSG:3067"; "" where no authority has just this one."""
    from pyproj import CRS

    known = crs.to_authority() if crs.type_name in _PLACED else None
    if known is None:
        return ""
    code = ":".join(known)
    return code if CRS.from_user_input(code).equals(crs, ignore_axis_order=True) else ""


def _reaches(code: str) -> bool:
    """Tell whether longitude and latitude are known for places in a CRS."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        Transformer.from_crs(code, WGS84, always_xy=True, allow_ballpark=False)
    except ProjError:
        return False
    return True


def _is_wgs84(known: Any) -> bool:
    """Tell whether an id, in whatever form it came, is that of WGS 84."""
    if not isinstance(known, dict):
        return False
    authority, code = known.get("authority"), known.get("code")
    if not isinstance(authority, str) or not isinstance(code, str | int) or isinstance(code, bool):
        return False
    return (authority, str(code)[:20]) in {("EPSG", "4326"), ("OGC", "CRS84")}
