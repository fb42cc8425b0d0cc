"""Times of UrbanMFM's parts: neighbour search, footprint pictures, and a training step of each objective in the preset `small`."""

import numpy as np
import pytest
import shapely
import torch

from urbanbench.models._urbanmfm.fusion import Fusion
from urbanbench.models._urbanmfm.gat import GraphEncoder
from urbanbench.models._urbanmfm.l_local import LocalObjective
from urbanbench.models._urbanmfm.l_poi import PoiObjective
from urbanbench.models._urbanmfm.net import NetSizes, UrbanNet
from urbanbench.models._urbanmfm.shapes import Shapes
from urbanbench.models._urbanmfm.stars import StarTable
from urbanbench.models.urbanmfm import UrbanMFM
from urbanbench.toolkit.features._feature_rows import Frozen
from urbanbench.toolkit.ground.neighbours import groups_of_nearest, nearest_within
from urbanbench.toolkit.shapes.polygon import rasterise
from urbanbench.toolkit.training import seeded_torch

N, SMALL = 8000, UrbanMFM.from_settings("small")


@pytest.fixture(scope="module")
def xy():
    """Points as dense as in a city centre: about 50 neighbours within 100 m."""
    return np.random.default_rng(0).uniform(0, 2200, size=(N, 2))


def nearest_by_brute_force(xy, radius_m, cap):
    """Sort all distances of one point after another."""
    index = np.full((len(xy), cap), -1)
    for row in range(len(xy)):
        apart = np.hypot(*(xy - xy[row]).T)
        apart[row] = np.inf
        near = np.argsort(apart)[:cap]
        near = near[apart[near] <= radius_m]
        index[row, : len(near)] = near
    return index


@pytest.mark.benchmark(group="neighbours of 8,000 points")
@pytest.mark.parametrize("how", ["tree", "brute force"])
def test_neighbour_search(benchmark, xy, how):
    if how == "tree":
        index, _ = benchmark.pedantic(lambda: nearest_within(xy, radius_m=1000.0, cap=32), rounds=3)
    else:
        index = benchmark.pedantic(lambda: nearest_by_brute_force(xy, 1000.0, 32), rounds=1)
    assert index.shape == (N, 32)
    assert (index >= 0).all()


@pytest.mark.benchmark(group="pictures of 2,000 footprints")
@pytest.mark.parametrize("size", [64, 224])
def test_rasterise(benchmark, size):
    rng = np.random.default_rng(0)
    shapes = [shapely.Point(k * 100.0, 0.0).buffer(rng.uniform(5, 40), quad_segs=4) for k in range(2000)]

    def draw():
        return sum(len(rasterise(shapes[start : start + 128], size)) for start in range(0, 2000, 128))

    benchmark.extra_info["footprints"] = benchmark.pedantic(draw, rounds=3)
    benchmark.extra_info["per_second"] = round(2000 / benchmark.stats["mean"]) if benchmark.stats else None


@pytest.fixture(scope="module")
def parts(xy):
    """Net and data of a city with 8,000 POIs, 5,000 texts and 4,000 footprints."""
    rng = np.random.default_rng(0)
    with seeded_torch(0, "benchmark"):
        net = UrbanNet(
            NetSizes(text=384, image=1280, dim=SMALL.dim),
            make_graph=lambda: GraphEncoder(
                SMALL.dim,
                heads=SMALL.heads,
                head_dim=SMALL.head_dim,
                dropout=SMALL.gat_dropout,
                readout="mean",
            ),
            make_fusion=lambda: Fusion(SMALL.dim, heads=SMALL.fusion_heads, dropout=SMALL.fusion_dropout),
        )
        texts = Frozen(torch.randn(5000, 384))
        shapes = Shapes(torch.randn(4000, 1280), torch.rand(4000))
    text, shape = rng.integers(0, 5000, N), np.where(rng.random(N) < 0.7, rng.integers(0, 4000, N), -1)
    return net, texts, shapes, text, shape


@pytest.mark.benchmark(group="training step, 256 anchors")
@pytest.mark.parametrize("name", ["poi", "local"])
def test_training_step(benchmark, parts, xy, name):
    net, texts, shapes, text, shape = parts
    common = {"temperature": 0.5, "direction": "both", "lr": 1e-3, "device": "cpu"}
    if name == "poi":
        groups = groups_of_nearest(xy, k=10, radius_m=1000.0)
        objective = PoiObjective(
            net, texts, text, groups, cap=32, include_self=False, lr_backbone=0.0, **common
        )
    else:
        stars = StarTable(*nearest_within(xy, radius_m=1000.0, cap=SMALL.max_neighbours))
        objective = LocalObjective(
            net, texts, shapes, text, shape, stars, drop_share=0.1, lr_new=1e-3, **common
        )
    optimiser = torch.optim.Adam([dict(group) for group in objective.parameter_groups()])
    rng = np.random.default_rng(0)

    def step():
        optimiser.zero_grad()
        loss = objective.loss(rng.choice(N, 256, replace=False), rng)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    net.train()
    assert benchmark.pedantic(step, rounds=5, warmup_rounds=1) < 7
