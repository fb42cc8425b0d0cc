"""Whether the parts of a city fit each other: layers the regions, the CRS the place, regions one another."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanbench.city.faults.overlap import overlap_faults
from urbanbench.city.folder.geometry import EXCHANGE, EXCHANGED
from urbanbench.city.folder.marks import noted
from urbanbench.city.folder.membership import region_of_points

__all__ = [
    "AREA_MARGIN",
    "LEAST_M2",
    "LENGTH_TOLERANCE",
    "SHAPE_TOLERANCE",
    "fit_faults",
    "metric_crs",
    "outside_note",
    "place_note",
    "regions_fit_faults",
]

LENGTH_TOLERANCE = 0.02
"""How far from 1 the scale of lengths may be at the regions' centre; neighbouring UTM zones and national grids stay below 0.02."""

SHAPE_TOLERANCE = 0.05
"""How far from 1 the scale may be in any one direction: equal-area projections of a continent stretch one and shrink another."""

AREA_MARGIN = 6.0
"""Degrees that the regions' centre may lie outside of the area that their CRS is made for: as far as the next UTM zone."""

LEAST_M2 = 0.01
"""Square metres that a region has at least: densities are divided by them."""

_UTM_SOUTH, _UTM_NORTH = -80.0, 84.0
"""Latitudes between which there are UTM zones."""

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
    flat = _area_faults(file, regions)
    crossed = [] if overlapping or flat else overlap_faults(file, regions)
    return _crs_faults(regions, crs) + flat + crossed


def _area_faults(file: str, regions: Any) -> list[str]:
    import shapely

    bad = ~(shapely.area(np.asarray(regions.geometry)) >= LEAST_M2)
    expected, found = f"regions of {LEAST_M2:g} m² or more", "regions without an area in the city's CRS"
    return noted(
        file, "geometry", regions.index, bad, expected, found, "Remove these rows, or draw them anew."
    )


def _crs_faults(regions: Any, crs: str) -> list[str]:
    from pyproj import CRS, Proj, Transformer

    known = CRS.from_user_input(crs)
    places = _places(regions)
    lon, lat = Transformer.from_crs(known, "EPSG:4326", always_xy=True).transform(*places.T)
    factors = Proj(known).get_factors(lon, lat)
    found = _distortion(factors, 0, LENGTH_TOLERANCE)
    area = known.area_of_use
    if not found and area is not None and _degrees_outside(known, lon[0], lat[0]) > AREA_MARGIN:
        found = f"is made for another area ({area.name[:80]})"
    if found:
        return [_crs_fault(known, crs, lon[0], lat[0], found)]
    for place in range(1, len(places)):
        found = _distortion(factors, place, SHAPE_TOLERANCE)
        if found:
            return [
                f"city.json: 'crs': expected a CRS that keeps lengths at all regions (longitude {lon[place]:.4f}, latitude {lat[place]:.4f}), found {crs!r}, which {found} there. Name a CRS made for an area so wide, or make several cities of it."
            ]
    return []


def _places(regions: Any) -> np.ndarray:
    """Return the middle of the regions, and the centroids farthest west, south, east and north, float64 (5, 2)."""
    import shapely

    centres = shapely.get_coordinates(shapely.centroid(np.asarray(regions.geometry)))
    outer = np.concatenate([centres.argmin(axis=0), centres.argmax(axis=0)])
    return np.vstack([np.median(centres, axis=0), centres[outer]])


def _crs_fault(known: Any, crs: str, lon: float, lat: float, found: str) -> str:
    there = _degrees_outside(known, lon, lat) > _degrees_outside(known, lat, lon) == 0
    mend = EXCHANGE if there else f"Name a CRS of this place, such as {metric_crs(lon, lat)!r}."
    return f"city.json: 'crs': expected a CRS that keeps lengths at the regions' centre (longitude {lon:.4f}, latitude {lat:.4f}), found {crs!r}, which {found}{f'; {EXCHANGED}' if there else ''}. {mend}"


def _distortion(factors: Any, place: int, tolerance: float) -> str:
    """Say how a projection distorts a place; "" where it hardly does."""
    areal = float(factors.areal_scale[place])
    length = float(np.sqrt(areal))
    long, short = float(factors.tissot_semimajor[place]), float(factors.tissot_semiminor[place])
    if not np.isfinite([length, long, short]).all():
        return "has no scale"
    if abs(length - 1) <= tolerance and max(abs(long - 1), abs(short - 1)) <= SHAPE_TOLERANCE:
        return ""
    if abs(length - 1) <= tolerance:
        return (
            f"makes lengths {long:.3g} times what they are in one direction and {short:.3g} times in another"
        )
    return f"makes lengths {length:.3g} times and areas {areal:.3g} times what they are"


def _degrees_outside(crs: Any, lon: float, lat: float) -> float:
    """Return how far a place lies outside of the area that a CRS is made for, 0 within it and where no area is stated."""
    area = crs.area_of_use
    if area is None:
        return 0.0
    width = (area.east - area.west) % 360 or 360.0
    east_of = (lon - area.west) % 360
    beside = 0.0 if east_of <= width else min(east_of - width, 360 - east_of)
    return float(max(beside, area.south - lat, lat - area.north))


def metric_crs(lon: float, lat: float) -> str:
    """Return the UTM zone of a place, and beyond UTM's latitudes the polar CRS that goes with it (UPS).

    Examples
    --------
    >>> metric_crs(24.9, 60.2), metric_crs(180.0, -17.0), metric_crs(0.0, -89.0)
    ('EPSG:32635', 'EPSG:32701', 'EPSG:32761')
    """
    north = lat >= 0
    if not _UTM_SOUTH <= lat <= _UTM_NORTH:
        return "EPSG:32661" if north else "EPSG:32761"
    zone = int((lon + 180) // 6) % 60 + 1
    return f"EPSG:{326 if north else 327}{zone:02d}"


def place_note(file: str, shapes: np.ndarray) -> str:
    """Say where regions lie and which CRS would fit them; "" where they lie nowhere.

    Parameters
    ----------
    file
        The regions' file.
    shapes
        Shapely geometries (n,) in longitude and latitude.
    """
    import shapely

    lon, lat = (
        np.median(shapely.get_coordinates(shapely.centroid(shapes)).reshape(-1, 2), axis=0)
        if len(shapes)
        else (np.nan, np.nan)
    )
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        return ""
    return f"{file}: lies around longitude {lon:.4f}, latitude {lat:.4f}, where {metric_crs(lon, lat)!r} keeps lengths."


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
