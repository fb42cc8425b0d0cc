"""The CRS of a city: proposed from where it lies, and judged by how true its metres are there."""

from __future__ import annotations

from urbanbench.errors import BadInput

__all__ = ["check_crs", "propose_crs"]

MOST_STRETCH = 0.002
"""Most by which a metre of the map may differ from a metre of ground; UTM has 0.0004 in the middle and 0.001 at the zone's edge."""

_HALF_TURN = 180.0
_UTM_SOUTH, _UTM_NORTH = -80.0, 84.0


def propose_crs(box: tuple[float, float, float, float]) -> str:
    """Return the UTM zone that holds the middle of a box.

    Where a city reaches over the zone's edge, the zone goes on being used as long as its metres are true to 0.2 percent.

    Parameters
    ----------
    box
        (west, south, east, north) in degrees.

    Returns
    -------
    str
        Such as "EPSG:32635".

    Raises
    ------
    BadInput
        The box reaches across the date line or beyond UTM's latitudes, or is too wide for one zone.

    Examples
    --------
    >>> propose_crs((24.9, 60.1, 25.0, 60.2)), propose_crs((-76.61, 39.25, -76.52, 39.31)), propose_crs((-70.7, -33.5, -70.6, -33.4))
    ('EPSG:32635', 'EPSG:32618', 'EPSG:32719')
    """
    west, south, east, north = box
    _check_side(west, east)
    if south < _UTM_SOUTH or north > _UTM_NORTH:
        msg = f"The regions reach from latitude {south:.2f} to {north:.2f}, where there is no UTM zone. Mend: name a projected CRS in metres with --crs EPSG:CODE"
        raise BadInput(msg)
    zone = min(int((0.5 * (west + east) + _HALF_TURN) // 6) + 1, 60)
    found = f"EPSG:{(32600 if south + north >= 0 else 32700) + zone}"
    check_crs(found, box, "The proposed CRS")
    return found


def check_crs(crs: str, box: tuple[float, float, float, float], word: str = "--crs") -> None:
    """Check that a CRS is projected, in metres, and true to 0.2 percent at the corners and the middle of a box.

    Raises
    ------
    BadInput
        It is not.
    """
    _check_side(box[0], box[2])
    from pyproj import CRS, Proj
    from pyproj.exceptions import CRSError, ProjError

    try:
        known = CRS.from_user_input(crs)
    except CRSError as error:
        msg = f"{word} got {crs!r}, which is unknown. Expected a projected CRS in metres such as EPSG:32635."
        raise BadInput(msg) from error
    unit = known.axis_info[0].unit_name if known.axis_info else ""
    if not known.is_projected or unit not in {"metre", "meter"}:
        msg = f"{word} got {crs!r} ({known.name}, {unit or 'no unit'}). Expected a projected CRS in metres such as {propose_crs(box)}."
        raise BadInput(msg)
    west, south, east, north = box
    places = [
        (x, y) for x in (west, 0.5 * (west + east), east) for y in (south, 0.5 * (south + north), north)
    ]
    try:
        facts = [Proj(known).get_factors(x, y, errcheck=True) for x, y in places]
        stretch = max(max(abs(one.meridional_scale - 1), abs(one.parallel_scale - 1)) for one in facts)
    except ProjError:
        stretch = float("inf")
    if not stretch <= MOST_STRETCH:
        amount = f"off by {stretch:.1%}" if stretch < 1 else "far off"
        msg = f"{word} {crs} ({known.name}) has metres that are {amount} at longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}. Expected at most {MOST_STRETCH:.1%}. Mend: name a national grid with --crs EPSG:CODE, or build a smaller area."
        raise BadInput(msg)


def _check_side(west: float, east: float) -> None:
    if east - west > _HALF_TURN:
        msg = f"The regions reach from longitude {west:.2f} to {east:.2f}. Expected a city on one side of the date line: the map around its halves is read as one box. Mend: build the two sides as two cities."
        raise BadInput(msg)
