"""City folder format 1: which tables there are, which columns they have, and how one sentence tells a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = [
    "DIRECTIONS",
    "FORMAT",
    "LEVEL_WORDS",
    "RASTERS",
    "TABLES",
    "UNIT_LAYER",
    "Column",
    "LabelInfo",
    "LayerInfo",
    "RasterInfo",
    "Row",
    "TableSchema",
    "row_fault",
]

FORMAT = 1
_LONGEST_NAME = 80
"""Characters of an id that a sentence quotes."""

DIRECTIONS = ("east", "south", "west", "north")
"""Columns of street_views.parquet with one picture for each direction."""

POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Name in the file.
    kind
        "text", "number", "integer", "group" (text or integer), "tags" (map of text to text) or "geometry" (WKB).
    required
        False for a column that may be left out.
    """

    name: str
    kind: str
    required: bool = True


@dataclass(frozen=True)
class TableSchema:
    """The columns of a table.

    Parameters
    ----------
    columns
        All columns the format knows; others in the file are ignored.
    key
        The column of ids, each of which stands once; "" where rows have no id.
    shapes
        Allowed geometry types; () for a table without geometry.
    order
        Columns that rows are ordered by when a city is opened, so that no result hangs on the order of a file; the key where
        there is one. Rows that are equal in them keep the order of the file.
    """

    columns: tuple[Column, ...]
    key: str = ""
    shapes: tuple[str, ...] = ()
    order: tuple[str, ...] = ()


_GEOMETRY = Column("geometry", "geometry")
_TAGS = Column("tags", "tags")

TABLES: Mapping[str, TableSchema] = {
    "regions": TableSchema(
        (Column("region_id", "text"), Column("name", "text", required=False), _GEOMETRY),
        "region_id",
        POLYGONS,
    ),
    "pois": TableSchema((Column("poi_id", "text"), _TAGS, _GEOMETRY), "poi_id", ("Point",)),
    "buildings": TableSchema(
        (Column("building_id", "text"), _TAGS, Column("height_m", "number", required=False), _GEOMETRY),
        "building_id",
        ("Polygon",),
    ),
    "roads": TableSchema((Column("road_id", "text"), _TAGS, _GEOMETRY), "road_id", ("LineString",)),
    "landuse": TableSchema((Column("landuse_id", "text"), _TAGS, _GEOMETRY), "landuse_id", POLYGONS),
    "street_views": TableSchema(
        (
            Column("view_id", "text"),
            *(Column(side, "text", required=False) for side in DIRECTIONS),
            Column("image", "text", required=False),
            Column("heading", "number", required=False),
            Column("location_id", "group", required=False),
            _GEOMETRY,
        ),
        "view_id",
        ("Point",),
    ),
    "satellite": TableSchema(
        (
            Column("region_id", "text"),
            Column("image", "text"),
            *(Column(side, "number") for side in ("minx", "miny", "maxx", "maxy")),
        ),
        "region_id",
    ),
    "captions": TableSchema(
        (Column("region_id", "text"), Column("caption", "text"), Column("source", "text", required=False)),
        order=("region_id",),
    ),
    "flows": TableSchema(
        (
            Column("origin_id", "text"),
            Column("destination_id", "text"),
            Column("trips", "number"),
            Column("hour", "integer", required=False),
        ),
        order=("origin_id", "destination_id", "hour"),
    ),
}
"""The tables a model or task can use, by layer name. Other layers named in city.json are kept as extras and not read."""

RASTERS = ("raster_embedding",)
"""Layers that are GeoTIFF files, not tables."""

LEVEL_WORDS: Mapping[str, str] = {
    "region": "region",
    "building": "building",
    "poi": "poi",
    "view": "street_view",
    "street_view": "street_view",
}
"""Words for a label's level in city.json, and the level each means."""

UNIT_LAYER: Mapping[str, str] = {
    "region": "regions",
    "building": "buildings",
    "poi": "pois",
    "street_view": "street_views",
}
"""The table that holds the units of a level."""


