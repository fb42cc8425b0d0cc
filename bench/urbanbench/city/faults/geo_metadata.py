"""GeoParquet metadata: the type of every field, the encoding, the CRS."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from urbanbench.city.folder.entries import depth_of, json_kind
from urbanbench.city.folder.limits import MAX_DEPTH, MAX_JSON_BYTES

__all__ = ["geo_faults"]

_MEND = "Write it with geopandas (frame.to_crs(4326).to_parquet) or another GeoParquet writer."

_KINDS: Mapping[str, tuple[type, ...]] = {
    "encoding": (str,),
    "geometry_types": (list,),
    "crs": (dict, str, type(None)),
    "orientation": (str,),
    "edges": (str,),
    "bbox": (list,),
    "epoch": (int, float),
    "covering": (dict,),
}
"""Fields of a column and the JSON values they may have."""

_PLAIN_CRS = re.compile(r"[A-Za-z]{2,10}:[A-Za-z0-9]{1,9}|[A-Z][A-Za-z]+\[.*", re.DOTALL)
"""A CRS as text: authority and code, or well-known text."""


def geo_faults(file: str, metadata: Mapping[bytes, bytes]) -> list[str]:
    """Judge the metadata under the key "geo" as far as column `geometry` goes.

    Parameters
    ----------
    file
        The table's path, for sentences.
    metadata
        Key and value metadata of its schema.
    """
    text = metadata.get(b"geo")
    if text is None or len(text) > MAX_JSON_BYTES:
        found = "none" if text is None else "absurdly long metadata"
        return [f"{file}: expected GeoParquet metadata ('geo'), found {found}. {_MEND}"]
    column = _column(text)
    if column is None:
        return [
            f"{file}: expected GeoParquet metadata that describes column 'geometry', found metadata that does not. {_MEND}"
        ]
    faults = [
        f"{file}: GeoParquet metadata of column 'geometry': {name!r}: expected {_words(kinds)}, found {json_kind(column[name])}. {_MEND}"
        for name, kinds in _KINDS.items()
        if name in column and (not isinstance(column[name], kinds) or isinstance(column[name], bool))
    ]
    return faults or _value_faults(file, column)


def _column(text: bytes) -> Mapping[str, Any] | None:
    """Return what the metadata says of column `geometry`; None where it says nothing that can be understood."""
    try:
        geo = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if depth_of(geo) > MAX_DEPTH or not isinstance(geo, dict) or not isinstance(geo.get("columns"), dict):
        return None
    column = geo["columns"].get("geometry")
    return column if isinstance(column, dict) and "encoding" in column else None


def _words(kinds: tuple[type, ...]) -> str:
    names = {dict: "an object", list: "a list", str: "text", int: "a number", type(None): "null"}
    return " or ".join(names[kind] for kind in kinds if kind in names)


def _value_faults(file: str, column: Mapping[str, Any]) -> list[str]:
    where = f"{file}: column 'geometry'"
    faults = []
    if column["encoding"] != "WKB":
        faults.append(f"{where}: expected encoding 'WKB', found {column['encoding'][:60]!r}. {_MEND}")
    other = _other_crs(column.get("crs", "OGC:CRS84"))
    if other:
        faults.append(f"{where}: expected CRS EPSG:4326 (longitude, latitude), found {other}. {_MEND}")
    return faults


def _other_crs(crs: Any) -> str:
    """Name the CRS of a geometry column when it is not WGS 84; a missing entry means WGS 84 (GeoParquet 1.0)."""
    if crs is None:
        return "an unknown one (null)"
    if isinstance(crs, dict) and _is_wgs84(crs.get("id")):
        return ""
    unreadable = f"an unreadable one ({str(crs)[:60]!r})"
    if isinstance(crs, str) and not _PLAIN_CRS.fullmatch(crs):
        return unreadable
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        found = CRS.from_user_input(crs)
        same = found.equals(CRS.from_epsg(4326), ignore_axis_order=True)
    except (CRSError, TypeError, ValueError, KeyError):
        return unreadable
    return "" if same else str(found.name)[:80]


def _is_wgs84(known: Any) -> bool:
    """Tell whether an id, in whatever form it came, is that of WGS 84."""
    if not isinstance(known, dict):
        return False
    authority, code = known.get("authority"), known.get("code")
    if not isinstance(authority, str) or not isinstance(code, str | int) or isinstance(code, bool):
        return False
    return (authority, str(code)[:20]) in {("EPSG", "4326"), ("OGC", "CRS84")}
