"""Roads of toyville: streets between blocks, alleys and footways through them, joined at shared vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from urbanbench.datasets._toyville_latents import TYPES, Latents
from urbanbench.datasets._toyville_plan import Flags, Floats, Ints, Plan, stream
from urbanbench.datasets._toyville_words import STREET_KIND, STREET_STEM
from urbanbench.datasets._toyville_writing import TagColumn, only_where

CLASSES = ("motorway", "primary", "secondary", "residential", "service", "footway")
WIDTH_M = np.array([20.0, 14.0, 11.0, 7.0, 4.0, 2.0])
"""Drawn width of each class in metres."""
WAY_THROUGH = np.array([0.35, 0.35, 0.45, 0.35, 0.35, 0.35, 0.35, 0.75])
"""Probability of an alley or footway through a block of each type, where average road density is shown."""


@dataclass(frozen=True)
class Roads:
    """One row per way.

    Attributes
    ----------
    kind
        Row in `CLASSES`, (n,).
    line
        Number of the street the way belongs to, or -1, (n,).
    bridge
        Whether the way crosses water, (n,).
    geometry
        Lines in metres, (n,).
    edge_kind
        Class of the street south (0) and west (1) of each lattice block, -1 for none, (2, n + 1, n + 1).
    through
        Class of the way through each block, -1 for none, (b,).
    """

    kind: Ints
    line: Ints
    bridge: Flags
    geometry: NDArray[np.object_]
    edge_kind: Ints
    through: Ints


def build_roads(plan: Plan, latents: Latents) -> Roads:
    """Lay streets along block edges and ways through blocks."""
    rng = stream(plan.seed, "roads")
    east = _edges(plan, latents, rng, plan.block_at, plan.water)
    north = _edges(plan, latents, rng, plan.block_at.T, plan.water.T)
    parts = [
        _ways(plan.nodes, plan.mid_h, *east, rng),
        _ways(plan.nodes.transpose(1, 0, 2), plan.mid_v.transpose(1, 0, 2), *north, rng),
    ]
    through, paths = _ways_through(plan, latents, rng)
    lines = plan.nodes.shape[0]
    edge_kind = np.full((2, lines, lines), -1, dtype=np.int64)
    edge_kind[0, :-1] = east[0]
    edge_kind[1, :, :-1] = north[0].T
    inner = through[through >= 0]
    return Roads(
        kind=np.concatenate([parts[0][0], parts[1][0], inner]),
        line=np.concatenate([parts[0][1], parts[1][1] + lines, np.full(len(inner), -1)]),
        bridge=np.concatenate([parts[0][2], parts[1][2], np.zeros(len(inner), dtype=bool)]),
        geometry=np.concatenate([parts[0][3], parts[1][3], paths]),
        edge_kind=edge_kind,
        through=through,
    )


def _edges(
    plan: Plan, latents: Latents, rng: np.random.Generator, block_at: Ints, water: Flags
) -> tuple[Ints, Flags]:
    """Return class (-1 for none) and bridge flag of the edges along the first axis, (n, n + 1)."""
    n = len(block_at)
    low, high = (np.full((n, n + 1), -1, dtype=np.int64) for _ in range(2))
    high[:, :-1], low[:, 1:] = block_at, block_at
    wet = np.zeros((n, n + 1), dtype=bool)
    wet[:, 1:-1] = water[:, :-1] & water[:, 1:]
    block = np.where(high >= 0, high, low)
    in_city = block >= 0
    region = plan.block_region[block]
    line = np.arange(n + 1)
    motorway = (line - n // 2) % 60 == 7
    primary = (line - n // 2) % 12 == 0
    kind = np.full((n, n + 1), CLASSES.index("residential"), dtype=np.int64)
    # Busy streets are drawn per stretch of four blocks, so they are long enough to be seen as one street.
    luck = np.repeat(rng.random((n // 4 + 1, n + 1)), 4, axis=0)[:n]
    kind[luck < 0.3 / (1 + np.exp(-1.1 * latents.shown["road_access"][region]))] = CLASSES.index("secondary")
    kind[:, primary] = CLASSES.index("primary")
    kind[:, motorway] = CLASSES.index("motorway")
    minor = kind == CLASSES.index("residential")
    gone = rng.random(kind.shape) < 0.24 / (1 + np.exp(1.1 * latents.shown["road_density"][region]))
    same = (high >= 0) & (low >= 0) & (plan.block_region[high] == plan.block_region[low])
    kind[minor & same & gone] = -1
    bridge = wet & _reaches_city(in_city) & ((primary | motorway)[None, :])
    kind[~in_city & ~bridge] = -1
    return kind, bridge


def _reaches_city(in_city: Flags) -> Flags:
    """Mark edges with city before and behind them on the same line, at most 12 edges away."""
    place = np.arange(len(in_city))[:, None]
    before = np.maximum.accumulate(np.where(in_city, place, -(10**6)), axis=0)
    behind = np.minimum.accumulate(np.where(in_city, place, 10**6)[::-1], axis=0)[::-1]
    return np.asarray(behind - before <= 12)


def _ways(
    nodes: Floats, middles: Floats, kind: Ints, bridge: Flags, rng: np.random.Generator
) -> tuple[Ints, Ints, Flags, NDArray[np.object_]]:
    """Join edges of one line and class to ways: class, line number, bridge flag and geometry of each way."""
    line, place = np.nonzero(kind.T >= 0)
    edge_kind, edge_bridge = kind[place, line], bridge[place, line]
    fresh = np.ones(len(line), dtype=bool)
    fresh[1:] = (line[1:] != line[:-1]) | (place[1:] != place[:-1] + 1)
    fresh[1:] |= (edge_kind[1:] != edge_kind[:-1]) | (edge_bridge[1:] != edge_bridge[:-1])
    fresh |= rng.random(len(line)) < 0.12
    way = np.cumsum(fresh) - 1
    last = np.append(fresh[1:], True)
    # Three vertices an edge (start, bend, end); the end is kept only where the way ends.
    vertices = np.stack([nodes[place, line], middles[place, line], nodes[place + 1, line]], axis=1)
    keep = np.stack([np.ones_like(last), np.ones_like(last), last], axis=1)
    owner = np.repeat(way[:, None], 3, axis=1)[keep]
    geometry = shapely.linestrings(vertices[keep], indices=owner)
    return edge_kind[fresh], line[fresh], edge_bridge[fresh], geometry


def _ways_through(plan: Plan, latents: Latents, rng: np.random.Generator) -> tuple[Ints, NDArray[np.object_]]:
    """Run alleys (footways in parks) across blocks, from the bend of one street to that of the opposite one."""
    count = len(plan.block_ij)
    park = latents.block_type == TYPES.index("recreation")
    there = rng.random(count) < through_odds(plan, latents)[np.arange(count), latents.block_type]
    foot = there & (park | (rng.random(count) < 0.25))
    through = np.where(foot, CLASSES.index("footway"), np.where(there, CLASSES.index("service"), -1))
    rows = np.flatnonzero(there)
    i, j = plan.block_ij[rows].T
    upright = (rng.random(len(rows)) < 0.5)[:, None]
    start = np.where(upright, plan.mid_h[i, j], plan.mid_v[i, j])
    end = np.where(upright, plan.mid_h[i, j + 1], plan.mid_v[i + 1, j])
    bend = 0.5 * (start + end) + rng.uniform(-4, 4, start.shape)
    return through, shapely.linestrings(np.stack([start, bend, end], axis=1))


def through_odds(plan: Plan, latents: Latents) -> Floats:
    """Return the probability of a way through each block if it were of each type, (b, types)."""
    push = np.exp(0.9 * latents.shown["road_density"][plan.block_region])[:, None]
    odds = WAY_THROUGH / (1 - WAY_THROUGH) * push
    return np.asarray(odds / (1 + odds))


def road_tags(plan: Plan, roads: Roads) -> list[TagColumn]:
    """Return the tag columns: class, name, one-way and bridge."""
    rng = stream(plan.seed, "road tags")
    count = len(roads.kind)
    kind = np.array(CLASSES, dtype=object)[roads.kind]
    stems = np.array(STREET_STEM, dtype=object)[rng.integers(0, len(STREET_STEM), roads.line.max() + 2)]
    suffix = np.array([STREET_KIND.get(name, "") for name in CLASSES], dtype=object)[roads.kind]
    named = (roads.line >= 0) & (rng.random(count) < 0.9)
    oneway = (roads.kind == 0) | ((roads.kind < 4) & (rng.random(count) < 0.12))
    alley = roads.kind == CLASSES.index("service")
    return [
        ("highway", kind),
        ("name", only_where(named, stems[roads.line] + " " + suffix)),
        ("oneway", only_where(oneway, "yes")),
        ("bridge", only_where(roads.bridge, "yes")),
        ("service", only_where(alley, "alley")),
    ]
