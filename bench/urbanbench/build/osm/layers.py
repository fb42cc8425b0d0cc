"""From an extract to the layers of a city: what lies at the regions, in the shapes that the format wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.build.osm.heights import LEVEL_M, measured
from urbanbench.build.osm.kinds import is_building, is_landuse, is_place_area

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa

    from urbanbench.build.osm.read import Extract
    from urbanbench.build.report import Report

__all__ = ["city_layers"]

_AT_ONCE = 50_000
"""Rows whose shapes are decoded at a time."""


def city_layers(
    extract: Extract, regions: gpd.GeoDataFrame, crs: str, reach_m: float, report: Report
) -> dict[str, pa.Table]:
    """Make `pois`, `buildings`, `roads` and `landuse` of what lies within reach of a region.

    A place mapped as an area becomes a point in its middle, or on it where the middle lies outside. A building of several polygons becomes several
    buildings. Roads and land use are kept whole.

    Parameters
    ----------
    extract
        What was read.
    regions
        In longitude and latitude.
    crs
        The city's CRS, in which `reach_m` is measured.
    reach_m
        How far from the regions things are kept, in metres.
    report
        Told what was kept and dropped.

    Returns
    -------
    dict
        Layer name to its table with `id`, `tags`, `wkb` (longitude and latitude), sorted by id; empty layers are left out. Buildings have
        `height_m`.
    """
    near = _Near(regions, crs, reach_m)
    kinds = (is_building, is_landuse, is_place_area)
    building, landuse, place = _answers(extract.areas, kinds)
    made = {
        "pois": _stacked(extract.nodes, _points(_where(extract.areas, place))),
        "buildings": _parts(_where(extract.areas, building), report),
        "roads": extract.roads,
        "landuse": _single(_where(extract.areas, landuse)),
    }
    del building, landuse, place
    layers = {name: _finished(name, made.pop(name), near, report) for name in list(made)}
    _tell(layers, report)
    return {name: table for name, table in layers.items() if table.num_rows}


class _Near:
    """Asks whether shapes in longitude and latitude lie within reach of a region."""

    def __init__(self, regions: gpd.GeoDataFrame, crs: str, reach_m: float) -> None:
        import shapely
        from pyproj import Transformer

        self._project = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        self._tree = shapely.STRtree(np.asarray(regions.geometry.to_crs(crs)))
        self.reach_m = reach_m

    def __call__(self, table: pa.Table) -> np.ndarray:
        """Answer for the shapes of a table, bool (n,)."""
        import shapely

        answers = [np.empty(0, dtype=bool)]
        for batch in table.select(["wkb"]).to_batches(max_chunksize=_AT_ONCE):
            placed = shapely.transform(
                shapely.from_wkb(batch["wkb"].to_numpy(zero_copy_only=False)),
                lambda xy: np.column_stack(self._project.transform(xy[:, 0], xy[:, 1])),
            )
            hit, _ = self._tree.query(placed, predicate="dwithin", distance=self.reach_m)
            answers.append(np.isin(np.arange(len(placed)), hit))
        return np.concatenate(answers)


def _tags_of(table: pa.Table) -> Iterator[dict[str, str]]:
    """Give the tags of every row, without all of them in memory."""
    for batch in table.select(["tags"]).to_batches(max_chunksize=_AT_ONCE):
        yield from map(dict, batch["tags"].to_pylist())


def _answers(table: pa.Table, questions: Sequence[Callable[[dict[str, str]], bool]]) -> np.ndarray:
    """Ask questions of every row's tags, bool (q, n)."""
    rows = (tuple(ask(one) for ask in questions) for one in _tags_of(table))
    return np.array(list(rows), dtype=bool).reshape(-1, len(questions)).T


def _where(table: pa.Table, keep: np.ndarray) -> pa.Table:
    import pyarrow as pa

    return table.filter(pa.array(keep))


def _wkb(table: pa.Table) -> np.ndarray:
    return np.asarray(table["wkb"].to_numpy(), dtype=object)


def _with_wkb(table: pa.Table, shapes: np.ndarray) -> pa.Table:
    import pyarrow as pa
    import shapely

    column = pa.array(shapely.to_wkb(shapes).tolist(), pa.binary())
    return table.set_column(table.column_names.index("wkb"), "wkb", column)


def _points(areas: pa.Table) -> pa.Table:
    import shapely

    shapes = shapely.from_wkb(_wkb(areas))
    middle = shapely.centroid(shapes)
    outside = ~shapely.intersects(shapes, middle)
    middle[outside] = shapely.point_on_surface(shapes[outside])
    return _with_wkb(areas.select(["id", "tags", "wkb"]), middle)


def _parts(buildings: pa.Table, report: Report) -> pa.Table:
    """Take buildings of several polygons apart: ``r7`` becomes ``r7_1``, ``r7_2``, …"""
    import pyarrow as pa
    import shapely

    parts, row = shapely.get_parts(shapely.from_wkb(_wkb(buildings)), return_index=True)
    many = np.bincount(row, minlength=buildings.num_rows)
    ids = buildings["id"].to_pylist()
    report.add(
        "buildings",
        "mended",
        "buildings of several polygons, taken apart",
        ids=[ids[k] for k in np.flatnonzero(many > 1)],
    )
    place = np.arange(len(row)) - np.searchsorted(row, row) + 1
    names = [ids[k] if many[k] == 1 else f"{ids[k]}_{n}" for k, n in zip(row, place, strict=True)]
    apart = buildings.take(pa.array(row)).set_column(0, "id", pa.array(names, pa.string()))
    return _with_wkb(apart, parts)


def _single(areas: pa.Table) -> pa.Table:
    """Write multipolygons of one part as polygons."""
    import shapely

    shapes = shapely.from_wkb(_wkb(areas))
    alone = shapely.get_num_geometries(shapes) == 1
    shapes[alone] = shapely.get_geometry(shapes[alone], 0)
    return _with_wkb(areas.select(["id", "tags", "wkb"]), shapes)


def _stacked(*tables: pa.Table) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(tables)


def _finished(name: str, table: pa.Table, near: _Near, report: Report) -> pa.Table:
    """Keep what is near, each id once, sorted by id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    close = np.flatnonzero(near(table))
    why = f"within {near.reach_m:g} m of a region"
    report.add(name, "dropped", f"not {why}", count=table.num_rows - len(close))
    ids = table["id"].take(pa.array(close))
    order = pc.sort_indices(ids)
    sorted_ids = ids.take(order).to_numpy()
    twice = np.zeros(len(close), dtype=bool)
    twice[1:] = sorted_ids[1:] == sorted_ids[:-1]
    report.add(name, "dropped", "the file holds the object twice", ids=sorted_ids[twice])
    report.add(name, "kept", why, count=int((~twice).sum()))
    return table.take(pa.array(close[order.to_numpy()][~twice]))


def _tell(layers: dict[str, Any], report: Report) -> None:
    for why, count in _heights(layers["buildings"]).items():
        report.add("buildings", "read", why, count=count)
    routes = sum("bus_routes" in one for one in _tags_of(layers["roads"]))
    report.add("roads", "read", "pieces with bus routes", count=routes)


def _heights(buildings: pa.Table) -> dict[str, int]:
    questions = (lambda one: measured(one) is not None, lambda one: one["building"] != "yes")
    by_tag, typed = (int(one.sum()) for one in _answers(buildings, questions))
    known = len(buildings) - buildings["height_m"].null_count
    return {
        "with a height from `height`": by_tag,
        f"with a height from `building:levels`, {LEVEL_M:g} m each": known - by_tag,
        "with a type (building=* other than yes)": typed,
    }
