"""Buildings of toyville: lots on blocks, functions, shapes, heights and tags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from urbanbench.datasets._toyville_latents import FUNCTION_GIVEN_TYPE, TYPES, Latents, choose
from urbanbench.datasets._toyville_plan import Flags, Floats, Ints, Plan, stream
from urbanbench.datasets._toyville_shapes import SHAPE_ODDS, SHAPES
from urbanbench.datasets._toyville_writing import TagColumn, only_where

FLOOR_M = 3.2
STREET_M = 9.0
"""Distance kept between the middle of a street and a lot."""
GRIDS = np.array([[4, 2], [3, 2], [2, 2], [3, 1], [2, 1], [1, 1]])
"""Lots along and across a block."""
# Rows: block types; columns: GRIDS.
GRID_ODDS = np.array(
    [
        [0.50, 0.25, 0.12, 0.06, 0.05, 0.02],
        [0.15, 0.30, 0.30, 0.12, 0.10, 0.03],
        [0.02, 0.10, 0.20, 0.20, 0.38, 0.10],
        [0.01, 0.05, 0.14, 0.10, 0.45, 0.25],
        [0.02, 0.06, 0.16, 0.12, 0.44, 0.20],
        [0.03, 0.10, 0.20, 0.15, 0.37, 0.15],
        [0.01, 0.03, 0.06, 0.10, 0.30, 0.50],
        [0.05, 0.10, 0.30, 0.10, 0.25, 0.20],
    ]
)
BUILT = np.array([1.0, 1.2, 1.4, 1.4, 1.5, 1.3, 2.0, 0.12])
"""Relative rate at which lots of each block type are built on."""


@dataclass(frozen=True)
class Buildings:
    """One row per building.

    Attributes
    ----------
    block, function, shape
        Rows in the blocks, in `TYPES` and in `SHAPES`, (n,).
    anchor
        A point inside the building, (n, 2), metres.
    height_m
        True height in metres; the layer hides a third of them.
    geometry
        Polygons in metres, (n,).
    grid
        Row in `GRIDS` of each block, (b,).
    lot_odds
        Probability that a lot of each block was built on if the block were of each type, (b, types).
    """

    block: Ints
    function: Ints
    shape: Ints
    anchor: Floats
    height_m: Floats
    geometry: NDArray[np.object_]
    grid: Ints
    lot_odds: Floats


def build_buildings(plan: Plan, latents: Latents) -> Buildings:
    """Put buildings on the lots of every block until the size's number is reached."""
    rng = stream(plan.seed, "buildings")
    grid = choose(GRID_ODDS[latents.block_type], rng)
    block, lot, lot_odds = _choose_lots(plan, latents, GRIDS[grid].prod(axis=1), rng)
    dense = is_dense(plan, latents)[block]
    function = choose(FUNCTION_GIVEN_TYPE[latents.block_type[block]], rng)
    shape = choose(SHAPE_ODDS[dense, function], rng)
    region = plan.block_region[block]
    floors = np.array([kind.floors for kind in SHAPES])[shape]
    rise = np.exp(0.42 * latents.shown["height"][region] + rng.normal(0, 0.25, len(block)))
    height_m = np.maximum(1.0, np.round(floors * rise)) * FLOOR_M + 1.0
    centre, along, across, room = _frames(plan, block, lot, GRIDS[grid[block]])
    size = np.array([kind.size_m for kind in SHAPES])[shape] * rng.uniform(0.85, 1.15, (len(block), 2))
    size = np.minimum(size * np.exp(0.1 * latents.shown["cover"][region])[:, None], room)
    frame = np.stack([along * size[:, :1], across * size[:, 1:]], axis=1)
    inside = np.array([kind.inside for kind in SHAPES])[shape]
    anchor = centre + np.einsum("nk,nkd->nd", inside, frame)
    return Buildings(
        block, function, shape, anchor, height_m, _polygons(shape, centre, frame), grid, lot_odds
    )


def is_dense(plan: Plan, latents: Latents) -> Ints:
    """Return for each block whether its region shows more than average cover, as 0 or 1."""
    return (latents.shown["cover"][plan.block_region] > 0).astype(np.int64)


