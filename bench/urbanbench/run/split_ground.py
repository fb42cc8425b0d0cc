"""What a city gives to a split beyond the label: a column to group by, and the places that have no label."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.city.folder.format import TABLES, UNIT_LAYER
from urbanbench.city.folder.parquet import read_head, read_table
from urbanbench.errors import RunRefused, quoted
from urbanbench.scoring.split import is_split_file
from urbanbench.scoring.splits import read_word
from urbanbench.seeds import generator
from urbanbench.task import unit_positions

if TYPE_CHECKING:
    from urbanbench.city.city import City
    from urbanbench.scoring.targets import Targets

__all__ = ["REGION", "STREET", "group_columns", "targets_for"]

REGION, STREET = "region", "street"
"""Groups that follow from where a unit lies: its region, and the nearest road with a name."""

_FEWEST_PLACES, _MOST_PLACES = 20, 5000
_GRID_PLACES = 2000


def targets_for(word: str, targets: Targets, city: City, label: str) -> Targets:
    """Return the targets with what a split word needs of the city; the targets themselves where it needs nothing.

    Parameters
    ----------
    word
        A split word. ``group:COLUMN`` asks for a column of the label's table or of its units' own table; of units below regions also for
        ``group:region`` and ``group:street``, the nearest road with a name. ``knndm`` asks for the units of the level that have no label
        (at most 5,000 of them), or, where the label leaves out fewer than 20, for some 2,000 places spread evenly over the regions.
    targets, city, label
        The labelled units, their city and the label's name.

    Raises
    ------
    RunRefused
        The city has no such column, or the split needs other cities.
    """
    if is_split_file(word):
        return targets
    name, argument, _ = read_word(word)
    if name == "group" and argument:
        return replace(targets, groups=_groups(targets, city, label, argument))
    if name == "knndm" and not argument:
        return replace(targets, domain=_places(targets, city))
    if name == "city-out":
        msg = f"Split {word!r} trains on other cities. This run has one, {city.name!r}. Mend: use --split block or buffered; targets of several cities are split by `urbanbench.scoring.splits.Splitter`."
        raise RunRefused(msg)
    return targets


def group_columns(city: City, level: str, label: str) -> list[str]:
    """Return what units can be grouped by beside the label's own groups and parcels: columns of text, then region and street."""
    layer = UNIT_LAYER[level]
    own = [TABLES[layer].key, "value", "group", "parcel", "name"]
    found = [column for file in _files(city, layer, label) for column in _texts(city, file)]
    found = [one for one in dict.fromkeys(found) if one not in own]
    if level == "region":
        return found
    return list(dict.fromkeys([*found, REGION, *([STREET] if _named_roads(city)[0].size else [])]))


def _groups(targets: Targets, city: City, label: str, column: str) -> np.ndarray:
    """Return the group of each unit; one without any is a group by itself."""
    layer = UNIT_LAYER[targets.level]
    for file in _files(city, layer, label):
        if column in read_head(city.path, file).names:
            return _of_column(targets, city, file, TABLES[layer].key, column)
    if targets.level != "region" and column == REGION:
        frame = getattr(city, layer)
        return _filled(targets, frame["region_id"].reindex(targets.ids).to_numpy(dtype=object))
    if targets.level != "region" and column == STREET:
        return _streets(targets, city)
    known = quoted(["group", *group_columns(city, targets.level, label)], 12)
    msg = f"City {city.name!r} has no column {column!r} to group {targets.level}s by. Expected one of the label's or the {targets.level}s' table, got none of that name. Known: {known}."
    raise RunRefused(msg)


def _files(city: City, layer: str, label: str) -> list[str]:
    return [city.labels[label].file, city.manifest.tables[layer].file]


def _texts(city: City, file: str) -> list[str]:
    """Return the columns of a table that hold text."""
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    fields = read_schema(city.path / file)
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_dictionary)
    return [one.name for one in fields if any(is_text(one.type) for is_text in text)]


def _of_column(targets: Targets, city: City, file: str, key: str, column: str) -> np.ndarray:
    table = read_table(city.path, file, [key, column])
    known = dict(zip(map(str, table[key].to_pylist()), table[column].to_pylist(), strict=True))
    return _filled(targets, np.array([known.get(one) for one in targets.ids.tolist()], dtype=object))


def _filled(targets: Targets, groups: np.ndarray) -> np.ndarray:
    """Return groups as text; a unit without any gets one of its own."""
    pairs = zip(targets.ids.tolist(), groups.tolist(), strict=True)
    return np.array([f"lone {one}" if _missing(group) else str(group) for one, group in pairs])


def _missing(group: object) -> bool:
    return group is None or group != group  # noqa: PLR0124 - NaN


def _streets(targets: Targets, city: City) -> np.ndarray:
    """Return the name of the road nearest to each unit."""
    import shapely

    names, lines = _named_roads(city)
    if not names.size:
        msg = f"City {city.name!r} has no road with a name. Expected tags 'name' in its roads for split 'group:street'. Mend: use --split group:region or block."
        raise RunRefused(msg)
    return np.asarray(names[shapely.STRtree(lines).nearest(shapely.points(targets.xy))], dtype=np.str_)


def _named_roads(city: City) -> tuple[np.ndarray, np.ndarray]:
    """Return the names and lines of roads that have a name."""
    from urbanbench.city.folder.tags import tag_table

    if "roads" not in city.layers:
        return np.array([]), np.array([])
    named = tag_table(city.roads["tags"]).with_key("name")
    return named.value.astype(np.str_), city.roads.geometry.to_numpy()[named.rows]


def _places(targets: Targets, city: City) -> np.ndarray:
    """Return the places (m, 2) where the label is to be predicted."""
    known = set(targets.ids.tolist())
    without = np.array([one for one in city.unit_ids(targets.level) if one not in known], dtype=object)
    if len(without) < _FEWEST_PLACES:
        return _ground(city)
    if len(without) > _MOST_PLACES:
        rng = generator(0, "split", "knndm", "places")
        without = without[np.sort(rng.choice(len(without), _MOST_PLACES, replace=False))]
    return unit_positions(city, targets.level, without)


def _ground(city: City) -> np.ndarray:
    """Return about 2,000 points of a square grid that lie in regions."""
    import shapely

    shapes = np.asarray(city.regions.geometry)
    step = float(np.sqrt(shapely.area(shapes).sum() / _GRID_PLACES))
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    grid = np.column_stack([x.ravel(), y.ravel()])
    inside = np.unique(shapely.STRtree(shapely.points(grid)).query(shapes, predicate="intersects")[1])
    return np.asarray(grid[inside])
