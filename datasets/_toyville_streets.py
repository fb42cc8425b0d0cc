"""Street views of toyville: three points a region, on its streets, looking east, south, west and north.

The scene follows the plan at the point: bearing and width of the street, the block types on both sides, water and open
country. What the facades, trees and cars look like follows the statistics the region shows in the street.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from PIL import Image

from urbanbench.datasets._toyville_facades import STYLES, Look, Luck, plain_floors
from urbanbench.datasets._toyville_latents import TYPES, Latents
from urbanbench.datasets._toyville_plan import Floats, Ints, Plan, stream
from urbanbench.datasets._toyville_roads import WIDTH_M, Roads
from urbanbench.datasets._toyville_scenery import Painter, Wall, blend, shade
from urbanbench.datasets._toyville_writing import ids, write_geo

POINTS_A_REGION = 3
HEADINGS = {"east": 0.0, "south": -90.0, "west": 180.0, "north": 90.0}
"""Column -> direction of view in degrees from the east, counter-clockwise."""
COUNTRY, WATER = "country", "water"


@dataclass(frozen=True)
class Points:
    """One row per point of view.

    Attributes
    ----------
    region
        Row of the region, (n,).
    xy
        Position, (n, 2), metres; just inside the region.
    bearing
        Direction of the street in degrees from the east, counter-clockwise, (n,).
    width_m
        Width of the street, (n,).
    left, right
        Rows of the blocks to the left and right of the bearing, (n,); -1 is country, -2 is water.
    """

    region: Ints
    xy: Floats
    bearing: Floats
    width_m: Floats
    left: Ints
    right: Ints


def choose_points(plan: Plan, latents: Latents, roads: Roads) -> Points:
    """Choose points on the southern and western streets of each region's blocks."""
    rng = stream(plan.seed, "street points")
    count = len(plan.block_ij)
    block, upright = np.tile(np.arange(count), 2), np.repeat([0, 1], count)
    i, j = plan.block_ij[block].T
    kind = roads.edge_kind[upright, i, j]
    usable = np.flatnonzero((kind >= 0) & ~latents.missing["street_view"][plan.block_region[block]])
    order = usable[np.lexsort((rng.random(len(usable)), plan.block_region[block[usable]]))]
    region = plan.block_region[block[order]]
    rank = np.arange(len(order)) - np.searchsorted(region, region)
    rows = order[rank < POINTS_A_REGION]
    block, upright, i, j = block[rows], upright[rows], i[rows], j[rows]
    start, end = (
        plan.nodes[i, j],
        np.where((upright == 0)[:, None], plan.nodes[i + 1, j], plan.nodes[i, j + 1]),
    )
    bend = np.where((upright == 0)[:, None], plan.mid_h[i, j], plan.mid_v[i, j])
    share = rng.uniform(0.2, 0.8, (len(rows), 1))
    ahead = end - start
    # One metre and a half into the block, so the point lies in its region and not on the border.
    inwards = np.where((upright == 0)[:, None], 1, -1) * np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    inwards /= np.linalg.norm(inwards, axis=1, keepdims=True)
    xy = (
        start
        + (bend - start) * np.minimum(2 * share, 1)
        + (end - bend) * np.maximum(2 * share - 1, 0)
        + 1.5 * inwards
    )
    other = _neighbour(plan, i - upright, j - 1 + upright)
    return Points(
        region=plan.block_region[block],
        xy=xy,
        bearing=np.degrees(np.arctan2(ahead[:, 1], ahead[:, 0])),
        width_m=WIDTH_M[kind[rows]],
        left=np.where(upright == 0, block, other),
        right=np.where(upright == 0, other, block),
    )


def _neighbour(plan: Plan, i: Ints, j: Ints) -> Ints:
    """Return the block at a lattice place, -1 for country and -2 for water."""
    inside = (i >= 0) & (j >= 0)
    i, j = np.maximum(i, 0), np.maximum(j, 0)
    return np.where(
        inside & (plan.block_at[i, j] >= 0), plan.block_at[i, j], np.where(plan.water[i, j] & inside, -2, -1)
    )


