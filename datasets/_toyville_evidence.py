"""What each layer of toyville tells about block types and building functions, as exact log-likelihoods.

A block type is hidden; the lots, shapes, tags, places and ways on the block were drawn from known tables given that type.
So the likelihood of what a layer shows can be written down for every type.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from urbanbench.datasets._toyville_buildings import GRID_ODDS, GRIDS, Buildings, is_dense, tells_function
from urbanbench.datasets._toyville_latents import FUNCTION_GIVEN_TYPE, TYPES, Latents
from urbanbench.datasets._toyville_plan import Flags, Floats, Ints, Plan
from urbanbench.datasets._toyville_pois import Pois
from urbanbench.datasets._toyville_roads import CLASSES, Roads, through_odds
from urbanbench.datasets._toyville_satellite import ground_group
from urbanbench.datasets._toyville_shapes import SHAPE_ODDS
from urbanbench.datasets._toyville_streets import choose_points
from urbanbench.datasets._toyville_words import CATEGORY_ODDS

NEVER = -30.0
"""Stands for the logarithm of 0, so that terms can be taken out again."""


@dataclass(frozen=True)
class Evidence:
    """Log-likelihoods given one set of inputs.

    Attributes
    ----------
    block
        Of all that lies on a block, given its type, (b, types).
    building
        Of all that is known of a building, given the type of its block, (n, types); part of `block`.
    shape
        Of the outline of a building alone, given its function, (n, types).
    exists
        Of there being a building, where lots and outlines do not tell it already, (b, types).
    """

    block: Floats
    building: Floats
    shape: Floats
    exists: Floats


@dataclass(frozen=True)
class Sample:
    """The regions that ceilings are worked out for, with their blocks and buildings.

    Attributes
    ----------
    regions, blocks, buildings
        Rows of the whole city, sorted.
    region_of
        Place in `regions` of each sampled block.
    block_of
        Place in `blocks` of each sampled building.
    """

    regions: Ints
    blocks: Ints
    buildings: Ints
    region_of: Ints
    block_of: Ints


def take_sample(plan: Plan, buildings: Buildings, regions: Ints) -> Sample:
    """Collect the blocks and buildings of sorted region rows."""
    blocks = np.flatnonzero(np.isin(plan.block_region, regions))
    rows = np.flatnonzero(np.isin(buildings.block, blocks))
    region_of = np.searchsorted(regions, plan.block_region[blocks])
    return Sample(regions, blocks, rows, region_of, np.searchsorted(blocks, buildings.block[rows]))


@dataclass(frozen=True)
class Clues:
    """The separate log-likelihoods from which the evidence of any input set is put together, for a sample.

    Attributes
    ----------
    blocks
        Clue -> (b, types): lots, one (there is a building at all), poi (places in the open and their number), ways,
        ground, seen.
    buildings
        Clue -> given the function, (n, types): shape, tag, poi (places inside).
    block_of
        Place of the block of each building, (n,).
    """

    blocks: dict[str, Floats]
    buildings: dict[str, Floats]
    block_of: Ints


def collect_clues(
    plan: Plan, latents: Latents, buildings: Buildings, pois: Pois, roads: Roads, sample: Sample
) -> Clues:
    """Work out every clue once."""
    outside = pois.building < 0
    told = tells_function(plan, len(buildings.block))
    tag = np.where(told[:, None], _certain(buildings.function[:, None] == np.arange(len(TYPES))), 0.0)
    category = np.log(CATEGORY_ODDS).T[pois.category]
    count = np.bincount(pois.block, minlength=len(plan.block_ij))
    places = _sums(category[outside], pois.block[outside], len(plan.block_ij)) + _poisson(
        count, pois.block_rate
    )
    grounds = ground_group(latents.block_type)[:, None] == ground_group(np.arange(len(TYPES)))
    blocks = {
        "lots": _lots(plan, buildings),
        "one": np.log((GRID_ODDS * GRIDS.prod(axis=1)).sum(axis=1) * buildings.lot_odds),
        "poi": places,
        "ways": _ways(plan, latents, roads),
        "ground": _certain(grounds),
        "seen": _seen(plan, latents, roads),
    }
    in_buildings = {
        "shape": np.log(SHAPE_ODDS[is_dense(plan, latents)[buildings.block], :, buildings.shape]),
        "tag": tag,
        "poi": _sums(category[~outside], pois.building[~outside], len(buildings.block)),
    }
    return Clues(
        {name: rows[sample.blocks] for name, rows in blocks.items()},
        {name: rows[sample.buildings] for name, rows in in_buildings.items()},
        sample.block_of,
    )


def gather(clues: Clues, inputs: frozenset[str]) -> Evidence:
    """Put together the evidence of a set of inputs."""
    outlines = bool(inputs & {"polygon", "satellite"})
    on_block = [
        outlines and "lots",
        "poi" in inputs and "poi",
        bool(inputs & {"road", "satellite"}) and "ways",
    ]
    on_block += ["satellite" in inputs and "ground", "street_view" in inputs and "seen"]
    in_building = [outlines and "shape", "polygon" in inputs and "tag", "poi" in inputs and "poi"]
    block = _add([clues.blocks[name] for name in on_block if name], clues.blocks["lots"])
    known = _add([clues.buildings[name] for name in in_building if name], clues.buildings["tag"])
    building = log_sum(known[:, None, :] + np.log(FUNCTION_GIVEN_TYPE)[None])
    return Evidence(
        block=block + _sums(building, clues.block_of, len(block)),
        building=building,
        shape=clues.buildings["shape"] if outlines else np.zeros_like(known),
        exists=np.zeros_like(block) if outlines else clues.blocks["one"],
    )


def log_sum(values: Floats) -> Floats:
    """Add probabilities along the last axis, given and returned as logarithms."""
    top = values.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0])


def _certain(possible: Flags) -> Floats:
    return np.where(possible, 0.0, NEVER)


def _add(parts: list[Floats], like: Floats) -> Floats:
    return np.asarray(np.sum([np.zeros_like(like), *parts], axis=0))


def _sums(rows: Floats, group: Ints, count: int) -> Floats:
    return np.stack([np.bincount(group, column, count) for column in rows.T], axis=1)


def _poisson(many: Ints, rate: Floats) -> Floats:
    """Return the log-likelihood of counts (b,) for rates (b, types), without the factorial."""
    return np.where(rate > 0, many[:, None] * np.log(np.maximum(rate, 1e-300)) - rate, 0.0)


def _lots(plan: Plan, buildings: Buildings) -> Floats:
    """Lot grid and number of built lots; on a block without buildings the grid cannot be seen."""
    built = np.bincount(buildings.block, minlength=len(plan.block_ij))[:, None]
    lots = GRIDS.prod(axis=1)
    odds = np.clip(buildings.lot_odds, 1e-12, 1 - 1e-9)
    empty = np.log((GRID_ODDS[None] * (1 - odds[..., None]) ** lots).sum(axis=-1))
    free = lots[buildings.grid][:, None] - built
    seen = np.log(GRID_ODDS[:, buildings.grid].T) + built * np.log(odds) + free * np.log1p(-odds)
    return np.asarray(np.where(built > 0, seen, empty))


def _ways(plan: Plan, latents: Latents, roads: Roads) -> Floats:
    odds = through_odds(plan, latents)
    foot = np.where(np.arange(len(TYPES)) == TYPES.index("recreation"), 1 - np.exp(NEVER), 0.25)
    through = roads.through[:, None]
    way = np.where(through == CLASSES.index("footway"), odds * foot, odds * (1 - foot))
    return np.asarray(np.log(np.where(through < 0, 1 - odds, way)))


def _seen(plan: Plan, latents: Latents, roads: Roads) -> Floats:
    """Blocks beside a street view show their type for certain."""
    points = choose_points(plan, latents, roads)
    seen = np.zeros(len(plan.block_ij), dtype=bool)
    for side in (points.left, points.right):
        seen[side[side >= 0]] = True
    return np.where(seen[:, None], _certain(latents.block_type[:, None] == np.arange(len(TYPES))), 0.0)
