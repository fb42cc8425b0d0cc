"""Whether the parts of a city fit each other: layers the regions, the CRS the place, regions one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanbench.city.faults.overlap import overlap_faults
from urbanbench.city.folder.geometry import EXCHANGE, EXCHANGED
from urbanbench.city.folder.membership import region_of_points

__all__ = [
    "AREA_MARGIN",
    "LENGTH_TOLERANCE",
    "SHAPE_TOLERANCE",
    "fit_faults",
    "outside_note",
    "regions_fit_faults",
]

LENGTH_TOLERANCE = 0.02
"""How far from 1 the scale of lengths may be at the regions' centre; neighbouring UTM zones and national grids stay below 0.02."""

SHAPE_TOLERANCE = 0.05
"""How far from 1 the scale may be in any one direction: equal-area projections of a continent stretch one and shrink another."""

AREA_MARGIN = 6.0
"""Degrees that the regions' centre may lie outside of the area that their CRS is made for: as far as the next UTM zone."""

_FIRST = 1000
"""Geometries of a layer that are asked first whether they meet a region; then ten times as many, and so on."""


def regions_fit_faults(file: str, regions: Any, *, crs: str, overlapping: bool) -> list[str]:
    """Judge regions against their CRS and against one another.

    Parameters
    ----------
    file
        The regions' file, for sentences.
    regions
        Frame without other faults, in the city's CRS.
    crs
        The city's CRS.
    overlapping
        Whether regions may overlap on purpose.
    """
    faults = [] if overlapping else overlap_faults(file, regions)
    return _crs_faults(regions, crs) + faults


def _crs_faults(regions: Any, crs: str) -> list[str]:
    import shapely
    from pyproj import CRS, Proj, Transformer

    middle = np.median(shapely.get_coordinates(shapely.centroid(np.asarray(regions.geometry))), axis=0)
    known = CRS.from_user_input(crs)
    lon, lat = Transformer.from_crs(known, "EPSG:4326", always_xy=True).transform(*middle)
    found = _distortion(Proj(known).get_factors(lon, lat))
    area = known.area_of_use
    if not found and area is not None and _degrees_outside(known, lon, lat) > AREA_MARGIN:
        found = f"is made for another area ({area.name[:80]})"
    if not found:
        return []
    there = _degrees_outside(known, lon, lat) > _degrees_outside(known, lat, lon) == 0
    mend = EXCHANGE if there else f"Name a CRS of this place, such as {_utm_zone(lon, lat)!r}."
    return [
        f"city.json: 'crs': expected a CRS that keeps lengths at the regions' centre (longitude {lon:.4f}, latitude {lat:.4f}), found {crs!r}, which {found}{f'; {EXCHANGED}' if there else ''}. {mend}"
    ]


def _distortion(factors: Any) -> str:
    """Say how a projection distorts a place; "" where it hardly does."""
    length = np.sqrt(factors.areal_scale)
    long, short = factors.tissot_semimajor, factors.tissot_semiminor
    if abs(length - 1) <= LENGTH_TOLERANCE and max(abs(long - 1), abs(short - 1)) <= SHAPE_TOLERANCE:
        return ""
    if abs(length - 1) <= LENGTH_TOLERANCE:
        return (
            f"makes lengths {long:.3g} times what they are in one direction and {short:.3g} times in another"
        )
    return f"makes lengths {length:.3g} times and areas {factors.areal_scale:.3g} times what they are"


def _degrees_outside(crs: Any, lon: float, lat: float) -> float:
    """Return how far a place lies outside of the area that a CRS is made for, 0 within it and where no area is stated."""
    area = crs.area_of_use
    if area is None:
        return 0.0
    width = (area.east - area.west) % 360 or 360.0
    east_of = (lon - area.west) % 360
    beside = 0.0 if east_of <= width else min(east_of - width, 360 - east_of)
    return float(max(beside, area.south - lat, lat - area.north))


def _utm_zone(lon: float, lat: float) -> str:
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{326 if lat >= 0 else 327}{zone:02d}"


def fit_faults(file: str, frame: Any, regions: Any) -> list[str]:
    """Tell a layer none of whose geometries meets a region.

    Parameters
    ----------
    file
        The layer's file, for sentences.
    frame
        Frame without faults of geometry, in the city's CRS.
    regions
        Frame of the regions.
    """
    geometry, places = np.asarray(frame.geometry), np.asarray(regions.geometry)
    if not len(geometry) or _any_meets(geometry, places):
        return []
    exchanged = _meet_exchanged(geometry, places, str(regions.crs))
    hint = f"; {EXCHANGED}" if exchanged else ""
    mend = (
        EXCHANGE
        if exchanged
        else "Take the layer of the same place, in longitude and latitude: frame.to_crs(4326)."
    )
    return [
        f"{file}: column 'geometry': expected rows that meet the regions, found {len(geometry)} of which none does, {_distance_km(geometry, places):,.0f} km away{hint}. {mend}"
    ]


def _any_meets(geometry: np.ndarray, regions: np.ndarray) -> bool:
    import shapely

    tree = shapely.STRtree(regions)
    start, size = 0, _FIRST
    while start < len(geometry):
        if len(tree.query(geometry[start : start + size], predicate="intersects")[0]):
            return True
        start, size = start + size, size * 10
    return False


def _distance_km(geometry: np.ndarray, regions: np.ndarray) -> float:
    """Return the distance between the boxes around two sets of geometries, in km."""
    import shapely

    one, other = (shapely.box(*shapely.total_bounds(some)) for some in (geometry, regions))
    return float(shapely.distance(one, other)) / 1000


def _meet_exchanged(geometry: np.ndarray, regions: np.ndarray, crs: str) -> bool:
    """Tell whether the first geometries would lie in the box around the regions if longitude and latitude changed places."""
    import shapely
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*shapely.get_coordinates(shapely.centroid(geometry[:_FIRST])).T)
    there = np.column_stack(to_degrees.transform(lat, lon, direction="INVERSE"))
    west, south, east, north = shapely.total_bounds(regions)
    with np.errstate(invalid="ignore"):
        return bool(((there >= (west, south)) & (there <= (east, north))).all(axis=1).any())


def outside_note(file: str, frame: Any, regions: Any) -> str:
    """Say which share of a layer's places lies outside of all regions; "" for none.

    Parameters
    ----------
    file
        The layer's file.
    frame
        Frame of points or buildings without faults; of buildings the centroid counts.
    regions
        Frame of the regions.
    """
    import shapely

    points = shapely.centroid(np.asarray(frame.geometry))
    outside = np.array([one is None for one in region_of_points(points, regions)], dtype=bool)
    if not outside.any():
        return ""
    box = shapely.box(*shapely.total_bounds(np.asarray(regions.geometry)))
    away = float(shapely.distance(points[outside], box).max()) / 1000
    share, count = outside.mean(), int(outside.sum())
    return f"{file}: {count:,} of {len(outside):,} rows ({share:.2%}) lie outside of all regions, up to {away:,.1f} km from the box around them; they count for no region."
