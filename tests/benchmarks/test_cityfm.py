"""Times of CityFM's stages: a training step in the preset `small`, and what part of a step in the preset `paper` the encoders take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from urbanbench.models._cityfm.l_road import RoadObjective, pair_roads
from urbanbench.models._cityfm.l_shape import ShapeObjective
from urbanbench.models._cityfm.l_text import TextObjective
from urbanbench.models._cityfm.net import CityNet
from urbanbench.models.cityfm import CityFM
from urbanbench.toolkit.features._feature_rows import Frozen
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training import seeded_torch

SMALL = CityFM.from_settings("small")
ROADS, TEXTS, SHAPES = 20_000, 5000, 4000
PROGRAM = Path(__file__).with_name("programs") / "cityfm_steps.py"


@pytest.fixture(scope="module")
def made():
    """The three objectives over 20,000 roads with 8 POIs each, 5,000 texts and 4,000 footprints."""
    rng = np.random.default_rng(0)
    with seeded_torch(0, "benchmark"):
        net = CityNet(384, 1280, SMALL.dim)
        texts, shapes = Frozen(torch.randn(TEXTS, 384)), Frozen(torch.randn(SHAPES, 1280))
        told, surface = torch.randn(SHAPES // 2, SMALL.dim), torch.rand(SHAPES)
    contexts = Groups(np.arange(ROADS + 1) * 9, rng.integers(0, TEXTS, ROADS * 9))
    pairs = Groups(np.arange(0, SHAPES + 1, 2), np.arange(SHAPES))
    common = {"temperature": 0.5, "lr": 1e-3, "device": "cpu"}
    return {
        "text": TextObjective(
            net, texts, contexts, leave_one_out=False, mask_same_text=True, chunk=64, **common
        ),
        "shape": ShapeObjective(net, shapes, surface, told, pairs, chunk=64, lr_backbone=0.0, **common),
        "road": RoadObjective(net, texts, contexts, rng.integers(1, 80, ROADS), tolerance=0.02, **common),
    }


@pytest.mark.benchmark(group="cityfm: training step of the preset small")
@pytest.mark.parametrize("name", ["text", "shape", "road"])
def test_training_step(benchmark, made, name):
    objective, rng = made[name], np.random.default_rng(0)
    optimiser = torch.optim.Adam([dict(group) for group in objective.parameter_groups()])
    batch = SMALL.road_batch if name == "road" else SMALL.batch

    def step():
        optimiser.zero_grad()
        loss = objective.loss(rng.choice(objective.n_anchors, batch, replace=False), rng)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    assert benchmark.pedantic(step, rounds=10, warmup_rounds=1) < 7


@pytest.mark.benchmark(group="cityfm: pairs of 1,024 roads")
@pytest.mark.parametrize("how", ["by number", "greedy walk"])
def test_pairing(benchmark, how):
    routes = np.random.default_rng(0).integers(1, 80, 1024)

    def walk():
        used, pairs = set(), []
        for i, one in enumerate(routes):
            for j in range(i + 1, len(routes)):
                if one not in used and routes[j] not in used and abs(one - routes[j]) <= 1:
                    pairs.append([i, j])
                    used |= {one, routes[j]}
        return pairs

    found = benchmark.pedantic(walk if how == "greedy walk" else lambda: pair_roads(routes, 1), rounds=3)
    assert len(found) > 30


@pytest.mark.slow
def test_share_of_the_encoders(benchmark):
    """Preset `paper` with 64,215 POIs: nearly all arithmetic of the stages is that of the encoders."""
    command = [sys.executable, str(PROGRAM), "64215"]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    done = benchmark.pedantic(
        lambda: subprocess.run(command, capture_output=True, text=True, check=True, env=env), rounds=1
    )
    found = json.loads(done.stdout)
    benchmark.extra_info.update(found)
    sys.stdout.write("\n" + json.dumps(found, indent=1) + "\n")
    for stage in found["stages"].values():
        assert stage["encoder share of arithmetic"] > 0.9