@dataclass(frozen=True)
class LayerInfo:
    """What city.json says of a layer.

    Parameters
    ----------
    name, file
        Name of the layer; its file, relative to the folder.
    kind
        What the pictures are: "photograph", "rendered-map", …; "" for tables.
    source, date, licence, attribution, note
        As written; "" where not stated.
    overlapping
        Of regions: whether they may overlap on purpose.
    """

    name: str
    file: str
    kind: str = ""
    source: str = ""
    date: str = ""
    licence: str = ""
    attribution: str = ""
    note: str = ""
    overlapping: bool = False


@dataclass(frozen=True)
class RasterInfo(LayerInfo):
    """What city.json says of a layer of GeoTIFF files; `file` is the first of them.

    Parameters
    ----------
    files
        All files, relative to the folder. Where they overlap the first with data counts.
    scales
        Of the law "pixel-scale": for each file the one with a scale for each of its pixels; () otherwise.
    law
        How stored numbers become values: a word of `urbanbench.city.folder.raster_entry.LAWS`.
    scale, offset
        Of the law "linear": one number for all bands, or one for each.
    nodata
        Stored number of a pixel without data; None leaves it to each file.
    bands, dtype
        What every file has; 0 and "" where not stated.
    """

    files: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    law: str = "float"
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    nodata: float | None = None
    bands: int = 0
    dtype: str = ""


@dataclass(frozen=True)
class LabelInfo:
    """What city.json says of a label.

    Parameters
    ----------
    name, file
        Name of the label; its file, relative to the folder.
    unit
        Unit of the value in words, or "class".
    level
        Level of the labelled units: "region", "building", "poi" or "street_view".
    kind
        "regression", "classification" or "composition".
    classes
        The classes of a classification, in the order declared; () where none are declared.
    columns
        The share columns of a composition; () otherwise.
    source, date, licence, attribution, note
        As written; "" where not stated.
    ceiling
        Best reachable scores, where they are known (generated cities); None otherwise.
    """

    name: str
    file: str
    unit: str
    level: str
    kind: str
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    source: str = ""
    date: str = ""
    licence: str = ""
    attribution: str = ""
    note: str = ""
    ceiling: Mapping[str, object] | None = field(default=None, hash=False)

    @property
    def key(self) -> str:
        """The id column of the label's table."""
        return TABLES[UNIT_LAYER[self.level]].key

    @property
    def schema(self) -> TableSchema:
        """The columns the label's table must and may have."""
        kind = "text" if self.kind == "classification" else "number"
        values = tuple(Column(name, kind) for name in self.columns or ("value",))
        optional = (
            Column("n", "number", required=False),
            Column("group", "group", required=False),
            Column("parcel", "group", required=False),
        )
        return TableSchema((Column(self.key, "text"), *values, *optional), self.key)


def row_fault(
    table: str, column: str, ids: Sequence[object], *, expected: str, found: str, mend: str = ""
) -> str:
    """Write what is wrong with rows that break a rule, and what to do about it.

    Parameters
    ----------
    table
        File name, relative to the folder.
    column
        Column that breaks the rule.
    ids
        Ids of all rows concerned; the first three are quoted. What names a row otherwise is a `Row`.
    expected, found
        The rule, and what is there instead.
    mend
        One sentence: what to do.

    Examples
    --------
    >>> row_fault("pois.parquet", "poi_id", ["n7", "n9"], expected="every id once", found="repeated ids")
    "pois.parquet: column 'poi_id', 2 rows ('n7', 'n9'): expected every id once, found repeated ids."
    """
    names = ", ".join(_quoted(one) for one in ids[:3]) + (", …" if len(ids) > 3 else "")
    rows = "1 row" if len(ids) == 1 else f"{len(ids)} rows"
    told = f"{table}: column {column!r}, {rows} ({names}): expected {expected}, found {found}."
    return f"{told} {mend}" if mend else told


class Row(str):
    """What names a row that has no id to quote, such as "row 5"."""

    __slots__ = ()


def _quoted(name: object) -> str:
    text = str(name) if isinstance(name, Row) else repr(name)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
