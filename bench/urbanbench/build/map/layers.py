"""From a map to the layers of a city: what lies at the regions, in the shapes that the format wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from urbanbench.build.map.objects import MAP_LAYERS, MapObjects

if TYPE_CHECKING:
    import geopandas as gpd
    import pyarrow as pa

    from urbanbench.build.report import Report

__all__ = ["city_layers"]

_AT_ONCE = 50_000
"""Rows whose shapes are decoded at a time."""


def city_layers(
    objects: MapObjects, regions: gpd.GeoDataFrame, crs: str, reach_m: float, report: Report
) -> dict[str, pa.Table]:
    """Keep of a map's layers what lies within reach of a region.

    A building of several polygons becomes several buildings. Roads and land use are kept whole.

    Parameters
    ----------
    objects
        What was read; its tables are taken out.
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
    found = objects.layers
    found["buildings"] = _parts(found["buildings"], report)
    found["landuse"] = _single(found["landuse"])
    layers = {name: _finished(name, found.pop(name), near, report) for name in MAP_LAYERS}
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


def _wkb(table: pa.Table) -> np.ndarray:
    return np.asarray(table["wkb"].to_numpy(), dtype=object)


def _with_wkb(table: pa.Table, shapes: np.ndarray) -> pa.Table:
    import pyarrow as pa
    import shapely

    column = pa.array(shapely.to_wkb(shapes).tolist(), pa.binary())
    return table.set_column(table.column_names.index("wkb"), "wkb", column)


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


def _finished(name: str, table: pa.Table, near: _Near, report: Report) -> pa.Table:
    """Keep what is near, each id once, sorted by id."""
    import pyarrow as pa
    import pyarrow.compute as pc

    close = np.flatnonzero(near(table))
    why = f"within {near.reach_m:g} m of a region"
    report.add(name, "dropped", f"not {why}", count=table.num_rows - len(close))
    ids = table["id"].take(pa.array(close))
    order = pc.sort_indices(ids)
    ids = ids.take(order).combine_chunks()
    twice = np.zeros(len(close), dtype=bool)
    twice[1:] = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    report.add(
        name, "dropped", "the file holds the object twice", ids=ids.filter(pa.array(twice)).to_pylist()
    )
    del ids
    report.add(name, "kept", why, count=int((~twice).sum()))
    return table.take(pa.array(close[order.to_numpy()][~twice]))
