"""CityFM's training: three stages, each starting from the weights of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.errors import BadInput
from urbanbench.hashing import value_digest
from urbanbench.models._cityfm.contexts import (
    context_texts,
    roads_with_context,
    route_counts,
    text_contexts,
)
from urbanbench.models._cityfm.l_road import RoadObjective
from urbanbench.models._cityfm.l_shape import ShapeObjective, footprints_by_text
from urbanbench.models._cityfm.l_text import TextObjective
from urbanbench.models._cityfm.net import CityNet
from urbanbench.models._cityfm.readers import ShapeReader, TextReader
from urbanbench.toolkit.ground.neighbours import groups_near_lines
from urbanbench.toolkit.ground.places import Places, gather_places
from urbanbench.toolkit.kept.feature_store import encoder_digest
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.place_texts import EMPTY_TEXT
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import Objective, seeded_torch, train_stage
from urbanbench.toolkit.training.kept_stage import KeptStage, read_or_train, training_key
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.city.view import View
    from urbanbench.models.cityfm import CityFM

__all__ = ["Pretrained", "objective_of", "prepare", "pretrain"]

FEWEST_ANCHORS = 4

READOUT = ("region_zero", "region_polygons", "context_radius_m", "with_pe")
"""Parameters that no stage knows of."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A model with the city it is trained on.

    Parameters
    ----------
    places
        POIs.
    net
        Projections.
    texts, shapes
        Text encoder with the city's texts, and image encoder; `shapes` is None where polygons may not be seen.
    log
        Losses of every stage, in order.
    device
        Where the tensors are.
    """

    places: Places
    net: CityNet
    texts: TextReader
    shapes: ShapeReader | None
    log: list[StageLog]
    device: str


def pretrain(model: CityFM, view: View, *, seed: int, device: str) -> Pretrained:
    """Train the model's stages on a view."""
    made = prepare(model, view, seed=seed, device=device)
    key = training_key(
        model,
        view,
        source=Path(__file__),
        leaving={*READOUT, "stages"},
        seed=seed,
        device=device,
        encoders=_digests(made),
    )
    for stage in model.stages_in(view):
        key = value_digest([key, stage])
        made.log.extend(_train_or_read(stage, model, view, made, KeptStage(key), seed=seed))
    made.net.eval()
    return made


def _digests(made: Pretrained) -> dict[str, str]:
    """Hash the encoders as they were loaded."""
    readers = {"text": made.texts, "image": made.shapes}
    return {
        name: encoder_digest(one.encoder, made.device) for name, one in readers.items() if one is not None
    }


def _train_or_read(
    stage: str, model: CityFM, view: View, made: Pretrained, kept: KeptStage, *, seed: int
) -> list[StageLog]:
    """Do one stage. Its objective is made even where its weights are on disk: that tells what of the city it uses."""
    objective = objective_of(stage, model, view, made)
    if objective.n_anchors < FEWEST_ANCHORS:
        log = StageLog(stage, 0, 0, skipped=f"{objective.n_anchors} anchors")
        record(log)
        return [log]
    parts: dict[str, nn.Module] = {"net": made.net}
    if model.train_text_encoder and stage in ("text", "road"):
        parts["text"] = made.texts.encoder
    if model.train_image_encoder and stage == "shape" and made.shapes is not None:
        parts["image"] = made.shapes.encoder
    schedule, file = schedule_of(stage, model), kept.checkpoint
    return read_or_train(
        stage,
        kept,
        parts,
        lambda: [train_stage(objective, schedule, seed=seed, device=made.device, checkpoint=file)],
    )


def prepare(model: CityFM, view: View, *, seed: int, device: str) -> Pretrained:
    """Read the city's POIs and make the parts with their first weights.

    Raises
    ------
    RunRefused
        No POI is left after the filter.
    """
    places = gather_places(
        view,
        poi_filter=model.poi_filter,
        use_name=model.use_name,
        further_texts=(EMPTY_TEXT,),
        untagged=model.untagged,
    )
    with seeded_torch(seed, "cityfm", "backbones"):
        text = load_text_encoder(model.text_encoder)
        image = load_image_encoder(model.image_encoder) if view.has("polygon") else None
    with seeded_torch(seed, "cityfm", "weights"):
        net = CityNet(text.dim, image.dim if image else 1, model.dim).to(device)
    size, a_max = model.raster_size, model.a_max_m2
    shapes = ShapeReader(image, size=size, a_max_m2=a_max, device=device) if image else None
    return Pretrained(places, net, TextReader(text, places.texts, device), shapes, [], device)


def objective_of(stage: str, model: CityFM, view: View, made: Pretrained) -> Objective:
    """Make the objective of a stage, "text", "shape" or "road", from the parts as they are now."""
    if stage == "text":
        return _text(model, view, made)
    return _shape(model, made) if stage == "shape" else _road(model, view, made)


def schedule_of(stage: str, model: CityFM) -> Schedule:
    """Return how a stage is trained."""
    return Schedule(
        batch=model.road_batch if stage == "road" else model.batch,
        epochs=model.epochs,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        warmup=0,
        patience=model.patience,
        precision=model.precision,
    )


def _text(model: CityFM, view: View, made: Pretrained) -> TextObjective:
    contexts = text_contexts(
        view,
        made.places,
        grouping=model.grouping,
        radius_m=model.road_radius_m,
        nearest=model.knn_neighbours,
        empty=model.empty_roads,
    )
    return TextObjective(
        made.net,
        made.texts.tuned() if model.train_text_encoder else made.texts.frozen(),
        contexts,
        leave_one_out=model.leave_one_out,
        mask_same_text=model.mask_same_text,
        chunk=model.chunk,
        temperature=model.temperature,
        lr=model.lr_text,
        device=made.device,
    )


def _shape(model: CityFM, made: Pretrained) -> ShapeObjective:
    if made.shapes is None:
        msg = "The stage 'shape' was asked for where polygons cannot be seen. Expected the input polygon. Leave the stage out."
        raise BadInput(msg)
    polygons = made.places.shapes
    texts, footprints = footprints_by_text(made.places.text, made.places.shape)
    with torch.no_grad():
        told = made.texts.frozen().rows(torch.from_numpy(texts).to(made.device))
        vectors = made.net.encode_text(told)
    train = model.train_image_encoder
    return ShapeObjective(
        made.net,
        made.shapes.tuned(polygons) if train else made.shapes.frozen(polygons),
        made.shapes.surface(polygons),
        vectors,
        footprints,
        chunk=model.chunk,
        temperature=model.temperature,
        lr=model.lr_shape,
        lr_backbone=model.lr_shape_backbone,
        device=made.device,
    )


def _road(model: CityFM, view: View, made: Pretrained) -> RoadObjective:
    roads = view.roads
    routes = np.where(roads_with_context(roads), route_counts(roads), 0)
    lines = np.asarray(roads.geometry)[routes > 0]
    groups = groups_near_lines(made.places.xy, lines, radius_m=model.road_radius_m)
    peopled = groups.sizes >= (0 if model.empty_roads else 1)
    return RoadObjective(
        made.net,
        made.texts.tuned() if model.train_text_encoder else made.texts.frozen(),
        context_texts(groups.at_least(0 if model.empty_roads else 1), made.places),
        routes[routes > 0][peopled],
        tolerance=model.route_tolerance,
        temperature=model.temperature,
        lr=model.lr_road,
        device=made.device,
    )
