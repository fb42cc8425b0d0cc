"""Processor time and memory of UrbanMFM's preparation and training steps in a city with so many POIs; prints JSON."""

import argparse
import json
import resource
import sys
import time
from types import SimpleNamespace

import numpy as np
import torch
from synthetic_city import SyntheticCity

from urbanbench.models._urbanmfm.adjacent import adjacent_regions
from urbanbench.models._urbanmfm.distribution import gather_distributions
from urbanbench.models._urbanmfm.fusion import Fusion
from urbanbench.models._urbanmfm.gat import GraphEncoder
from urbanbench.models._urbanmfm.groups import road_groups
from urbanbench.models._urbanmfm.material import Material
from urbanbench.models._urbanmfm.memory import StreetMemory
from urbanbench.models._urbanmfm.micro import pois_by_region
from urbanbench.models._urbanmfm.net import NetSizes, UrbanNet
from urbanbench.models._urbanmfm.overheads import gather_overheads
from urbanbench.models._urbanmfm.pairs import similar_pairs
from urbanbench.models._urbanmfm.shapes import Shapes
from urbanbench.models._urbanmfm.stages import Workshop, objective_of
from urbanbench.models._urbanmfm.stars import StarTable
from urbanbench.models._urbanmfm.streets import gather_streets
from urbanbench.models.urbanmfm import STAGES, UrbanMFM
from urbanbench.toolkit.features._feature_rows import Frozen, FrozenPictures
from urbanbench.toolkit.ground.neighbours import nearest_within
from urbanbench.toolkit.ground.places import gather_places
from urbanbench.toolkit.pictures.scenes import label_scenes
from urbanbench.toolkit.training import seeded_torch

FEATURES = 64
"""Length of the features: tables of features grow with the city by their nature, so they are kept small here."""

MODEL = UrbanMFM.from_settings("small", {"scene": "none"})
ROUNDS, STEPS, SMALLEST = 3, 5, 400


def main(n_pois):
    torch.set_num_threads(1)
    city = SyntheticCity(n_pois)
    base = peak_mb()
    seconds, material = prepare(city)
    after = peak_mb()
    steps = take_steps(city, material, seconds)
    sizes = {"pois": len(material.places), "regions": city.n_regions, "roads": len(city.roads)}
    memory = {"mb before": base, "mb after preparation": after, "peak mb": peak_mb()}
    found = sizes | {"street points": len(material.streets), "seconds": seconds, "step": steps} | memory
    json.dump(found, sys.stdout)


def prepare(city):
    """Take the processor time of every part of the preparation, which other programs disturb less than wall time; the least of some rounds."""
    seconds = {}

    def timed(name, make):
        taken = []
        for _ in range(ROUNDS):
            start = time.process_time()
            made = make()
            taken.append(time.process_time() - start)
        seconds[name] = min(taken)
        return made

    places = timed("gather POIs", lambda: gather_places(city, poi_filter="paper", use_name=True))
    reach, cap = MODEL.max_dist_m, MODEL.max_neighbours
    stars = timed("neighbours", lambda: StarTable(*nearest_within(places.xy, radius_m=reach, cap=cap)))
    streets = timed("gather street views", lambda: gather_streets(city))
    timed(
        "street-view memory",
        lambda: StreetMemory(streets, places.xy, max_dist_m=reach, cap=MODEL.max_street_views),
    )
    how = {"grouping": "road", "radius_m": MODEL.road_radius_m, "nearest": 10, "max_dist_m": reach}
    timed("POIs by road", lambda: road_groups(city, places, **how))
    by_poi, by_road = timed("distributions", lambda: gather_distributions(city, places))
    rng = np.random.default_rng(0)
    timed(
        "similar regions",
        lambda: similar_pairs(by_poi, by_road, MODEL.cosine_threshold, MODEL.similar_regions, rng=rng),
    )
    gap, most = MODEL.adjacent_gap_m, MODEL.max_adjacent
    adjacent = timed("adjacent regions", lambda: adjacent_regions(city.regions, gap_m=gap, cap=most))
    timed("POIs by region", lambda: pois_by_region(places.region, city.n_regions))
    features = features_of_kinds(len(streets.pictures))
    timed("scenes by k-means", lambda: scenes(streets, features))
    return seconds, Material(places, stars, streets, gather_overheads(city), adjacent, None)


def features_of_kinds(count):
    """Features of 21 kinds of pictures that overlap."""
    rng = np.random.default_rng(1)
    kinds = rng.normal(size=(21, FEATURES))
    return (kinds[rng.integers(0, 21, count)] + rng.normal(size=(count, FEATURES))).astype(np.float32)


def scenes(streets, features):
    how = {"open_image": None, "given": None, "seed": 0, "encoder": "", "device": "cpu"}
    return label_scenes("kmeans", pictures_of_group=streets.picture, features=features, **how)


def take_steps(city, material, seconds):
    """Time a training step of every objective, with random features in place of encoders."""
    with seeded_torch(0, "growth"):
        backbones, net = stand_in(material), net_of(MODEL, FEATURES, FEATURES)
    shop = Workshop(MODEL, city, material, net, backbones, 0, "cpu")
    steps = {}
    for name in STAGES:
        start = time.process_time()
        objective = objective_of(name, shop)
        seconds[f"whole objective {name}"] = time.process_time() - start
        steps[name] = step_seconds(objective)
    return steps


def net_of(model, text_dim, image_dim):
    return UrbanNet(
        NetSizes(text=text_dim, image=image_dim, dim=model.dim),
        make_graph=lambda: GraphEncoder(
            model.dim,
            heads=model.heads,
            head_dim=model.head_dim,
            dropout=model.gat_dropout,
            readout=model.readout,
        ),
        make_fusion=lambda: Fusion(model.dim, heads=model.fusion_heads, dropout=model.fusion_dropout),
    )


def stand_in(material):
    """Make backbones whose features are noise."""
    places, streets, overheads = material.places, material.streets, material.overheads
    texts = Frozen(torch.randn(len(places.texts), FEATURES))
    shapes = Shapes(torch.randn(len(places.shapes), FEATURES), torch.rand(len(places.shapes)))
    street = FrozenPictures(torch.randn(len(streets.pictures), FEATURES))
    overhead = FrozenPictures(torch.randn(len(overheads.pictures), FEATURES))
    encoder = SimpleNamespace(dim=FEATURES)
    return SimpleNamespace(
        text_encoder=encoder,
        image_encoder=encoder,
        streets=streets,
        overheads=overheads,
        texts=lambda: texts,
        shapes=lambda: shapes,
        street_pictures=lambda: street,
        overhead_pictures=lambda: overhead,
    )


def step_seconds(objective):
    optimiser = torch.optim.Adam([dict(group) for group in objective.parameter_groups()])
    rng, taken = np.random.default_rng(0), []
    for _ in range(STEPS + 1):
        anchors = rng.choice(objective.n_anchors, min(256, objective.n_anchors), replace=False)
        start = time.process_time()
        optimiser.zero_grad()
        objective.loss(anchors, rng).backward()
        optimiser.step()
        taken.append(time.process_time() - start)
    return min(taken[1:])


def peak_mb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("pois", type=int, nargs="?", default=10_000)
    words.add_argument("--smallest", action="store_true")
    told = words.parse_args()
    main(SMALLEST if told.smallest else told.pois)
