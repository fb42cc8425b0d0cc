"""Fields of the JSON files of a city folder: which there are, what they hold, and what is said of other values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from urbanbench.card import LABEL_KINDS
from urbanbench.city.folder.format import FORMAT, LEVEL_WORDS
from urbanbench.city.folder.laws import LAWS

__all__ = [
    "CITY_FIELDS",
    "CRS",
    "GEO_FIELDS",
    "LABEL_FIELDS",
    "LAYER_FIELDS",
    "NAME",
    "RASTER_FIELDS",
    "REPORT_FIELDS",
    "REPORT_LINE_FIELDS",
    "Field",
    "field_faults",
    "json_kind",
]

NAME = "[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
"""Names of cities, layers and labels, as a regular expression."""

CRS = "[A-Za-z]{2,10}:[0-9]{1,9}"
"""An authority's code of a CRS, as a regular expression."""


@dataclass(frozen=True)
class Field:
    """One field of an object.

    Parameters
    ----------
    name
        Its name.
    kind
        "text"; "path" (text, a file of the folder); "paths" (a list of such, not empty, each once); "name" and "crs" (text of a certain form); "word" (one of `words`); "count" (a whole
        number of 0 or more); "truth"; "number"; "list"; "names" (a list of different texts that are not empty); "named counts" (such a list, or an
        object of such names and counts); "object"; "entries" (an object of names and objects); "free" (anything). One of several kinds: "list or object".
    about
        What it means, as a sentence.
    required
        Whether it has to be there.
    words
        The values a "word" may have.
    mend
        What to do about another value, where the kind alone does not tell.
    """

    name: str
    kind: str
    about: str
    required: bool = False
    words: tuple[Any, ...] = ()
    mend: str = ""


_CREDITS = (
    Field("source", "text", "Who made the data."),
    Field("date", "text", "When they were made, or of when they tell."),
    Field("licence", "text", "Under which licence they are."),
    Field("attribution", "text", "How the licence wants them credited."),
    Field("note", "text", "What else is good to know."),
)
_FILE = Field("file", "path", "Path of the Parquet file in the folder, with forward slashes.", required=True)

LAYER_FIELDS = (
    _FILE,
    Field("kind", "text", "What pictures are: photograph, rendered-map, …"),
    *_CREDITS,
    Field("count", "count", "Number of rows; must be right where it is given."),
    Field(
        "overlapping",
        "truth",
        "Of regions: whether they overlap on purpose.",
        mend="Write true where regions overlap on purpose.",
    ),
    Field("bounds_crs", "text", "Of satellite: the CRS of the boxes, equal to crs."),
    Field(
        "drawn_from",
        "free",
        "Of pictures of kind rendered-map: a list of the layers that are drawn; anything else says nothing.",
    ),
)
"""Fields of an entry of a layer, and of `regions`."""

RASTER_FIELDS = (
    Field(
        "files",
        "paths",
        "Paths of the GeoTIFFs in the folder; where they overlap the first with data counts.",
    ),
    Field("file", "path", "Path of the GeoTIFF where there is one, in place of files."),
    Field("law", "word", "How stored numbers become values.", required=True, words=tuple(LAWS)),
    Field(
        "scale",
        "number or list",
        "Of the law linear: factor of all bands, or of each.",
        mend="Write numbers.",
    ),
    Field(
        "offset",
        "number or list",
        "Of the law linear: what is added, to all bands or to each.",
        mend="Write numbers.",
    ),
    Field(
        "scales",
        "paths",
        "Of the law pixel-scale: for each file the one with a number for each of its pixels.",
    ),
    Field(
        "nodata",
        "number",
        "Stored number of pixels without data, where the files do not tell.",
        mend="Leave it out for NaN, and where each file says it.",
    ),
    Field("bands", "count", "Bands of every file; must be right where it is given.", mend="Write a number."),
    Field("dtype", "text", "Type of the stored numbers; must be right where it is given."),
    Field("kind", "text", "What the raster is."),
    *_CREDITS,
    Field("count", "count", "Number of files; must be right where it is given."),
)
"""Fields of an entry of a layer of rasters."""

LABEL_FIELDS = (
    _FILE,
    Field("level", "word", "Level of the labelled units.", required=True, words=tuple(LEVEL_WORDS)),
    Field("unit", "text", "Unit of the value in words; class makes a classification.", required=True),
    Field(
        "kind",
        "word",
        "Kind of the label; left out, the unit decides between regression and classification.",
        words=tuple(LABEL_KINDS),
    ),
    Field("classes", "named counts", "Classes of a classification, or classes and how many units have each."),
    Field("columns", "names", "Columns of a composition, one for each share."),
    *_CREDITS,
    Field("units", "count", "Number of rows; must be right where it is given."),
    Field(
        "ceiling",
        "object or null",
        "Best reachable scores.",
        mend="Leave it out where it is not known.",
    ),
)
"""Fields of an entry of a label."""

