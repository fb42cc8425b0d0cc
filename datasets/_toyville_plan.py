"""The ground plan of toyville: street lattice, water, blocks, regions and districts.

A lattice of street crossings is bent by smooth waves. The quadrilaterals between crossings are blocks; a river and
a bay take some of them away. Regions are the blocks nearest to scattered seeds, so their borders follow streets,
regions along the river have parts on both banks, and the islands of the bay fall together as multipolygons. Some
regions get a one-block park region in their middle and so a hole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanbench.seeds import generator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BLOCK_M = 100.0
"""Mean distance of two parallel streets, in metres."""
BLOCKS_A_REGION = 9
"""Blocks in the cell of one region seed (3 x 3)."""
CENTRE = (500_000.0, 221_000.0)
"""(easting, northing) of the city centre in EPSG:32631: open sea, so nobody takes toyville for a real place."""


@dataclass(frozen=True)
class Size:
    """How much of a city to generate.

    Attributes
    ----------
    regions, pois, buildings
        Exact numbers of rows.
    images
        Whether street views and satellite images are drawn unless the caller says otherwise.
    partners
        Destinations a region sends trips to.
    hourly
        Whether flows are split by hour of the day.
    """

    regions: int
    pois: int
    buildings: int
    images: bool
    partners: int
    hourly: bool


SIZES = {
    "tiny": Size(60, 3_000, 1_900, True, 12, True),
    "small": Size(300, 15_000, 10_000, True, 20, True),
    "city": Size(3_000, 60_000, 100_000, True, 16, True),
    "metro-16": Size(1_875, 31_250, 62_500, False, 12, False),
    "metro-4": Size(7_500, 125_000, 250_000, False, 12, False),
    "metro": Size(30_000, 500_000, 1_000_000, False, 12, False),
}


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Make the random generator for one purpose, so that changing one part leaves the others as they are."""
    return generator(seed, "toyville", purpose)


@dataclass(frozen=True)
class Plan:
    """Streets, blocks and regions; all coordinates are (easting, northing) in metres.

    Attributes
    ----------
    nodes
        Street crossings, (n + 1, n + 1, 2), first axis eastwards.
    mid_h, mid_v
        Middle vertices of the streets that run east, (n, n + 1, 2), and north, (n + 1, n, 2).
    water
        Blocks under water, (n, n).
    block_at
        Row of the block in the arrays below, or -1 for water and country, (n, n).
    block_ij, block_region
        Lattice place (b, 2) and region row (b,) of each block.
    region_xy
        Mean block centre of each region, (r, 2).
    pocket
        Regions that are a park inside another region, (r,).
    district
        District number of each region, (r,).
    radius_m
        Radius of a disc as large as the city.
    """

    size: Size
    seed: int
    nodes: Floats
    mid_h: Floats
    mid_v: Floats
    water: Flags
    block_at: Ints
    block_ij: Ints
    block_region: Ints
    region_xy: Floats
    pocket: Flags
    district: Ints
    radius_m: float

    @property
    def corners(self) -> Floats:
        """Corners of each block, (b, 4, 2), counter-clockwise from the south-west."""
        i, j = self.block_ij.T
        return np.stack(
            [self.nodes[i, j], self.nodes[i + 1, j], self.nodes[i + 1, j + 1], self.nodes[i, j + 1]], axis=1
        )

    @property
    def region_ids(self) -> list[str]:
        """Sorted region ids."""
        width = max(4, len(str(len(self.region_xy))))
        return [f"tv{row:0{width}d}" for row in range(len(self.region_xy))]


def block_rings(plan: Plan, i: Ints, j: Ints) -> Floats:
    """Return the closed outlines of lattice blocks, (k, 9, 2), with the bend in the middle of each street."""
    nodes, mid_h, mid_v = plan.nodes, plan.mid_h, plan.mid_v
    ring = [nodes[i, j], mid_h[i, j], nodes[i + 1, j], mid_v[i + 1, j], nodes[i + 1, j + 1]]
    ring += [mid_h[i, j + 1], nodes[i, j + 1], mid_v[i, j], nodes[i, j]]
    return np.stack(ring, axis=1)


