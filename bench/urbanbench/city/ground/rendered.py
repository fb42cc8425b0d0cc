"""Ground drawn from a city's own roads, buildings and land use: a stand-in where there are no photographs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.city.folder.tags import TagTable, tag_table
from urbanbench.city.ground import Box
from urbanbench.errors import BadInput, LayerMissing

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from urbanbench.city.city import City

__all__ = ["DRAWN", "RenderedMap"]

DRAWN = ("landuse", "buildings", "roads")
"""Layers that can be drawn, from the ground up."""

_SHARPER = 2
"""Pictures are drawn this many times larger and then reduced."""

Colour = tuple[int, int, int]
LAND: Colour = (242, 239, 233)
BUILDING: Colour = (196, 182, 171)
WATER: Colour = (170, 211, 223)
GROUND: dict[str, Colour] = {
    "residential": (224, 223, 223), "commercial": (242, 218, 217), "retail": (255, 214, 209), "industrial": (235, 219, 232),
    "railway": (235, 219, 232), "port": (235, 219, 232), "construction": (199, 199, 180), "farmland": (238, 240, 213),
    "forest": (173, 209, 158), "wood": (173, 209, 158), "scrub": (200, 215, 171), "grass": (205, 235, 176),
    "meadow": (205, 235, 176), "park": (200, 250, 204), "garden": (205, 235, 176), "golf_course": (181, 227, 181),
    "pitch": (170, 224, 203), "nature_reserve": (205, 235, 176), "cemetery": (170, 203, 175), "sand": (245, 233, 198),
    "beach": (255, 241, 186), "wetland": (185, 215, 205), "school": (255, 255, 229), "university": (255, 255, 229),
    "college": (255, 255, 229), "hospital": (255, 255, 229), "parking": (238, 238, 238), "aerodrome": (233, 231, 226),
    "military": (245, 220, 214), "water": WATER, "reservoir": WATER, "basin": WATER, "bay": WATER, "riverbank": WATER,
}  # fmt: skip
"""Colour of what a land-use polygon is, by the value of any of its tags."""

ROADS: dict[str, tuple[float, Colour]] = {
    "motorway": (16, (232, 146, 162)), "trunk": (14, (249, 178, 156)), "primary": (12, (252, 214, 164)),
    "secondary": (10, (247, 250, 191)), "tertiary": (8, (255, 255, 255)), "residential": (6, (255, 255, 255)),
    "unclassified": (6, (255, 255, 255)), "living_street": (6, (255, 255, 255)), "service": (4, (255, 255, 255)),
    "pedestrian": (5, (221, 221, 233)),
}  # fmt: skip
"""Width in metres and colour by class; links count as their class."""

PATH: tuple[float, Colour] = (2.0, (225, 200, 190))
"""Any other way: paths, steps, tracks."""


class RenderedMap:
    """Ground as a map of a city's layers. It tells nothing that the layers do not.

    Parameters
    ----------
    city
        Whose layers are drawn.
    layers
        Some of `DRAWN`; those that the city lacks are left out.

    Raises
    ------
    BadInput
        A layer that cannot be drawn.
    LayerMissing
        The city has none of the layers.
    """

    def __init__(self, city: City, layers: Sequence[str] = DRAWN) -> None:
        import shapely

        strange = [name for name in layers if name not in DRAWN]
        if strange:
            msg = f"Layer {strange[0]!r} cannot be drawn. Expected some of: {', '.join(DRAWN)}."
            raise BadInput(msg)
        self.layers = tuple(name for name in DRAWN if name in layers and name in city.layers)
        if not self.layers:
            raise LayerMissing(city.name, layers[0] if layers else DRAWN[0], city.layers)
        self._drawn = []
        for name in self.layers:
            shapes, styles, order = _STYLES[name](getattr(city, name))
            self._drawn.append((shapes, styles, order, shapely.STRtree(shapes), name == "roads"))
        self.words = f"Not a photograph: a map drawn from the layers {', '.join(self.layers)}. It tells nothing that they do not."

    def picture(self, box: Box, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Show a square of ground; see `Ground.picture`. A map is known everywhere."""
        import shapely
        from PIL import Image, ImageDraw

        side = size * _SHARPER
        scale = side / (box[2] - box[0])
        image = Image.new("RGB", (side, side), LAND)
        draw = ImageDraw.Draw(image)
        frame = shapely.box(*box)
        for shapes, styles, order, tree, lines in self._drawn:
            rows = tree.query(frame)
            for row in rows[np.argsort(order[rows], kind="stable")].tolist():
                if lines:
                    _draw_line(draw, shapes[row], styles[row], box, scale)
                else:
                    _draw_area(draw, shapes[row], styles[row], box, scale)
        return np.asarray(image.reduce(_SHARPER)), np.ones((size, size), dtype=bool)


def _pixels(ring: Any, box: Box, scale: float) -> list[float]:
    import shapely

    points = (shapely.get_coordinates(ring) - (box[0], box[3])) * (scale, -scale)
    flat: list[float] = points.ravel().tolist()
    return flat


def _draw_area(draw: ImageDraw, shape: Any, colour: Colour, box: Box, scale: float) -> None:
    """Draw a polygon; its holes show the land below all layers."""
    for part in getattr(shape, "geoms", [shape]):
        draw.polygon(_pixels(part.exterior, box, scale), fill=colour)
        for hole in part.interiors:
            draw.polygon(_pixels(hole, box, scale), fill=LAND)


def _draw_line(draw: ImageDraw, shape: Any, style: tuple[float, Colour], box: Box, scale: float) -> None:
    width = max(1, round(style[0] * scale))
    draw.line(_pixels(shape, box, scale), fill=style[1], width=width, joint="curve" if width > 3 else None)


def _first_known(table: TagTable, known: dict[str, Any], other: Any) -> list[Any]:
    """Return for every object what is known of the first of its values that is known."""
    found = [other] * table.n
    for row, value in zip(table.rows[::-1].tolist(), table.value[::-1].tolist(), strict=True):
        if value in known:
            found[row] = known[value]
    return found


Styled = tuple[np.ndarray, list[Any], np.ndarray]


def _ground(frame: Any) -> Styled:
    """Large polygons lie below small ones, water above all others; kinds without a colour are not drawn."""
    import shapely

    colours = _first_known(tag_table(frame["tags"]), GROUND, None)
    kept = np.flatnonzero([one is not None for one in colours])
    shapes, chosen = np.asarray(frame.geometry)[kept], [colours[row] for row in kept]
    order = -shapely.area(shapes) + 1e12 * np.array([one == WATER for one in chosen], dtype=float)
    return shapes, chosen, order


def _houses(frame: Any) -> Styled:
    return np.asarray(frame.geometry), [BUILDING] * len(frame), np.arange(len(frame))


def _ways(frame: Any) -> Styled:
    """Draw narrow ways first, so that main roads lie on top."""
    table = tag_table(frame["tags"]).with_key("highway")
    known = {**ROADS, **{f"{name}_link": style for name, style in ROADS.items()}}
    styles = _first_known(table, known, PATH)
    return np.asarray(frame.geometry), styles, np.array([width for width, _ in styles])


_STYLES: dict[str, Callable[[Any], Styled]] = {"landuse": _ground, "buildings": _houses, "roads": _ways}