def draw_street_views(folder: Path, plan: Plan, latents: Latents, roads: Roads) -> None:
    """Draw four pictures a point and write street_views.parquet."""
    (folder / "street_views").mkdir()
    points = choose_points(plan, latents, roads)
    rng = stream(plan.seed, "street pictures")
    luck = rng.random((len(points.region), len(HEADINGS), 400))
    views = ids("v", len(points.region)).to_pylist()
    paths: dict[str, list[str]] = {
        name: [f"street_views/{view}_{name}.png" for view in views] for name in HEADINGS
    }
    sides = [*TYPES, WATER, COUNTRY]
    types = np.append(latents.block_type, [len(TYPES), len(TYPES) + 1])
    for row, region in enumerate(points.region.tolist()):
        look = _look(latents, region)
        left, right = (sides[types[side[row]]] for side in (points.left, points.right))
        for place, (name, heading) in enumerate(HEADINGS.items()):
            turned = (heading - points.bearing[row] + 180) % 360 - 180
            picture = _picture(
                look,
                float(turned),
                (left, right),
                float(points.width_m[row]),
                iter(luck[row, place].tolist()),
            )
            picture.save(folder / paths[name][row], compress_level=4)
    region_ids = np.array(plan.region_ids, dtype=object)[points.region]
    columns = {"view_id": pa.array(views, pa.string()), "region_id": pa.array(region_ids, pa.string())}
    columns |= {name: pa.array(paths[name], pa.string()) for name in HEADINGS}
    write_geo(folder / "street_views.parquet", columns, shapely.points(points.xy))


def _look(latents: Latents, region: int) -> Look:
    shown = {name: float(latents.shown[name][region]) for name in ("facade", "green", "cars", "storeys")}
    return Look(1 / (1 + exp(-1.3 * shown["facade"])), shown["green"], shown["cars"], shown["storeys"])


def _picture(look: Look, turned: float, sides: tuple[str, str], width_m: float, luck: Luck) -> Image.Image:
    """Draw the view `turned` degrees counter-clockwise from the street's bearing; sides are (left, right)."""
    if abs(turned) < 45:
        return _along(look, turned, sides, width_m, luck)
    if abs(turned) > 135:
        back = turned - 180 if turned > 0 else turned + 180
        return _along(look, back, (sides[1], sides[0]), width_m, luck)
    side = sides[0] if turned > 0 else sides[1]
    return _across(look, side, width_m, luck)


def _backdrop(painter: Painter, look: Look, luck: Luck) -> None:
    sky = blend((120, 168, 226), (168, 192, 214), next(luck))
    lawn = blend((150, 140, 118), (112, 150, 84), 1 / (1 + exp(-1.2 * look.green)))
    painter.backdrop(sky, lawn)


def _along(look: Look, turned: float, sides: tuple[str, str], width_m: float, luck: Luck) -> Image.Image:
    """Look down the street, facades on both sides."""
    painter = Painter(turn=float(np.tan(np.radians(-turned))))
    _backdrop(painter, look, luck)
    half = width_m / 2
    for side, sign in zip(sides, (-1, 1), strict=True):
        if side == WATER:
            shore, far = sign * (half + 2.5), sign * 300.0
            painter.ground(min(shore, far), max(shore, far), 2.0, 300.0, (70, 112, 156))
    painter.ground(-half - 2.5, half + 2.5, 1.0, 120.0, blend((150, 144, 138), (196, 192, 186), look.care))
    painter.ground(-half, half, 1.0, 120.0, shade((96, 96, 100), 0.9 + 0.15 * look.care))
    if width_m > 8:
        for dash in range(8):
            painter.ground(-0.12, 0.12, 3.0 + 6 * dash, 6.0 + 6 * dash, (232, 232, 224))
    for side, sign in zip(sides, (-1, 1), strict=True):
        _row_of_facades(painter, look, side, sign * (half + 2.5), luck)
    for side, sign in zip(sides, (-1, 1), strict=True):
        _trees(painter, look, side, sign * (half + 1.6), luck)
        for _ in range(2):
            z = 7 + 26 * next(luck)
            size, colour = _car(look, luck)
            painter.car(sign * (half - 1.1), z, (0.42 * size[0], size[1]), colour, aside=False)
    return painter.finish()


