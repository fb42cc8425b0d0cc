"""GeoVectors: walks per second against a loop over walks, and the share of the training's time that gensim's arithmetic takes."""

import sys
import time

import numpy as np
import pytest

from urbanbench.models._geovectors import location, training
from urbanbench.models._geovectors.graph import nearest_graph, sample_walks, spatial_order
from urbanbench.models.geovectors import GeoVectors

PAPER = GeoVectors.from_settings("paper")
SAMPLE = 2000
"""Walks that the loop draws; its time is scaled to all walks, which cost the same each."""

processor_time = pytest.mark.benchmark(timer=time.process_time)


def places(n):
    """Entities as dense as POIs in a large city, in the order of no place."""
    side = np.sqrt(n / 60) * 1000
    return np.round(np.random.default_rng(0).uniform(0, side, (n, 2)), 3)


def told(benchmark, words, **numbers):
    benchmark.extra_info.update(numbers)
    sys.stdout.write(f"\n{words}\n")


def walks_by_loop(graph, starts, length, rng):
    """One walk after another, as anyone would write them."""
    found = np.empty((len(starts), length), dtype=np.int64)
    for row, first in enumerate(starts):
        node = first
        for step in range(length):
            found[row, step] = node
            edges = slice(graph.start[node], graph.start[node + 1])
            share = np.diff(graph.reach[edges] - node, prepend=0.0)
            node = rng.choice(graph.target[edges], p=share / share.sum())
    return found


@processor_time
@pytest.mark.parametrize("n", [10_000, 40_000, 100_000])
def test_walks(benchmark, n):
    xy = places(n)
    graph = nearest_graph(xy[spatial_order(xy)], PAPER.neighbours)
    how = {"per_node": PAPER.walks, "length": PAPER.walk_length, "seed": 0}
    walks = benchmark.pedantic(sample_walks, args=(graph,), kwargs=how, rounds=3)
    rng = np.random.default_rng(0)
    began = time.process_time()
    slow = walks_by_loop(graph, rng.integers(0, n, SAMPLE), PAPER.walk_length, rng)
    loop = SAMPLE / (time.process_time() - began)
    fast = len(walks) / benchmark.stats["min"]
    assert slow.shape[1] == walks.shape[1]
    told(
        benchmark,
        f"{n} entities: {fast:,.0f} walks per second, a loop {loop:,.0f}, {fast / loop:.0f} times",
        walks_per_second=fast,
        times_faster=fast / loop,
    )


@processor_time
@pytest.mark.parametrize("n", [10_000, 40_000])
def test_share_of_gensim(benchmark, n, monkeypatch):
    """One of the paper's ten epochs; the share is that of all ten, whose walks and graph are made once."""
    spent = {"gensim": 0.0}
    epoch = training._epoch

    def timed(*given):
        began = time.process_time()
        epoch(*given)
        spent["gensim"] += time.process_time() - began

    monkeypatch.setattr(training, "_epoch", timed)
    model = GeoVectors(epochs=1)
    benchmark.pedantic(location.train_nodes, args=(model, places(n), 0), rounds=1)
    rest = benchmark.stats["min"] - spent["gensim"]
    gensim = PAPER.epochs * spent["gensim"]
    rate = n * PAPER.walks * PAPER.walk_length / spent["gensim"]
    share = gensim / (gensim + rest)
    assert 0 < share < 1
    told(
        benchmark,
        f"{n} entities, {PAPER.epochs} epochs: gensim {share:.0%} of {gensim + rest:.0f} s, {rate:,.0f} words per second",
        share_of_gensim=share,
        words_per_second=rate,
    )