def _choose_lots(
    plan: Plan, latents: Latents, many: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    """Return block and lot number of the built lots, and the odds of a lot by block type; `many` lots a block."""
    block = np.repeat(np.arange(len(many)), many)
    lot = np.arange(len(block)) - np.repeat(np.cumsum(many) - many, many)
    bare = latents.missing["polygon"][plan.block_region]
    appeal = np.where(bare, 1e-12, np.exp(0.9 * latents.shown["cover"][plan.block_region]))
    rate = appeal * BUILT[latents.block_type]
    # The lots with the earliest of exponential clocks are built: given the last time, lots are independent.
    clock = rng.exponential(size=len(block)) / rate[block]
    order = np.argsort(clock, kind="stable")[: plan.size.buildings]
    last = clock[order[-1]]
    chosen = np.sort(order)
    lot_odds = -np.expm1(-last * appeal[:, None] * BUILT)
    return block[chosen], lot[chosen], lot_odds


def _frames(plan: Plan, block: Ints, lot: Ints, grid: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Return lot centres, unit vectors along and across, and the room for a building (n, 2) in metres."""
    corners = plan.corners[block]
    south, north = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 3]
    west, east = corners[:, 3] - corners[:, 0], corners[:, 2] - corners[:, 1]
    span = np.stack([np.linalg.norm(south + north, axis=1), np.linalg.norm(west + east, axis=1)], axis=1) / 2
    usable = span - 2 * STREET_M
    place = np.stack([lot % grid[:, 0], lot // grid[:, 0]], axis=1)
    step = (place + 0.5) / grid * (usable / span)[:, :] + STREET_M / span
    u, v = step[:, :1], step[:, 1:]
    centre = (corners[:, 0] * (1 - u) + corners[:, 1] * u) * (1 - v) + (
        corners[:, 3] * (1 - u) + corners[:, 2] * u
    ) * v
    along = (south + north) / np.linalg.norm(south + north, axis=1, keepdims=True)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    # Blocks are not quite square: what a lot loses by their slant is kept free of buildings.
    slant = 1 - np.abs(np.einsum("nd,nd->n", along, west + east)) / np.linalg.norm(west + east, axis=1)
    return centre, along, across, 0.88 * usable / grid * slant[:, None]


def _polygons(shape: Ints, centre: Floats, frame: Floats) -> NDArray[np.object_]:
    """Scale, turn and place the outline of each building."""
    made = np.empty(len(shape), dtype=object)
    for number, kind in enumerate(SHAPES):
        rows = np.flatnonzero(shape == number)
        shell = shapely.linearrings(centre[rows, None] + np.einsum("kc,ncd->nkd", kind.outline, frame[rows]))
        if kind.hole is None:
            made[rows] = shapely.polygons(shell)
        else:
            hole = shapely.linearrings(centre[rows, None] + np.einsum("kc,ncd->nkd", kind.hole, frame[rows]))
            made[rows] = shapely.polygons(shell, holes=hole[:, None])
    return made


_BUILDING_TAG = {
    "residential": ("apartments", "house", "residential"),
    "mixed": ("apartments", "mixed_use", "commercial"),
    "commercial": ("retail", "office", "commercial"),
    "industrial": ("industrial", "warehouse", "manufacture"),
    "educational": ("school", "university", "kindergarten"),
    "civic": ("civic", "public", "hospital"),
    "transport": ("train_station", "transportation", "transportation"),
    "recreation": ("sports_hall", "sports_centre", "pavilion"),
}


def tells_function(plan: Plan, count: int) -> Flags:
    """Tell which of the `count` buildings are tagged with their function."""
    return np.asarray(stream(plan.seed, "typed buildings").random(count) < 0.33)


def building_tags(plan: Plan, made: Buildings) -> tuple[list[TagColumn], Floats]:
    """Return the columns of the tags and the mapped heights (NaN where the map does not know).

    A third of the buildings tell their function in ``building=*``: it would give the function away, so the task
    withholds it. Two thirds of the heights are known, some of them as floors.
    """
    rng = stream(plan.seed, "building tags")
    count = len(made.block)
    words = np.array([_BUILDING_TAG[name] for name in TYPES], dtype=object)
    typed = words[made.function, rng.integers(0, 3, count)]
    kind = np.where(tells_function(plan, count), typed, "yes").astype(object)
    known = rng.random(count) < 2 / 3
    height_m = np.where(known, np.round(made.height_m + rng.normal(0, 0.3, count), 1), np.nan)
    counted = known & (rng.random(count) < 0.3)
    floors = np.round((made.height_m - 1) / FLOOR_M).astype(int).astype(str).astype(object)
    named = (rng.random(count) < 0.04) & (kind != "yes")
    noun = np.array(["Court", "House", "Point", "Place", "Hall", "Yard"], dtype=object)[
        rng.integers(0, 6, count)
    ]
    stem = np.array(
        ["Anchor", "Birch", "Compass", "Dovecote", "Ember", "Foundry", "Gannet", "Heron"], dtype=object
    )
    name = stem[rng.integers(0, len(stem), count)] + " " + noun
    return [
        ("building", kind),
        ("building:levels", only_where(counted, floors)),
        ("name", only_where(named, name)),
    ], height_m
