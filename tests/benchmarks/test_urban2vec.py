"""Urban2Vec's sampling and steps: pairs among many pictures, negatives of a batch, a step of words in a large city."""

import sys

import numpy as np
import pytest
import torch

from urbanbench.models._urban2vec.net import Tables
from urbanbench.models._urban2vec.pairs import deranged, draw_pairs
from urbanbench.models._urban2vec.word_stage import AbsentWords, WordObjective
from urbanbench.models._urban2vec.words import RegionWords


def words(n_regions, n_words, n):
    """Occurrences whose words are as unequal as those of tags."""
    rng = np.random.default_rng(0)
    word = np.minimum(rng.zipf(1.4, n) - 1, n_words - 1)
    names = np.array([f"w{k}" for k in range(n_words)])
    return RegionWords(rng.integers(0, n_regions, n), word, names, n_regions)


@pytest.mark.parametrize("points", [100_000, 1_000_000])
def test_pairs_of_many_pictures(benchmark, points):
    """Target: ten times the points take at most 20 times the time."""
    rng = np.random.default_rng(0)
    xy, point = rng.uniform(0, 30_000, (points, 2)), np.repeat(np.arange(points), 1)
    made = benchmark.pedantic(
        lambda: draw_pairs(
            point,
            xy,
            neighbours=5,
            training=100_000,
            held_out=20_000,
            share=0.2,
            rng=np.random.default_rng(1),
        ),
        rounds=1,
    )
    assert len(made) == 120_000


def test_negatives_of_a_batch(benchmark):
    """Target: far below a step of the head (about 2 ms)."""
    rng = np.random.default_rng(0)
    point = rng.integers(0, 5000, (256, 2))
    order, usable = benchmark(lambda: deranged(point, rng))
    assert usable.all()
    assert len(order) == 256


def test_absent_words_of_a_batch(benchmark):
    """Target: far below a step of the tables."""
    absent = AbsentWords(words(30_000, 20_000, 3_000_000), 0.5)
    rng = np.random.default_rng(0)
    region = rng.integers(0, 30_000, 512)
    drawn = benchmark(lambda: absent.draw(region, rng))
    assert not absent.has(region, drawn).any()


def test_a_step_of_words(benchmark):
    """Target: no more than the optimiser's own work on both tables."""
    made = words(2_166, 5_000, 600_000)
    rng = np.random.default_rng(0)
    tables = Tables(torch.randn(2_166, 200), torch.randn(5_000, 200))
    objective = WordObjective(
        tables, made, power=0.5, held_out=0.05, margin=2.0, lr=1e-3, rng=rng, device="cpu"
    )
    optimiser = torch.optim.Adam([dict(one) for one in objective.parameter_groups()])
    anchors = rng.integers(0, objective.n_anchors, 512)

    def step():
        optimiser.zero_grad()
        loss = objective.loss(anchors, rng)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    before = step()
    benchmark(step)
    sys.stdout.write(f"\nloss {before:.3f} to {step():.3f}\n")
    assert step() < before