def build_plan(size: Size, seed: int) -> Plan:
    """Lay out the city for a size and a seed."""
    radius_m = float(np.sqrt(size.regions * BLOCKS_A_REGION * 1.15 / np.pi) * BLOCK_M)
    n = int(np.ceil(2 * 1.35 * radius_m / BLOCK_M / 3)) * 3
    nodes, mid_h, mid_v = _lattice(n, stream(seed, "lattice"))
    middles = 0.25 * (nodes[:-1, :-1] + nodes[1:, :-1] + nodes[:-1, 1:] + nodes[1:, 1:])
    water = _water(middles - np.array(CENTRE), radius_m, stream(seed, "water"))
    label, pockets = _seeded_regions(n, water, stream(seed, "regions"))
    region_of, kept = _trim(label, pockets, water, middles, size.regions, radius_m, stream(seed, "outline"))
    block_ij = np.argwhere(region_of >= 0)
    block_at = np.full((n, n), -1, dtype=np.int64)
    block_at[block_ij[:, 0], block_ij[:, 1]] = np.arange(len(block_ij))
    block_region = region_of[block_ij[:, 0], block_ij[:, 1]]
    region_xy = _means(middles[block_ij[:, 0], block_ij[:, 1]], block_region, size.regions)
    return Plan(
        size=size,
        seed=seed,
        nodes=nodes,
        mid_h=mid_h,
        mid_v=mid_v,
        water=water,
        block_at=block_at,
        block_ij=block_ij,
        block_region=block_region,
        region_xy=region_xy,
        pocket=np.isin(kept, list(pockets)),
        district=_districts(region_xy, stream(seed, "districts")),
        radius_m=radius_m,
    )


