"""Who is near whom and what stands where, against loops over all pairs; and how fast footprints are drawn."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from urbanbench.models._urbanmfm.memory import StreetMemory
from urbanbench.models._urbanmfm.streets import Streets
from urbanbench.toolkit.ground.neighbours import nearest_within
from urbanbench.toolkit.shapes.polygon import rasterise

N_POIS, N_POINTS = 40_000, 34_078
RADIUS_M, NEIGHBOURS, POINTS = 1000.0, 32, 16
SAMPLE = 500
"""Rows that the loops over all pairs do; their time is scaled to all rows, which cost the same each."""

EARTH_M = 6_371_008.8
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
processor_time = pytest.mark.benchmark(timer=time.process_time)


@pytest.fixture(scope="module")
def places():
    """Longitudes and latitudes of POIs and street points in a city as large as Singapore, and the same in metres."""
    rng = np.random.default_rng(0)
    degrees = rng.uniform([103.65, 1.25], [103.95, 1.45], (N_POIS + N_POINTS, 2))
    metres = np.column_stack(
        Transformer.from_crs("EPSG:4326", "EPSG:3414", always_xy=True).transform(*degrees.T)
    )
    return degrees[:N_POIS], degrees[N_POIS:], metres[:N_POIS], metres[N_POIS:]


def haversine(one, others):
    """Metres from one place to others, all in degrees."""
    one, others = np.radians(one), np.radians(others)
    east, north = others[:, 0] - one[0], others[:, 1] - one[1]
    half = np.sin(north / 2) ** 2 + np.cos(one[1]) * np.cos(others[:, 1]) * np.sin(east / 2) ** 2
    return 2 * EARTH_M * np.arcsin(np.sqrt(half))


def bearing(one, other):
    """Degrees clockwise from north, from a place to another."""
    one, other = np.radians(one), np.radians(other)
    east = other[0] - one[0]
    right = np.sin(east) * np.cos(other[1])
    up = np.cos(one[1]) * np.sin(other[1]) - np.sin(one[1]) * np.cos(other[1]) * np.cos(east)
    return np.degrees(np.arctan2(right, up)) % 360


def neighbours_by_loop(pois, rows):
    found = np.full((len(rows), NEIGHBOURS), -1)
    for place, row in enumerate(rows):
        apart = haversine(pois[row], pois)
        apart[row] = np.inf
        near = np.argsort(apart)[:NEIGHBOURS]
        near = near[apart[near] <= RADIUS_M]
        found[place, : len(near)] = near
    return found


def memory_by_loop(pois, points, rows):
    """Nearest points of every POI, and in which direction of each (east, south, west, north) the POI lies."""
    found, sector = np.full((2, len(rows), POINTS), -1)
    for place, row in enumerate(rows):
        apart = haversine(pois[row], points)
        near = np.argsort(apart)[:POINTS]
        near = near[apart[near] <= RADIUS_M]
        found[place, : len(near)] = near
        for slot, point in enumerate(near):
            sector[place, slot] = int((bearing(points[point], pois[row]) - 45) // 90) % 4
    return found, sector


def told(benchmark, slow_seconds, what):
    """Scale the time of the loop to all rows, compare, and say it."""
    slow, fast = slow_seconds * N_POIS / SAMPLE, benchmark.stats["min"]
    benchmark.extra_info.update(loop_seconds=slow, times_faster=slow / fast)
    sys.stdout.write(
        f"\n{what}: loop {slow:.0f} s (scaled from {SAMPLE} rows), {fast:.3f} s here, {slow / fast:.0f} times\n"
    )


def timed(work, *given):
    start = time.process_time()
    made = work(*given)
    return made, time.process_time() - start


@processor_time
def test_neighbours_of_pois(benchmark, places):
    degrees, _, metres, _ = places
    rows = np.arange(0, N_POIS, N_POIS // SAMPLE)
    slow, seconds = timed(neighbours_by_loop, degrees, rows)
    fast, _ = benchmark.pedantic(
        nearest_within, args=(metres,), kwargs={"radius_m": RADIUS_M, "cap": NEIGHBOURS}, rounds=5
    )
    same = [
        len(np.intersect1d(*pair)) / len(np.unique(pair[1])) for pair in zip(slow, fast[rows], strict=True)
    ]
    # A sphere and a projection differ by some metres in a kilometre, so that the last neighbour may be another.
    assert np.mean(same) > 0.98
    told(benchmark, seconds, f"{NEIGHBOURS} neighbours of {N_POIS} POIs")


@processor_time
def test_street_points_of_pois_with_directions(benchmark, places):
    degrees, point_degrees, metres, point_metres = places
    rows = np.arange(0, N_POIS, N_POIS // SAMPLE)
    (slow, sector), seconds = timed(memory_by_loop, degrees, point_degrees, rows)
    count = len(point_metres)
    picture = np.arange(4 * count).reshape(count, 4)
    streets = Streets(point_metres, ("",) * (4 * count), picture, ((),) * count, np.zeros(count, dtype=int))
    fast = benchmark.pedantic(
        StreetMemory, args=(streets, metres), kwargs={"max_dist_m": RADIUS_M, "cap": POINTS}, rounds=5
    )
    equal = slow == fast.point[rows]
    assert equal.mean() > 0.95  # two points nearly as far off may change places
    found = equal & (slow >= 0)
    assert (sector[found] == fast.sector[rows][found]).mean() > 0.99
    told(benchmark, seconds, f"{POINTS} street points of {N_POIS} POIs among {count}")


@pytest.mark.parametrize("size", [64, 224])
def test_footprints(benchmark, size):
    """Against the machine's limit: all cores writing the same table of pixels into main memory once, whatever is in it."""
    rng = np.random.default_rng(0)
    turn = np.sort(rng.random((4096, 10)), axis=1) * 2 * np.pi
    reach = rng.uniform(8, 40, (4096, 1)) * rng.uniform(0.7, 1.0, (4096, 10))
    rings = reach[..., None] * np.stack([np.cos(turn), np.sin(turn)], axis=2)
    shapes = shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1))
    table = np.zeros((len(shapes), size, size), dtype=np.uint8)
    starts = range(0, len(shapes), 128)
    with ThreadPoolExecutor(CORES) as pool:

        def fill_part(start):
            table[start : start + 128].fill(1)

        def draw_part(start):
            table[start : start + 128] = rasterise(shapes[start : start + 128], size)

        def fill():
            list(pool.map(fill_part, starts))

        def draw():
            list(pool.map(draw_part, starts))

        def draw_alone():
            list(map(draw_part, starts))

        least = min(_wall(fill) for _ in range(5))
        alone = min(timed(draw_alone)[1] for _ in range(3))
        benchmark.pedantic(draw, rounds=5, warmup_rounds=1)
    assert table.any(axis=(1, 2)).all()
    rate, share = len(shapes) / benchmark.stats["min"], least / benchmark.stats["min"]
    one = len(shapes) / alone
    benchmark.extra_info.update(per_second=rate, per_core_second=one, share_of_limit=share, cores=CORES)
    sys.stdout.write(
        f"\nfootprints at {size} px: {rate:.0f} a second on {CORES} cores, {one:.0f} per second of one core's time; "
        f"{share:.0%} of the limit of {len(shapes) * size**2 / least / 1e9:.1f} GB/s\n"
    )


def _wall(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
