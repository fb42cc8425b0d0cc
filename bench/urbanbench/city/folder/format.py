"""City folder format 1: which tables there are, which columns they have, and how one sentence tells a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from urbanbench.city.folder.columns import Column, TableSchema
from urbanbench.city.folder.limits import MAX_HEIGHT_M, MAX_METRES, MAX_NUMBER

__all__ = [
    "DIRECTIONS",
    "FORMAT",
    "LEVEL_WORDS",
    "RASTERS",
    "REPORT_FILE",
    "TABLES",
    "UNIT_LAYER",
    "UNPLACED",
    "LabelInfo",
    "LayerInfo",
    "RasterInfo",
    "Row",
    "row_fault",
]

FORMAT = 1
REPORT_FILE = "build_report.json"
"""What a build read, kept, dropped and mended, in the city folder."""

_LONGEST_NAME = 80
"""Characters of an id that a sentence quotes."""

DIRECTIONS = ("east", "south", "west", "north")
"""Columns of street_views.parquet with one picture for each direction."""

UNPLACED = "photograph-unplaced"
"""Kind of street views of which nobody knows where they were taken; their points in the folder only tell them apart."""

POLYGONS = ("Polygon", "MultiPolygon")


def _key(name: str, layer: str = "") -> Column:
    return Column(name, "id", filled=True, layer=layer, about="The row's id, once in the table.")


def _picture(name: str, about: str, *, required: bool = False) -> Column:
    return Column(name, "text", required=required, null=not required, filled=True, about=about)


_GEOMETRY = Column("geometry", "geometry", about="Valid and not empty, in longitude and latitude.")
_TAGS = Column("tags", "tags", about="Such as OpenStreetMap's; empty where there are none.")

TABLES: Mapping[str, TableSchema] = {
    "regions": TableSchema(
        (
            _key("region_id"),
            Column("name", "text", required=False, null=True, about="Name for people."),
            _GEOMETRY,
        ),
        "region_id",
        POLYGONS,
        least_rows=1,
        about="A unit of most tasks.",
    ),
    "pois": TableSchema(
        (_key("poi_id"), _TAGS, _GEOMETRY), "poi_id", ("Point",), about="A point of interest."
    ),
    "buildings": TableSchema(
        (
            _key("building_id"),
            _TAGS,
            Column(
                "height_m",
                "number",
                required=False,
                null=True,
                unit="metres",
                low=0.0,
                high=MAX_HEIGHT_M,
                about="Height; null where it is not known.",
            ),
            _GEOMETRY,
        ),
        "building_id",
        ("Polygon",),
        about="A footprint.",
    ),
    "roads": TableSchema(
        (_key("road_id"), _TAGS, _GEOMETRY),
        "road_id",
        ("LineString",),
        about="A piece of road; its tags have highway.",
    ),
    "landuse": TableSchema(
        (_key("landuse_id"), _TAGS, _GEOMETRY),
        "landuse_id",
        POLYGONS,
        about="Ground of one use; rows may overlap.",
    ),
    "street_views": TableSchema(
        (
            _key("view_id"),
            *(
                _picture(side, f"Picture towards the {side}, a path in the folder; null where there is none.")
                for side in DIRECTIONS
            ),
            _picture("image", "Picture, a path in the folder; null where there is none."),
            Column(
                "heading",
                "number",
                required=False,
                null=True,
                unit="degrees clockwise from north",
                low=0.0,
                high=360.0,
                about="Where image looks.",
            ),
            Column(
                "location_id", "group", required=False, null=True, about="Views taken at one point have one."
            ),
            _GEOMETRY,
        ),
        "view_id",
        ("Point",),
        some_of=(*DIRECTIONS, "image"),
        about="A point at which pictures were taken.",
    ),
    "satellite": TableSchema(
        (
            _key("region_id", "regions"),
            _picture("image", "Picture from above, a path in the folder.", required=True),
            *(
                Column(
                    side,
                    "number",
                    unit="metres of the city's CRS",
                    low=-MAX_METRES,
                    high=MAX_METRES,
                    about=f"{word} edge of what the picture shows.",
                )
                for side, word in (("minx", "West"), ("miny", "South"), ("maxx", "East"), ("maxy", "North"))
            ),
        ),
        "region_id",
        about="A region's picture from above.",
    ),
    "captions": TableSchema(
        (
            Column(
                "region_id",
                "id",
                filled=True,
                layer="regions",
                about="The region; repeated for several sentences.",
            ),
            Column("caption", "text", filled=True, about="One sentence about the region's picture."),
            Column("source", "text", required=False, null=True, about="Who wrote it."),
        ),
        order=("region_id",),
        about="A sentence about a region.",
    ),
    "flows": TableSchema(
        (
            Column("origin_id", "id", filled=True, layer="regions", about="Where trips begin."),
            Column("destination_id", "id", filled=True, layer="regions", about="Where they end."),
            Column("trips", "number", unit="trips", low=0.0, high=MAX_NUMBER, about="How many."),
            Column(
                "hour",
                "integer",
                required=False,
                unit="hours",
                low=0.0,
                high=23.0,
                about="Hour in which they begin.",
            ),
        ),
        order=("origin_id", "destination_id", "hour"),
        about="Trips of a pair of regions (and hour), each once.",
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
        How stored numbers become values: a word of `urbanbench.city.folder.laws.LAWS`.
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
        value = {
            "regression": Column(
                "value", "number", unit=self.unit, low=-MAX_NUMBER, high=MAX_NUMBER, about="The value."
            ),
            "classification": Column("value", "text", filled=True, about="The class."),
            "composition": Column(
                "value",
                "number",
                unit="share",
                low=0.0,
                high=MAX_NUMBER,
                about="Share of a class; all add up to 1.",
            ),
        }[self.kind]
        values = tuple(replace(value, name=name) for name in self.columns or ("value",))
        return TableSchema(
            (_key(self.key, UNIT_LAYER[self.level]), *values, *_OF_LABELS),
            self.key,
            about="A unit with a known value.",
        )


_OF_LABELS = (
    Column(
        "n",
        "number",
        required=False,
        null=True,
        low=0.0,
        high=MAX_NUMBER,
        about="Support, such as persons or sales.",
    ),
    Column("group", "group", required=False, null=True, about="A coarser area, for grouped splits."),
    Column("parcel", "group", required=False, null=True, about="What no split divides, for grouped splits."),
)


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