def _lattice(n: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return crossings and the bends between them, centred on the city centre."""
    steps = rng.uniform(0.78, 1.22, (2, n)) * BLOCK_M
    x, y = (np.concatenate([[0.0], np.cumsum(row)]) for row in steps)
    grid = np.stack(np.meshgrid(x - x[n // 2], y - y[n // 2], indexing="ij"), axis=-1)
    nodes = grid + _waves(grid, rng) + rng.uniform(-6, 6, grid.shape) + np.array(CENTRE)
    mid_h = 0.5 * (nodes[:-1] + nodes[1:]) + rng.uniform(-3, 3, nodes[1:].shape)
    mid_v = 0.5 * (nodes[:, :-1] + nodes[:, 1:]) + rng.uniform(-3, 3, nodes[:, 1:].shape)
    return nodes, mid_h, mid_v


def _waves(xy: Floats, rng: np.random.Generator) -> Floats:
    """Sum gentle waves of 1.5 to 6 km: the slope stays below 0.4, so blocks stay convex."""
    shift = np.zeros_like(xy)
    for length in (1500.0, 3200.0, 6000.0):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        along = xy @ np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-np.sin(angle), np.cos(angle)])
        shift += 0.02 * length * np.sin(2 * np.pi * along / length + phase)[..., None] * across
    return shift


def _water(xy: Floats, radius_m: float, rng: np.random.Generator) -> Flags:
    """Mark the blocks of a winding river and of a bay with islands."""
    x, y = xy[..., 0], xy[..., 1]
    phase = rng.uniform(0, 2 * np.pi, 4)
    bed = (
        0.22 * np.sin(2.4 * x / radius_m + phase[0]) + 0.06 * np.sin(7 * x / radius_m + phase[1]) - 0.1
    ) * radius_m
    river = np.abs(y - bed) < 70.0 + 0.012 * radius_m
    shore = (
        0.62 + 0.14 * np.sin(3 * y / radius_m + phase[2]) + 0.04 * np.sin(11 * y / radius_m + phase[3])
    ) * radius_m
    bay = x > shore
    islands = rng.random(x.shape) < 0.16
    return np.asarray(river & ~bay | bay & ~islands)


def _seeded_regions(n: int, water: Flags, rng: np.random.Generator) -> tuple[Ints, dict[int, int]]:
    """Give each block the number of a region seed; return them and pocket number -> host number."""
    from scipy.spatial import cKDTree

    cells = n // 3
    cx, cy = np.meshgrid(np.arange(cells), np.arange(cells), indexing="ij")
    seeds = np.stack([cx, cy], axis=-1) * 3.0 + 1.5 + rng.uniform(-1.1, 1.1, (cells, cells, 2))
    kept = rng.random((cells, cells)) > 0.13
    hosts = (cx % 4 == 2) & (cy % 4 == 2) & (rng.random((cells, cells)) < 0.4)
    hosts[(cells // 2) // 4 * 4 + 2, (cells // 2) // 4 * 4 + 2] = True
    numbers = np.flatnonzero((kept | hosts).ravel())
    blocks = np.stack(np.meshgrid(np.arange(n) + 0.5, np.arange(n) + 0.5, indexing="ij"), axis=-1)
    blocks += rng.normal(0, 0.25, blocks.shape)
    nearest = cKDTree(seeds.reshape(-1, 2)[numbers]).query(blocks.reshape(-1, 2))[1]
    label = numbers[nearest].reshape(n, n).astype(np.int64)
    pockets: dict[int, int] = {}
    for host in np.flatnonzero(hosts.ravel()).tolist():
        i, j = (3 * part + 1 for part in divmod(host, cells))
        if not water[i - 1 : i + 2, j - 1 : j + 2].any():
            label[i - 1 : i + 2, j - 1 : j + 2] = host
            label[i, j] = cells * cells + len(pockets)
            pockets[cells * cells + len(pockets)] = host
    return label, pockets


def _trim(
    label: Ints,
    pockets: dict[int, int],
    water: Flags,
    middles: Floats,
    wanted: int,
    radius_m: float,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Keep the `wanted` regions nearest to the centre; return the region of each block and the seed numbers."""
    land = ~water
    numbers, inverse = np.unique(label[land], return_inverse=True)
    offset = _means(middles[land], inverse, len(numbers)) - np.array(CENTRE)
    angle = np.arctan2(offset[:, 1], offset[:, 0])
    wobble = 1 + 0.1 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.05 * np.sin(8 * angle + rng.uniform(0, 6))
    score = np.hypot(offset[:, 0], offset[:, 1]) * wobble + rng.normal(0, 0.02 * radius_m, len(numbers))
    place = {int(number): row for row, number in enumerate(numbers)}
    for pocket, host in pockets.items():
        score[place[pocket]] = score[place[host]] + 1e-6
    chosen = np.sort(np.argsort(score, kind="stable")[:wanted])
    # Row-major order of seeds, pockets beside their hosts: neighbouring ids are neighbours, as in official lists.
    home = np.array([pockets.get(int(number), int(number)) for number in numbers[chosen]])
    chosen = chosen[np.lexsort((numbers[chosen], home))]
    row = np.full(len(numbers), -1, dtype=np.int64)
    row[chosen] = np.arange(wanted)
    region_of = np.full(label.shape, -1, dtype=np.int64)
    region_of[land] = row[inverse]
    return region_of, numbers[chosen]


def _districts(xy: Floats, rng: np.random.Generator) -> Ints:
    """Group regions into districts of about 14 regions around scattered seeds."""
    from scipy.spatial import cKDTree

    count = max(5, round(len(xy) / 14))
    seeds = xy[rng.choice(len(xy), count, replace=False)]
    for _ in range(3):  # A few Lloyd steps even out the sizes.
        nearest = cKDTree(seeds).query(xy)[1]
        used = np.unique(nearest)
        seeds[used] = _means(xy, nearest, count)[used]
    nearest = cKDTree(seeds).query(xy)[1]
    return np.asarray(np.unique(nearest, return_inverse=True)[1], dtype=np.int64)


def _means(values: Floats, group: Ints, count: int) -> Floats:
    """Average rows of `values` (n, 2) by group number; NaN-free, empty groups are 0."""
    size = np.maximum(np.bincount(group, minlength=count), 1)
    return np.stack([np.bincount(group, values[:, axis], count) / size for axis in range(2)], axis=1)
