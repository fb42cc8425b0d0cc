"""HGI's training: first the categories' vectors on walks, then the whole net on the city."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from urbanbench.hashing import array_digest, value_digest
from urbanbench.models._hgi.delaunay import PlaceGraph, delaunay_graph
from urbanbench.models._hgi.material import Material, build_material
from urbanbench.models._hgi.net import HGINet
from urbanbench.models._hgi.objective import MutualInformation
from urbanbench.models._hgi.places import Places, gather_places
from urbanbench.models._hgi.skipgram import CategoryObjective, CategoryVectors
from urbanbench.models._hgi.walks import random_walks
from urbanbench.seeds import generator
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.kept_stage import KeptStage, read_or_train, training_key
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.hgi import HGI

CHECK_EVERY = 20
"""Steps between two looks at the loss over the city; a look costs a third of a step."""

FEWEST_WALKS = 4

READOUT = ("region_vector",)
"""Parameters that no stage knows of."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A trained model with the city it was trained on.

    Parameters
    ----------
    places
        POIs.
    graph
        Their Delaunay graph.
    material
        The city as tensors.
    net
        Trained, in eval mode.
    log
        Losses of both stages.
    device
        Where the tensors are.
    """

    places: Places
    graph: PlaceGraph
    material: Material
    net: HGINet
    log: tuple[StageLog, ...]
    device: str


def pretrain(model: HGI, view: View, *, seed: int, device: str) -> Pretrained:
    """Train both stages on a view."""
    places = gather_places(model, view)
    graph = place_graph(model, places, seed=seed)
    shapes = np.asarray(view.regions.geometry)
    key = training_key(
        model,
        view,
        source=Path(__file__),
        leaving=READOUT,
        seed=seed,
        device=device,
        read=_digest(places, shapes),
    )
    first, second = (KeptStage(value_digest([key, name])) for name in ("categories", "city"))
    table, log = category_table(model, places, graph, first, seed=seed, device=device)
    material = build_material(model, places, graph, table, shapes, seed=seed, device=device)
    net = build_net(model, table.shape[1], seed=seed, device=device)

    def train() -> list[StageLog]:
        objective = MutualInformation(net, material, alpha=model.alpha, lr=model.lr)
        schedule = _city_schedule(model, objective.n_anchors)
        return [train_stage(objective, schedule, seed=seed, device=device, checkpoint=second.checkpoint)]

    log += read_or_train(MutualInformation.name, second, {"net": net}, train)
    net.eval()
    return Pretrained(places, graph, material, net, tuple(log), device)


def _digest(places: Places, shapes: np.ndarray) -> str:
    """Hash all that training reads of a city: where its POIs lie and in which region, their categories, and the regions' shapes."""
    made = places.categories
    outlines = shapely.to_wkb(shapes, hex=True)
    ground = array_digest(places.xy, places.region, made.of_place, made.parent, outlines)
    return value_digest([ground, made.names, places.n_regions])


def place_graph(model: HGI, places: Places, *, seed: int) -> PlaceGraph:
    """Return the Delaunay graph of the POIs."""
    return delaunay_graph(
        places.xy,
        places.region,
        cross=model.cross_region,
        max_edge_m=model.max_edge_m,
        rng=generator(seed, "hgi", "jitter"),
    )


def build_net(model: HGI, features: int, *, seed: int, device: str) -> HGINet:
    """Make the net with its first weights, for so many features of a category."""
    with seeded_torch(seed, "hgi", "weights"):
        return HGINet(features, model.dim, model.heads).to(device)


def category_table(
    model: HGI, places: Places, graph: PlaceGraph, kept: KeptStage, *, seed: int, device: str
) -> tuple[np.ndarray, list[StageLog]]:
    """Return the vectors of categories, float32 (c, features), and the log of their training."""
    categories = places.categories
    if model.features == "one-hot":
        return np.eye(len(categories), dtype=np.float32), []
    with seeded_torch(seed, "hgi", "categories"):
        vectors = CategoryVectors(len(categories), model.dim).to(device)

    def train() -> list[StageLog]:
        walks = random_walks(
            graph,
            per_place=model.walks,
            length=model.walk_length,
            return_bias=model.return_bias,
            far_bias=model.far_bias,
            rng=generator(seed, "hgi", "walks"),
        )
        return [_train_categories(model, places, vectors, walks, kept, seed=seed, device=device)]

    log = read_or_train(CategoryObjective.name, kept, {"categories": vectors}, train)
    return vectors.target.detach().cpu().numpy(), list(log)


def _train_categories(
    model: HGI,
    places: Places,
    vectors: CategoryVectors,
    walks: np.ndarray,
    kept: KeptStage,
    *,
    seed: int,
    device: str,
) -> StageLog:
    """Train the categories' vectors; with a single category, or hardly any walk, there is nothing to learn."""
    known = np.append(places.categories.of_place, -1).astype(np.int32)  # -1, no further step, stays -1
    named = known[walks]
    usable = int((named[:, 1] >= 0).sum())
    if len(places.categories) < 2 or usable < FEWEST_WALKS:
        log = StageLog(
            CategoryObjective.name, 0, 0, skipped=f"{len(places.categories)} categories on {usable} walks"
        )
        record(log)
        return log
    objective = CategoryObjective(
        vectors,
        places.categories,
        named,
        negatives=model.negatives,
        hierarchy=model.hierarchy,
        lr=model.category_lr,
        device=device,
    )
    schedule = _category_schedule(model)
    return train_stage(objective, schedule, seed=seed, device=device, checkpoint=kept.checkpoint)


def _category_schedule(model: HGI) -> Schedule:
    return Schedule(
        batch=model.category_batch,
        epochs=model.category_epochs,
        max_steps=model.max_steps,
        warmup=0,
        patience=model.patience,
        precision="float32",
    )


def _city_schedule(model: HGI, n_regions: int) -> Schedule:
    """Plan full-batch training: each step is a pass over the city.

    Nothing is held out, so no region has to return for a last fit: every step and every check takes the whole city, the checks with
    wrong regions and shuffled POIs that no step draws.
    """
    return Schedule(
        batch=n_regions,
        max_steps=model.max_steps,
        min_steps=model.min_steps,
        warmup=model.warmup_epochs,
        held_out=0.0,
        check_every=CHECK_EVERY,
        patience=model.patience,
        precision="float32",
        max_norm=model.max_norm,
    )