def _row_of_facades(painter: Painter, look: Look, side: str, edge: float, luck: Luck) -> None:
    """Paint the walls that face the street at x = `edge`, the farthest first."""
    style = STYLES.get(side)
    if style is None:
        return
    sign = 1.0 if edge > 0 else -1.0
    x = edge + sign * style.setback_m
    walls: list[Wall] = []
    z = 2.2
    while z < 70 and len(walls) < 5:
        length = style.length_m * (0.8 + 0.4 * next(luck))
        high = max(1, round(plain_floors(look, luck) * style.floors)) * 3.2 + 0.6
        walls.append(Wall((x, z), (x, z + length), high))
        z += length + style.gap_m * 2 * next(luck)
    for wall in reversed(walls):
        gable = Wall(wall.end, (x + sign * 9, wall.end[1]), wall.high)
        gable.patch(painter, (0, 1), (0, gable.high), (126, 118, 112))
        style.paint(painter, wall, look, luck)


def _trees(painter: Painter, look: Look, side: str, x: float, luck: Luck) -> None:
    """Plant the pavement: the greener the region, the more and the larger the trees; parks and country have more."""
    if side == WATER:
        return
    open_land = side not in STYLES
    many = round(max(0.0, 1.8 + 1.3 * look.green + next(luck) - 0.5)) + 5 * open_land
    places = sorted((6 + 40 * next(luck) for _ in range(min(many, 10))), reverse=True)
    size = 2.6 * exp(0.22 * look.green)
    for z in places:
        away = 14 * next(luck) * open_land
        leaves = shade((58, 112, 50), 0.85 + 0.3 * next(luck))
        painter.tree(x + (away if x > 0 else -away), z, size * (0.8 + 0.4 * next(luck)), leaves)


def _car(look: Look, luck: Luck) -> tuple[tuple[float, float], tuple[int, int, int]]:
    """Return (length, height) in metres and the paint of a parked car."""
    size = exp(0.13 * max(-2.0, min(2.0, look.cars)))
    gloss = 1 / (1 + exp(-1.2 * look.cars))
    old, new = ((134, 98, 74), (24, 26, 34)) if next(luck) < 0.6 else ((150, 146, 120), (214, 216, 222))
    return (4.1 * size, 1.45 * size), blend(old, new, gloss)


def _across(look: Look, side: str, width_m: float, luck: Luck) -> Image.Image:
    """Look at one side of the street."""
    painter = Painter()
    _backdrop(painter, look, luck)
    kerb = width_m / 2 + 2.5
    style = STYLES.get(side)
    if side == WATER:
        painter.ground(-400, 400, kerb + 2.5, 400, (70, 112, 156))
    if style is not None:
        _front(painter, look, side, kerb + 2.5 + style.setback_m + 2, luck)
    painter.ground(-60, 60, kerb, kerb + 2.5, blend((150, 144, 138), (196, 192, 186), look.care))
    painter.ground(-60, 60, 1.0, kerb, shade((96, 96, 100), 0.9 + 0.15 * look.care))
    if side != WATER:
        open_land = style is None
        many = round(max(0.0, 1.0 + 1.0 * look.green + next(luck) - 0.5)) + 4 * open_land
        size = 2.3 * exp(0.22 * look.green)
        for z in sorted((kerb + 1 + 25 * next(luck) * open_land for _ in range(min(many, 9))), reverse=True):
            leaves = shade((58, 112, 50), 0.85 + 0.3 * next(luck))
            painter.tree((2 * next(luck) - 1) * z, z, size * (0.8 + 0.4 * next(luck)), leaves)
    size_m, colour = _car(look, luck)
    painter.car((2 * next(luck) - 1) * 5, kerb - 1.0, size_m, colour, aside=True)
    return painter.finish()


def _front(painter: Painter, look: Look, side: str, z: float, luck: Luck) -> None:
    """Paint the facades of one side, from left to right."""
    style = STYLES[side]
    x = -z - 6 * next(luck)
    while x < z:
        length = style.length_m * (0.8 + 0.4 * next(luck))
        high = max(1, round(plain_floors(look, luck) * style.floors)) * 3.2 + 0.6
        style.paint(painter, Wall((x, z), (x + length, z), high), look, luck)
        x += length + style.gap_m * 2 * next(luck)
