"""A whole ladder with four heads and ten seeds for one embedding of a city like New York: five rungs, 200 fits; prints JSON.

With ``--jobs 2`` two processes of one thread each take the 20 cells one by one, the long ones first, as those of ``urbanbench run --jobs 2`` do; `wall_s` is what both took side by side with
their start, `processor_s` what they worked with it, `least_wall_s` half of that: what no two cores can be quicker than. With ``--smallest`` a village shows that the program runs; its figures mean nothing.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from functools import partial
from itertools import product

import numpy as np

from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import IN_ONE_CITY, make_splits
from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

REGIONS, VILLAGE = 2166, 120
HEADS = ("rf", "lightgbm", "mlp", "ridge")
"""The longest first."""
CELLS = tuple(product(HEADS, IN_ONE_CITY))
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def city(regions: int = REGIONS) -> Targets:
    """Regions with a label that is like itself over some 7 km, five boroughs, and places without a label."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 45_000, size=(regions, 2))
    waves = rng.normal(size=(12, 2)) / 7_000.0
    field = np.cos(xy @ waves.T * 2 * np.pi + rng.uniform(0, 6, size=12)).sum(axis=1)
    return Targets(
        ids=np.array([f"r{row:04d}" for row in range(regions)]),
        level="region",
        kind="regression",
        values=np.exp(0.3 * field + 0.3 * rng.normal(size=regions)),
        classes=(),
        unit="",
        xy=xy,
        groups=(xy[:, 0] // 9_100).astype(int),
        domain=rng.uniform(-20_000, 65_000, size=(2_000, 2)),
    )


def embedding(targets: Targets, dim: int) -> EmbeddingSpace:
    """Vectors of which a third of the columns know the label, each through much noise."""
    rng = np.random.default_rng(1)
    known = np.log(targets.values)
    signal = np.where(np.arange(dim) % 3 == 0, rng.normal(size=dim), 0.0)
    vectors = known[:, None] * signal + 1.5 * rng.normal(size=(len(targets), dim))
    return EmbeddingSpace("region", targets.ids, vectors.astype(np.float32))


def climb(targets: Targets, dim: int, cells: list[int], seeds: range) -> dict[str, float]:
    """Score some of the cells; seconds of the processor that each head and the splits took."""
    space, took = embedding(targets, dim), {}
    for head, rung in (CELLS[cell] for cell in cells):
        for name, work in (
            ("splits s", lambda rung=rung: make_splits(targets, Protocol(rung, seeds=tuple(seeds)))),
            (
                f"{head} s",
                lambda rung=rung, head=head: evaluate(space, targets, Protocol(rung, head, tuple(seeds))),
            ),
        ):
            start = time.process_time()
            work()
            took[name] = took.get(name, 0.0) + time.process_time() - start
    return took


def one_cell(dim: int, cell: int) -> dict[str, float]:
    """Score a cell in a process that keeps nothing else; vectors are read from a cache in a run, so making them is not counted."""
    return climb(city(), dim, [cell], range(10))


def side_by_side(dim: int, jobs: int) -> dict[str, float]:
    """Climb in processes of one thread each, which take the next cell when they are done with one."""
    os.environ |= ONE_THREAD
    start, found = time.perf_counter(), {}
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for told in pool.imap_unordered(partial(one_cell, dim), range(len(CELLS))):
            for name, seconds in told.items():
                found[name] = found.get(name, 0.0) + seconds
        pool.close()
        pool.join()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = used.ru_utime + used.ru_stime
    return found | {
        "wall_s": time.perf_counter() - start,
        "processor_s": worked,
        "least_wall_s": worked / jobs,
    }


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--smallest", action="store_true")
    told = parser.parse_args()
    if told.smallest:
        found = climb(city(VILLAGE), 4, [len(CELLS) - 1], range(2))
    elif told.jobs:
        found = side_by_side(told.dim, told.jobs)
    else:
        found = climb(city(), told.dim, list(range(len(CELLS))), range(10))
    sys.stdout.write(json.dumps({name: round(seconds, 2) for name, seconds in found.items()}))


if __name__ == "__main__":
    main()
