"""Which regions a city gets, in which CRS, with the map around them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.build.crs import check_crs, propose_crs
from urbanbench.build.files import read_vector
from urbanbench.build.map.objects import Box, MapObjects, MapSource
from urbanbench.build.order import BLOCKS, Order
from urbanbench.build.regions.blocks import block_regions
from urbanbench.build.regions.cells import grid_regions, h3_regions
from urbanbench.build.regions.drawn import drawn_regions
from urbanbench.build.regions.sizes import within_sizes
from urbanbench.build.shapes import ground_km2, polygons_of
from urbanbench.errors import BadInput

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanbench.build.report import Report

__all__ = ["choose_regions"]

_LEAST_INSIDE = 0.5
"""Share of a region that has to lie in the area of the map."""

_DEGREE_M = 100_000.0
"""A little less than the metres of a degree of latitude: margins in degrees come out wide enough."""


def choose_regions(
    order: Order, source: MapSource | None, report: Report
) -> tuple[gpd.GeoDataFrame, str, MapObjects | None]:
    """Read or make the regions, settle the CRS, and read the map around them.

    Parameters
    ----------
    order
        What is asked for.
    source
        The map; None for a city of regions and labels alone.
    report
        Told what was read, dropped and mended.

    Returns
    -------
    regions
        Index region_id, sorted; name, geometry in longitude and latitude.
    crs
        The city's CRS.
    objects
        What the map holds there; None without one.

    Raises
    ------
    DataMissing, BadInput, ExtraMissing
        Of the files; no area to build; a CRS that does not fit.
    """
    area = _area(order, source)
    if not order.made_regions:
        regions = _inside(_drawn(order, report), area, report)
        crs = _crs(order, _bounds(regions))
        regions = within_sizes(regions, crs, order.least_km2, order.most_km2, report)
        return regions, crs, _objects(order, source, _bounds(regions), report)
    if area is None:
        msg = f"--regions {order.regions} needs an area, and the map states no box. Mend: --within W,S,E,N in degrees, or --within FILE"
        raise BadInput(msg)
    crs = _crs(order, area.bounds)
    objects = _objects(order, source, area.bounds, report)
    regions = within_sizes(
        _made(order, area, crs, objects, report), crs, order.least_km2, order.most_km2, report
    )
    report.add("regions", "read", f"made as {order.regions}", count=len(regions))
    return regions, crs, objects


def _drawn(order: Order, report: Report) -> gpd.GeoDataFrame:
    return drawn_regions(
        Path(order.regions),
        report,
        id_column=order.id_column,
        name_column=order.name_column,
        layer=order.layer,
        file_crs=order.file_crs,
    )


def _made(order: Order, area: Any, crs: str, objects: MapObjects | None, report: Report) -> gpd.GeoDataFrame:
    if order.regions == BLOCKS and objects is not None:
        return block_regions(area, objects.layers["roads"], crs, report)
    kind, _, size = order.regions.partition(":")
    try:
        number = float(size)
    except ValueError as error:
        msg = f"--regions got {order.regions!r}. Expected a number after the colon: grid:500 (metres) or h3:9 (resolution)."
        raise BadInput(msg) from error
    if kind == "grid":
        return grid_regions(area, number, crs)
    return h3_regions(area, int(number) if number.is_integer() else -1)


def _area(order: Order, source: MapSource | None) -> Any:
    """Return the area to build in longitude and latitude: what the user says, else the map's box, else None."""
    import shapely

    if order.within:
        parts = order.within.split(",")
        return _box(order.within, parts) if len(parts) == 4 else _outline(Path(order.within))
    box = source.box() if source is not None else None
    return None if box is None else shapely.box(*box)


def _box(word: str, parts: list[str]) -> Any:
    import shapely

    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        msg = f"--within got {word!r}. Expected four numbers W,S,E,N in degrees, or a vector file."
        raise BadInput(msg) from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        msg = f"--within got {word!r}. Expected west < east and south < north, in degrees: longitude first."
        raise BadInput(msg)
    return shapely.box(west, south, east, north)


def _outline(path: Path) -> Any:
    import shapely

    frame = read_vector(path, "--within")
    whole = polygons_of(
        shapely.union_all([one for one in map(polygons_of, frame.geometry) if one is not None])
    )
    if whole is None:
        msg = f"{path.name}: expected a polygon for --within, found none."
        raise BadInput(msg)
    return whole


def _inside(regions: gpd.GeoDataFrame, area: Any, report: Report) -> gpd.GeoDataFrame:
    import shapely

    if area is None:
        return regions
    shapes = regions.geometry.to_numpy()
    share = ground_km2(shapely.intersection(shapes, area)) / ground_km2(shapes)
    outside = share < _LEAST_INSIDE
    report.add(
        "regions", "dropped", "less than half of it lies in the area of the map", ids=regions.index[outside]
    )
    if outside.all():
        west, south, east, north = regions.total_bounds
        msg = f"None of {len(regions)} regions (longitude {west:.3f} to {east:.3f}, latitude {south:.3f} to {north:.3f}) lies in the area of the map ({', '.join(f'{edge:.3f}' for edge in area.bounds)}). Expected both of one place. Mend: fetch the extract of this place, or name the area with --within."
        raise BadInput(msg)
    return regions[~outside]


def _crs(order: Order, box: Box) -> str:
    if order.crs:
        check_crs(order.crs, box)
    return order.crs or propose_crs(box)


def _bounds(regions: gpd.GeoDataFrame) -> Box:
    west, south, east, north = (float(edge) for edge in regions.total_bounds)
    return west, south, east, north


def _objects(order: Order, source: MapSource | None, box: Box, report: Report) -> MapObjects | None:
    """Read the map in the box and as far around it as objects are kept."""
    import math

    if source is None:
        return None
    west, south, east, north = box
    up = order.reach_m / _DEGREE_M
    across = up / max(math.cos(math.radians(max(abs(south), abs(north)))), 1e-3)
    return source.read((west - across, south - up, east + across, north + up), report)
