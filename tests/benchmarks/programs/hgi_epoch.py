"""Seconds of HGI's preparation and of one epoch (forward, backward, Adam) in a made-up city; prints them as JSON.

The epoch is measured as training begins, and with a discriminator that tells regions of shuffled POIs as surely as after thousands of steps;
there also with the plain logarithm, whose gradients of sure pairs are too small for normal numbers.
"""

import argparse
import json
import resource
import sys
import time

import numpy as np
import shapely
import torch
from torch.nn import functional

from urbanbench.models._hgi import objective as objectives
from urbanbench.models._hgi.categories import FIRST_LEVEL, categories_of
from urbanbench.models._hgi.delaunay import delaunay_graph
from urbanbench.models._hgi.material import build_material
from urbanbench.models._hgi.net import HGINet, summarise_city
from urbanbench.models._hgi.objective import MutualInformation
from urbanbench.models._hgi.places import Places
from urbanbench.models._hgi.walks import random_walks
from urbanbench.models.hgi import HGI
from urbanbench.toolkit.training import seeded_torch

REGION_M, KINDS, EPOCHS = 600.0, 390, 7
NEW_YORK, SMALLEST = (2166, 97_000), (16, 600)


def made_up(n_regions, n_pois, rng):
    """Square regions of unequal density, and POIs of 390 kinds of unequal frequency."""
    columns = int(np.ceil(np.sqrt(n_regions)))
    corner = np.column_stack([np.arange(n_regions) % columns, np.arange(n_regions) // columns]) * REGION_M
    region = np.sort(rng.choice(n_regions, n_pois, p=rng.dirichlet(np.full(n_regions, 0.8))))
    words = [f"{FIRST_LEVEL[k % len(FIRST_LEVEL)]}=kind{k}" for k in range(KINDS)]
    kind = rng.choice(KINDS, n_pois, p=rng.dirichlet(np.full(KINDS, 0.5)))
    places = Places(
        np.arange(n_pois).astype(object),
        np.zeros(n_pois, dtype=bool),
        corner[region] + rng.uniform(0, REGION_M, (n_pois, 2)),
        np.zeros(2),
        region,
        categories_of(np.array(words, dtype=object)[kind], min_count=5),
        n_regions,
    )
    return places, shapely.box(*corner.T, *(corner + REGION_M).T)


def timed(seconds, name, work):
    wall = time.perf_counter()
    made = work()
    seconds[name] = time.perf_counter() - wall
    return made


def epochs(net, objective, rng):
    """Return the least wall time and processor time of an epoch, and of its forward half."""
    optimiser = torch.optim.Adam(net.parameters(), lr=0.006)
    anchors = np.arange(objective.n_anchors)
    wall, processor, forward = [], [], []
    for _ in range(EPOCHS):
        began, used = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss = objective.loss(anchors, rng)
        forward.append(time.perf_counter() - began)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 0.9)
        optimiser.step()
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    return {"epoch": min(wall), "epoch, processor": min(processor), "forward": min(forward)}


def make_sure(net, objective, rng):
    """Let regions of shuffled POIs score -85 against the city on average, as after thousands of steps."""
    city = objective.material
    with torch.no_grad():
        regions = objectives.encode_regions(net, city, city.smoothed)[city.filled]
        wrong = objectives.encode_regions(net, city, objective.shuffled_features(rng))[city.filled]
        summary, mean = summarise_city(regions, city.area_share), wrong.mean(dim=0)
        net.region_city.copy_(-85 * torch.outer(mean, summary) / (mean @ mean) / (summary @ summary))


def gradients(net, objective, rng):
    """Return the least processor time of a loss with its gradients."""
    anchors, processor = np.arange(objective.n_anchors), []
    for _ in range(EPOCHS):
        used = time.process_time()
        net.zero_grad(set_to_none=True)
        objective.loss(anchors, rng).backward()
        processor.append(time.process_time() - used)
    return min(processor)


def main(n_regions, n_pois, threads):
    torch.set_num_threads(threads)
    rng, seconds, model = np.random.default_rng(0), {}, HGI()
    places, shapes = made_up(n_regions, n_pois, rng)
    graph = timed(
        seconds,
        "triangulation",
        lambda: delaunay_graph(places.xy, places.region, cross=0.4, max_edge_m=None, rng=rng),
    )
    walk = {"per_place": 1, "length": model.walk_length, "return_bias": 2.0, "far_bias": 2.0}
    timed(seconds, "one walk per POI", lambda: random_walks(graph, **walk, rng=rng))
    with seeded_torch(0, "benchmark"):
        table = torch.randn(len(places.categories), model.dim).numpy()
        net = HGINet(model.dim, model.dim, model.heads)
    material = timed(
        seconds,
        "material",
        lambda: build_material(model, places, graph, table, shapes, seed=0, device="cpu"),
    )
    prepared = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    objective = MutualInformation(net, material, alpha=model.alpha, lr=model.lr)
    seconds |= epochs(net, objective, rng)
    make_sure(net, objective, rng)
    seconds["gradients, sure"] = gradients(net, objective, rng)
    objectives.surprise = lambda scores: functional.softplus(-scores)
    seconds["gradients, sure, plain logarithm"] = gradients(net, objective, rng)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"regions": n_regions, "pois": n_pois, "edges": len(graph.neighbour) // 2}
    sys.stdout.write(json.dumps(told | {"seconds": seconds, "prepared mb": prepared, "peak mb": peak}))


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("regions", type=int, nargs="?", default=NEW_YORK[0])
    words.add_argument("pois", type=int, nargs="?", default=NEW_YORK[1])
    words.add_argument("threads", type=int, nargs="?", default=1)
    words.add_argument("--smallest", action="store_true")
    told = words.parse_args()
    main(*(SMALLEST if told.smallest else (told.regions, told.pois)), told.threads)
