"""A whole ladder with four heads and ten seeds for one embedding of a city like New York: five rungs, 200 fits.

Run with ``pytest tests/benchmarks/test_split_ladder.py --benchmark-only -o addopts=""``; the parts stand in ``extra_info``.
"""

import time
from dataclasses import replace

import numpy as np
import pytest

from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import IN_ONE_CITY, make_splits
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

REGIONS = 2166
HEADS = ("mlp", "ridge", "lightgbm", "rf")


def _city():
    """Regions with a label that is like itself over some 7 km, five boroughs, and places without a label."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 45_000, size=(REGIONS, 2))
    waves = rng.normal(size=(12, 2)) / 7_000.0
    field = np.cos(xy @ waves.T * 2 * np.pi + rng.uniform(0, 6, size=12)).sum(axis=1)
    return Targets(
        ids=np.array([f"r{row:04d}" for row in range(REGIONS)]),
        level="region",
        kind="regression",
        values=np.exp(0.3 * field + 0.3 * rng.normal(size=REGIONS)),
        classes=(),
        unit="",
        xy=xy,
        groups=(xy[:, 0] // 9_100).astype(int),
        domain=rng.uniform(-20_000, 65_000, size=(2_000, 2)),
    )


def _embedding(targets, dim):
    """Vectors of which a third of the columns know the label, each through much noise."""
    rng = np.random.default_rng(1)
    known = np.log(targets.values)
    signal = np.where(np.arange(dim) % 3 == 0, rng.normal(size=dim), 0.0)
    vectors = known[:, None] * signal + 1.5 * rng.normal(size=(REGIONS, dim))
    return EmbeddingSpace("region", targets.ids, vectors.astype(np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("dim", [64, 128, 256])
def test_a_ladder_of_four_heads_and_ten_seeds(benchmark, dim):
    targets = _city()
    space = _embedding(targets, dim)
    parts = {}

    def climb():
        fresh = replace(targets)  # nothing is kept from an earlier round
        for rung in IN_ONE_CITY:
            start = time.perf_counter()
            make_splits(fresh, Protocol(rung))
            parts[f"splits {rung} s"] = round(time.perf_counter() - start, 2)
            for head in HEADS:
                start = time.perf_counter()
                evaluate(space, fresh, Protocol(rung, head))
                parts[f"{head} s"] = round(parts.get(f"{head} s", 0.0) + time.perf_counter() - start, 2)

    start = time.process_time()
    benchmark.pedantic(climb, rounds=1)
    benchmark.extra_info |= parts | {"processor_s": round(time.process_time() - start, 1), "dim": dim}
