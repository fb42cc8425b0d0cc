"""MuseCL's own work beside its encoders: comparing regions, drawing maps of footprints, and a step of training on kept features."""

import sys
import tracemalloc

import numpy as np
import pytest
import shapely
import torch
from scipy import sparse
from torch import nn

from urbanbench.models._musecl.likeness import Cosines, find_partners
from urbanbench.models._musecl.sources import Source
from urbanbench.models._musecl.triplets import TripletObjective
from urbanbench.toolkit.features._feature_rows import FrozenPictures
from urbanbench.toolkit.features.footprint_maps import draw_footprints
from urbanbench.toolkit.ground.neighbours import Groups

NEW_YORK, LARGE = 2166, 8664
CATEGORIES, OF_REGION = 400, 20


def some_regions(count):
    """Counts of POIs by category: about 20 of 400 categories in a region, common ones more often."""
    rng = np.random.default_rng(0)
    column = (rng.random(count * OF_REGION) ** 3 * CATEGORIES).astype(np.int64)
    row = np.repeat(np.arange(count), OF_REGION)
    table = sparse.csr_array((np.ones(len(row)), (row, column)), shape=(count, CATEGORIES))
    table.sum_duplicates()
    return Cosines(table)


def compared(count):
    return find_partners(some_regions(count), np.arange(count), top_k=1, spared=0.1)


@pytest.mark.parametrize("count", [NEW_YORK, pytest.param(LARGE, marks=pytest.mark.slow)])
def test_compare_regions(benchmark, count):
    """Every region with every other; time grows with the square, memory does not."""
    found = benchmark.pedantic(lambda: compared(count), rounds=1)
    assert len(found) == count


def test_memory_of_comparing(benchmark):
    """Target: twice the regions take at most 2.3 times the peak, once a block is full."""
    peaks = []
    for count in (2500, 5000):
        tracemalloc.start()
        compared(count)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    benchmark.pedantic(lambda: compared(NEW_YORK), rounds=1)
    sys.stdout.write(f"\npeaks {[round(one / 1e6) for one in peaks]} MB\n")
    assert peaks[1] < 2.3 * peaks[0]


def test_draw_maps(benchmark):
    """16 maps of 224 pixels per side, 500 buildings each."""
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 1000, (16 * 500, 2))
    size = rng.uniform(5, 40, (16 * 500, 2))
    polygons = shapely.box(*corner.T, *(corner + size).T)
    owner = np.repeat(np.arange(16), 500)
    windows = np.tile([0.0, 0.0, 1000.0], (16, 1))
    drawn = benchmark(lambda: draw_footprints(polygons, owner, windows, 224))
    assert drawn.shape == (16, 224, 224)


def test_a_step_on_kept_features(benchmark):
    """Forward and backward of 64 triplets of 1,280 features."""
    count, pictures = NEW_YORK, 4 * NEW_YORK
    rows = FrozenPictures(torch.randn(pictures, 1280))
    groups = Groups.from_pairs(np.arange(pictures) % count, np.arange(pictures), count)
    head = nn.Linear(1280, 128)
    objective = TripletObjective(
        "street",
        Source(rows, rows.ok, 1, "cpu"),
        head,
        compared(count),
        groups,
        margin=5.0,
        lr=5e-4,
        device="cpu",
    )
    rng = np.random.default_rng(0)

    def step():
        objective.loss(rng.integers(0, count, 64), rng).backward()

    benchmark(step)
    assert head.weight.grad is not None
