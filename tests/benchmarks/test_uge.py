"""UGE-lite: pictures with lessons trained on per second of one core's time, and what share of it the multiplications of its weights take by themselves."""

import sys
import time

import numpy as np
import pytest
import torch
from tests.models.uge_exams import draw_graph

from urbanbench.models._uge.material import Material
from urbanbench.models._uge.net import Rows
from urbanbench.models._uge.objective import Lessons, PairObjective
from urbanbench.models._uge.pictures import Views
from urbanbench.models._uge.pretrain import build_towers
from urbanbench.models._uge.texts import number_waves
from urbanbench.models.uge import UGE
from urbanbench.toolkit.graphs.flat import graph_table
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training import seeded_torch

N, CLAUSES, TEXT_DIM, IMAGE_DIM, STEPS = 512, 2_000, 384, 1280, 3
WORDS = tuple(f"word{k}" for k in range(18))


class Drawn(Views):
    """Frozen vectors of pictures that nobody took."""

    def __init__(self):
        self.dim, self.ok = IMAGE_DIM, np.ones(N, dtype=bool)
        self._features = torch.randn(N, IMAGE_DIM)

    def vectors(self, rows):
        return self._features[torch.from_numpy(rows)]


def drawn_material(model):
    """Pictures with graphs of 32 nodes and texts of 12 clauses."""
    graphs = [draw_graph(WORDS, seed=k, n_other=13) for k in range(N)]
    rng = np.random.default_rng(0)
    clauses = torch.randn(CLAUSES, TEXT_DIM + number_waves([""]).shape[1])
    texts = Groups(np.arange(N + 1) * 12, rng.integers(0, CLAUSES, 12 * N))
    rows = [rng.integers(0, 100, len(one)) for one in graphs]
    return Material(Drawn(), (), clauses, texts, {}, {}, graph_table(graphs, rows, model.nodes))


def objective(stage):
    model = UGE.from_settings("small")
    with seeded_torch(0, "benchmark"):
        material = drawn_material(model)
        towers = build_towers(model, material.clauses.shape[1], material.views, 0, "cpu")
    one, none = np.arange(N), np.full(N, -1)
    anchor = Rows(one, none, one if stage == "graph" else none)
    lessons = Lessons(anchor, Rows(none, one, none), ["caption"] * N, one, one[:50])
    rates = {
        name: 1e-3 for name in ("image", "text", "graph", "fusion") if stage == "graph" or name != "graph"
    }
    return model, PairObjective(
        stage, towers.train(), material, lessons, rates, temperature=0.05, drop=(0.0, 0.0), weight_decay=0.1
    )


def products(made, batch):
    """Seconds of the matrix products of one step alone: for each linear layer as many rows as it really sees, three products of its size."""
    seen = []
    hooks = [
        one.register_forward_hook(
            lambda layer, given, _: seen.append((given[0].shape[0], *layer.weight.shape))
        )
        for one in made.towers.modules()
        if isinstance(one, torch.nn.Linear)
    ]
    made.loss(np.arange(batch), np.random.default_rng(0))
    for hook in hooks:
        hook.remove()
    pairs = [
        (torch.randn(rows, given), torch.randn(out, given), torch.randn(rows, out))
        for rows, out, given in seen
    ]
    start = time.process_time()
    for states, weight, back in pairs:
        _ = states @ weight.T, back @ weight, back.T @ states
    return time.process_time() - start, 6 * sum(rows * out * given for rows, out, given in seen)


@pytest.mark.parametrize("stage", ["text", "graph"])
def test_pictures_trained_on_per_second(benchmark, stage):
    """Target: the products of its weights take at least half of a step of `graph`; those of `text` are too small for that."""
    torch.set_num_threads(1)
    model, made = objective(stage)
    optimiser = torch.optim.Adam([dict(one) for one in made.parameter_groups()])
    rng = np.random.default_rng(0)

    def steps():
        start = time.process_time()
        for _ in range(STEPS):
            optimiser.zero_grad()
            loss = made.loss(rng.permutation(N)[: model.batch], rng)
            loss.backward()
            optimiser.step()
        return (time.process_time() - start) / STEPS

    steps()
    seconds = benchmark.pedantic(steps, rounds=1)
    least, flops = products(made, model.batch)
    found = {
        "pictures a second": model.batch / seconds,
        "share of products": least / seconds,
        "GFLOP a picture": flops / model.batch / 1e9,
    }
    benchmark.extra_info.update(found)
    sys.stdout.write(f"\n{stage}: {', '.join(f'{value:.3g} {name}' for name, value in found.items())}\n")
    assert least < seconds
