"""UGE-lite: pictures with lessons trained on per second of one core's time, and what share of it the products of its weights take by themselves; prints JSON.

With `--smallest` a few pictures show that the program runs.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[3]))

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

CLAUSES, TEXT_DIM, IMAGE_DIM = 2_000, 384, 1280
WORDS = tuple(f"word{k}" for k in range(18))


class Drawn(Views):
    """Frozen vectors of pictures that nobody took."""

    def __init__(self, many):
        self.dim, self.ok = IMAGE_DIM, np.ones(many, dtype=bool)
        self._features = torch.randn(many, IMAGE_DIM)

    def vectors(self, rows):
        return self._features[torch.from_numpy(rows)]


def drawn_material(model, many):
    """Pictures with graphs of 32 nodes and texts of 12 clauses, which are their phrases, too."""
    graphs = [draw_graph(WORDS, seed=k, n_other=13) for k in range(many)]
    rng = np.random.default_rng(0)
    clauses = torch.randn(CLAUSES, TEXT_DIM + number_waves([""]).shape[1])
    texts = Groups(np.arange(many + 1) * 12, rng.integers(0, CLAUSES, 12 * many))
    rows = [rng.integers(0, 100, len(one)) for one in graphs]
    return Material(Drawn(many), (), clauses, texts, texts, {}, {}, graph_table(graphs, rows, model.nodes))


def objective(stage, many):
    """Return the model and what a stage makes small, for so many pictures."""
    model = UGE.from_settings("small")
    with seeded_torch(0, "benchmark"):
        material = drawn_material(model, many)
        towers = build_towers(model, material.clauses.shape[1], material.views, 0, "cpu")
    one, none = np.arange(many), np.full(many, -1)
    anchor = Rows(one, none, one if stage == "graph" else none)
    lessons = Lessons(anchor, Rows(none, one, none), ["caption"] * many, one, one[: many // 10])
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


def measured(stage, many, steps):
    """Train some steps of a stage after as many that warm up, and return pictures a second, the share of products, and GFLOP a picture."""
    model, made = objective(stage, many)
    batch = min(model.batch, many)
    optimiser = torch.optim.Adam([dict(one) for one in made.parameter_groups()])
    rng = np.random.default_rng(0)

    def trained():
        start = time.process_time()
        for _ in range(steps):
            optimiser.zero_grad()
            made.loss(rng.permutation(many)[:batch], rng).backward()
            optimiser.step()
        return (time.process_time() - start) / steps

    trained()
    seconds = trained()
    least, flops = products(made, batch)
    return {
        "pictures a second": batch / seconds,
        "share of products": least / seconds,
        "GFLOP a picture": flops / batch / 1e9,
    }


def main():
    """Print a JSON object: stage to figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smallest", action="store_true", help="show that the program runs")
    smallest = parser.parse_args().smallest
    torch.set_num_threads(1)
    many, steps = (8, 1) if smallest else (512, 3)
    sys.stdout.write(json.dumps({stage: measured(stage, many, steps) for stage in ("text", "graph")}) + "\n")


if __name__ == "__main__":
    main()
