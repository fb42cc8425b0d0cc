"""Satellite images of toyville: grounds, streets, buildings with shadows and trees, seen from above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from PIL import Image, ImageDraw

from urbanbench.datasets._toyville_buildings import Buildings
from urbanbench.datasets._toyville_latents import TYPES, Latents
from urbanbench.datasets._toyville_plan import Floats, Ints, Plan, block_rings, stream
from urbanbench.datasets._toyville_roads import WIDTH_M, Roads
from urbanbench.datasets._toyville_shapes import SHAPES
from urbanbench.datasets._toyville_writing import write_table

PIXELS = 128
SHARPER = 2
"""Images are drawn this many times larger and then reduced."""

Colour = tuple[int, int, int]
COUNTRY: Colour = (150, 156, 110)
WATER: Colour = (58, 92, 128)
GROUND: dict[str, Colour] = {
    "recreation": (92, 136, 70),
    "industrial": (158, 152, 146),
    "transport": (158, 152, 146),
}
YARD: Colour = (134, 144, 104)
ROAD: Colour = (98, 98, 102)
PATH: Colour = (176, 164, 138)
TREE: Colour = (46, 84, 44)
SHADOW: Colour = (52, 54, 58)
ROOFS: dict[str, tuple[Colour, ...]] = {
    "house": ((176, 92, 66), (160, 82, 60), (140, 96, 76)),
    "row": ((164, 88, 66), (150, 100, 82), (128, 98, 88)),
    "box": ((214, 214, 210), (198, 202, 206), (186, 186, 180)),
    "hall": ((200, 204, 208), (176, 184, 190), (206, 200, 190)),
    "round": ((222, 222, 214), (196, 210, 214), (210, 200, 188)),
}
FLAT_ROOFS: tuple[Colour, ...] = ((184, 180, 172), (170, 166, 162), (196, 186, 172))


def ground_group(block_type: Ints) -> Ints:
    """Return what the ground of a block tells: park (1), paved yard (2) or anything else (0)."""
    paved = np.isin(block_type, [TYPES.index("industrial"), TYPES.index("transport")])
    return np.where(block_type == TYPES.index("recreation"), 1, np.where(paved, 2, 0))


@dataclass(frozen=True)
class _Scene:
    """What all images share; points are (easting, northing) in metres."""

    ground: list[tuple[Floats, Colour]]
    roads: list[tuple[Floats, float, Colour]]
    roofs: list[tuple[list[Floats], float, Colour]]
    trees: Floats
    first_roof: Ints
    first_tree: Ints
    block_tree: shapely.STRtree
    water: list[Floats]
    water_tree: shapely.STRtree
    road_tree: shapely.STRtree


def draw_satellite(folder: Path, plan: Plan, latents: Latents, buildings: Buildings, roads: Roads) -> None:
    """Draw one image per region and write satellite.parquet."""
    (folder / "satellite").mkdir()
    scene = _scene(plan, latents, buildings, roads)
    bounds = _squares(plan)
    names = [f"satellite/{region}.png" for region in plan.region_ids]
    for name, box in zip(names, bounds, strict=True):
        _picture(scene, box).save(folder / name, compress_level=4)
    columns = {"region_id": pa.array(plan.region_ids, pa.string()), "image": pa.array(names, pa.string())}
    edges = {key: pa.array(bounds[:, place]) for place, key in enumerate(("minx", "miny", "maxx", "maxy"))}
    write_table(folder / "satellite.parquet", pa.table({**columns, **edges}))


def _squares(plan: Plan) -> Floats:
    """Return the square around each region with a margin of 5 %, (r, 4): minx, miny, maxx, maxy."""
    rings = block_rings(plan, *plan.block_ij.T)
    low, high = (np.full((len(plan.region_xy), 2), edge) for edge in (np.inf, -np.inf))
    np.minimum.at(low, plan.block_region, rings.min(axis=1))
    np.maximum.at(high, plan.block_region, rings.max(axis=1))
    half = 0.55 * (high - low).max(axis=1, keepdims=True)
    middle = 0.5 * (low + high)
    return np.asarray(np.concatenate([middle - half, middle + half], axis=1).round(3))


def _scene(plan: Plan, latents: Latents, buildings: Buildings, roads: Roads) -> _Scene:
    rings = block_rings(plan, *plan.block_ij.T)
    colours = [GROUND.get(name, YARD) for name in TYPES]
    ground = [(ring, colours[kind]) for ring, kind in zip(rings, latents.block_type, strict=True)]
    wet = block_rings(plan, *np.argwhere(plan.water).T)
    tree_block, trees = _trees(plan, latents)
    blocks = np.arange(len(rings) + 1)
    lines = [shapely.get_coordinates(line) for line in roads.geometry]
    tone = [ROAD if kind < 5 else PATH for kind in roads.kind]
    return _Scene(
        ground=ground,
        roads=list(zip(lines, WIDTH_M[roads.kind].tolist(), tone, strict=True)),
        roofs=_roofs(plan, buildings),
        trees=trees,
        first_roof=np.searchsorted(buildings.block, blocks),
        first_tree=np.searchsorted(tree_block, blocks),
        block_tree=shapely.STRtree(shapely.polygons(rings)),
        water=list(wet),
        water_tree=shapely.STRtree(shapely.polygons(wet)),
        road_tree=shapely.STRtree(roads.geometry),
    )


def _trees(plan: Plan, latents: Latents) -> tuple[Ints, Floats]:
    """Return the block of each tree (sorted) and its place and crown radius, (n, 3)."""
    rng = stream(plan.seed, "canopy")
    park = np.where(latents.block_type == TYPES.index("recreation"), 30.0, 9.0)
    many = rng.poisson(park * np.exp(0.4 * latents.shown["canopy"][plan.block_region]))
    block = np.repeat(np.arange(len(many)), many)
    u, v = rng.uniform(0.05, 0.95, (2, len(block), 1))
    corners = plan.corners[block]
    xy = (corners[:, 0] * (1 - u) + corners[:, 1] * u) * (1 - v) + (
        corners[:, 3] * (1 - u) + corners[:, 2] * u
    ) * v
    return block, np.concatenate([xy, rng.uniform(2.5, 5.5, (len(block), 1))], axis=1)


def _roofs(plan: Plan, buildings: Buildings) -> list[tuple[list[Floats], float, Colour]]:
    """Return outline and courtyard, height and roof colour of each building; colour follows shape, not use."""
    rng = stream(plan.seed, "roofs")
    palette = [ROOFS.get(kind.name, FLAT_ROOFS) for kind in SHAPES]
    pick = rng.integers(0, 3, len(buildings.block))
    rings, owner = shapely.get_rings(buildings.geometry, return_index=True)
    parts = np.split(shapely.get_coordinates(rings), np.cumsum(shapely.get_num_coordinates(rings))[:-1])
    outlines: list[list[Floats]] = [[] for _ in pick]
    for ring, row in zip(parts, owner.tolist(), strict=True):
        outlines[row].append(ring)
    colours = [palette[shape][tone] for shape, tone in zip(buildings.shape, pick, strict=True)]
    return list(zip(outlines, buildings.height_m.tolist(), colours, strict=True))


def _picture(scene: _Scene, box: Floats) -> Image.Image:
    """Draw what lies in a square (minx, miny, maxx, maxy)."""
    side = PIXELS * SHARPER
    scale = side / (box[2] - box[0])
    corner = np.array([box[0], box[3]])
    flip = np.array([scale, -scale])

    def pixels(xy: Floats) -> list[float]:
        return ((xy - corner) * flip).ravel().tolist()  # type: ignore[no-any-return]

    image = Image.new("RGB", (side, side), COUNTRY)
    draw = ImageDraw.Draw(image)
    frame = shapely.box(*box)
    for row in scene.water_tree.query(frame):
        draw.polygon(pixels(scene.water[row]), fill=WATER)
    blocks = np.sort(scene.block_tree.query(frame))
    for block in blocks:
        draw.polygon(pixels(scene.ground[block][0]), fill=scene.ground[block][1])
    for row in np.sort(scene.road_tree.query(frame)):
        line, width_m, colour = scene.roads[row]
        draw.line(pixels(line), fill=colour, width=max(1, round(width_m * scale)))
    _draw_roofs(scene, draw, blocks, pixels, scale)
    for block in blocks:
        for x, y, radius in scene.trees[scene.first_tree[block] : scene.first_tree[block + 1]].tolist():
            px, py, r = (x - corner[0]) * scale, (corner[1] - y) * scale, radius * scale
            draw.ellipse((px - r, py - r, px + r, py + r), fill=TREE)
    return image.reduce(SHARPER)


def _draw_roofs(
    scene: _Scene,
    draw: ImageDraw.ImageDraw,
    blocks: Ints,
    pixels: Callable[[Floats], list[float]],
    scale: float,
) -> None:
    """Draw all shadows, then all roofs; a courtyard shows the ground again."""
    rows = [row for block in blocks for row in range(scene.first_roof[block], scene.first_roof[block + 1])]
    shift = 0.35 * np.array([1.0, -0.6])
    for row in rows:
        rings, height_m, _ = scene.roofs[row]
        draw.polygon(pixels(rings[0] + shift * height_m), fill=SHADOW)
    for row in rows:
        rings, _, colour = scene.roofs[row]
        draw.polygon(pixels(rings[0]), fill=colour, outline=_darker(colour) if scale > 0.3 else None)
        for hole in rings[1:]:
            draw.polygon(pixels(hole), fill=YARD)


def _darker(colour: Colour) -> Colour:
    red, green, blue = (int(0.75 * part) for part in colour)
    return red, green, blue