CITY_FIELDS = (
    Field("format", "word", "Number of the format.", required=True, words=(FORMAT,)),
    Field("name", "name", "Name for paths and tables; that of the folder where left out."),
    Field("title", "text", "Name for people; the name where left out."),
    Field("crs", "crs", "Projected CRS in metres: authority and code.", required=True),
    Field("regions", "object", "Entry of the regions; regions.parquet where left out."),
    Field("layers", "entries", "Entries of the layers, by name."),
    Field("labels", "entries", "Entries of the labels, by name."),
)
"""Fields of city.json itself."""

GEO_FIELDS = (
    Field("encoding", "text", "WKB, or an encoding of Arrow.", required=True),
    Field("geometry_types", "list", "Kinds of geometry."),
    Field("crs", "object or text or null", "The CRS; longitude and latitude (WGS 84) where left out."),
    Field("orientation", "text", "How rings turn."),
    Field("edges", "text", "What edges are."),
    Field("bbox", "list", "The box around all rows."),
    Field("epoch", "number", "Epoch of the coordinates."),
    Field("covering", "object", "Columns of boxes around the rows."),
)
"""Fields that GeoParquet's metadata have for a column of geometry."""

REPORT_FIELDS = (
    Field("files", "object", "Files that were read, and their hashes."),
    Field("report", "list", "What happened to the rows."),
)
"""Fields of build_report.json."""

REPORT_LINE_FIELDS = (
    Field("part", "text", "Table or file.", required=True),
    Field("deed", "text", "read, kept, dropped or mended.", required=True),
    Field("why", "text", "The reason.", required=True),
    Field("count", "count", "How many rows.", required=True),
    Field("ids", "list", "Some of them."),
)
"""Fields of a line of build_report.json."""

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "path": (str,),
    "truth": (bool,),
    "number": (int, float),
    "list": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_EXPECTED = {
    "text": "text",
    "path": "text",
    "truth": "true or false",
    "number": "a number",
    "list": "a list",
    "object": "an object",
    "null": "null",
    "count": "a count",
    "names": "a list of different names",
    "named counts": "a list of different names",
}
_MENDS = {
    "text": "Put it in quotes.",
    "path": "Put it in quotes.",
    "truth": "Write it without quotes.",
    "count": "Write the number of rows, or leave it out.",
    "names": "Name each once, as text.",
    "named counts": "Name each once, as text.",
}


def field_faults(
    where: str, entry: Mapping[str, Any], fields: Iterable[Field], *, mend: str = ""
) -> list[str]:
    """Tell the fields of an object whose values are of another kind; those that are missing are not told here.

    Counts of names are told one by one.

    Parameters
    ----------
    where
        What the sentence begins with before the field's name, such as "city.json: 'layers.pois.".
    entry
        The object.
    fields
        Its fields; kinds "name", "crs", "word", "paths" and "entries" are judged where they are read, "free" never.
    mend
        What to do about any of them; the field's own mend where left out.
    """
    faults = []
    for field in fields:
        if field.name not in entry:
            continue
        value, words = entry[field.name], field.kind.split(" or ")
        if not any(_JUDGES.get(word, _plainly)(word, value) for word in words):
            expected = " or ".join(_EXPECTED[word] for word in words)
            found = json_kind(value) if set(words) <= set(_TYPES) else repr(str(value)[:60])
            told = mend or field.mend or _MENDS.get(field.kind, "Write it anew.")
            faults.append(f"{where}{field.name}': expected {expected}, found {found}. {told}")
        elif field.kind == "named counts" and isinstance(value, dict):
            counts = [Field(name, "count", "") for name in value]
            faults += field_faults(f"{where}{field.name}.", value, counts, mend=mend)
    return faults


def _plainly(word: str, value: object) -> bool:
    kinds = _TYPES.get(word)
    if kinds is None:
        return True
    return isinstance(value, kinds) and (word == "truth" or not isinstance(value, bool))


def _is_count(_: str, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_names(_: str, value: object) -> bool:
    return isinstance(value, list) and _different(value)


def _different(names: Sequence[object]) -> bool:
    texts = [one for one in names if isinstance(one, str) and one]
    return len(texts) == len(names) == len(set(texts))


def _are_named_counts(_: str, value: object) -> bool:
    return _different(list(value)) if isinstance(value, dict | list) else False


_JUDGES: Mapping[str, Callable[[str, object], bool]] = {
    "count": _is_count,
    "names": _are_names,
    "named counts": _are_named_counts,
}


def json_kind(value: object) -> str:
    """Name the kind of a JSON value for a sentence."""
    words = {
        dict: "an object",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return words.get(type(value), type(value).__name__)
