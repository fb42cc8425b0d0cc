"""UrbanMFM's training, stage after stage, each starting from the weights of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from urbanbench.models._urbanmfm_features import FrozenTexts, Shapes, TunedTexts, encode_shapes
from urbanbench.models._urbanmfm_gat import GraphEncoder
from urbanbench.models._urbanmfm_local import LocalObjective
from urbanbench.models._urbanmfm_net import UrbanNet
from urbanbench.models._urbanmfm_places import Places, gather_places, road_groups
from urbanbench.models._urbanmfm_poi import PoiObjective
from urbanbench.models._urbanmfm_stars import StarTable
from urbanbench.toolkit.image_encoders import load_image_encoder
from urbanbench.toolkit.neighbours import nearest_within
from urbanbench.toolkit.schedule import Schedule, StageLog
from urbanbench.toolkit.text_encoders import encode_texts, load_text_encoder
from urbanbench.toolkit.training import seeded_torch, train_stage

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.toolkit._image_nets import ImageEncoder
    from urbanbench.toolkit._text_nets import TextEncoder


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A trained model with the city it was trained on.

    Parameters
    ----------
    places
        POIs.
    net
        Trained parts, in eval mode.
    texts
        Features of distinct texts, after any training of the text encoder.
    shapes
        Features of footprints; None without polygons.
    image_encoder
        For further footprints; None without polygons.
    stars
        Neighbours of every POI.
    log
        Losses of every stage, in order.
    device
        Where the tensors are.
    """

    places: Places
    net: UrbanNet
    texts: FrozenTexts
    shapes: Shapes | None
    image_encoder: ImageEncoder | None
    stars: StarTable
    log: tuple[StageLog, ...]
    device: str


def pretrain(model: UrbanMFM, view: View, *, seed: int, device: str) -> Pretrained:
    """Train the model's stages on a view."""
    places = gather_places(view, poi_filter=model.poi_filter, use_name=model.use_name)
    with seeded_torch(seed, "urbanmfm", "backbones"):
        text_encoder = load_text_encoder(model.text_encoder, pool=model.text_pool)
        image_encoder = load_image_encoder(model.image_encoder) if view.has("polygon") else None
    shapes = _shapes(model, places, image_encoder, device)
    net = _build_net(model, text_encoder.dim, image_encoder.dim if image_encoder else 1, seed).to(device)
    log: list[StageLog] = []
    texts: FrozenTexts | None = None
    if "poi" in model.stages:
        texts = _train_poi(model, view, places, net, text_encoder, log, seed=seed, device=device)
    texts = texts or _frozen(text_encoder, places, device)
    neighbour, distance = nearest_within(places.xy, radius_m=model.max_dist_m, cap=model.max_neighbours)
    stars = StarTable(neighbour, distance)
    if "local" in model.stages:
        log.append(
            train_stage(
                _local(model, places, net, texts, shapes, stars, device),
                _schedule(model),
                seed=seed,
                device=device,
            )
        )
    return Pretrained(places, net.eval(), texts, shapes, image_encoder, stars, tuple(log), device)


def _train_poi(
    model: UrbanMFM,
    view: View,
    places: Places,
    net: UrbanNet,
    encoder: TextEncoder,
    log: list[StageLog],
    *,
    seed: int,
    device: str,
) -> FrozenTexts:
    """Train L_poi and return the text features to go on with."""
    groups = road_groups(
        view,
        places,
        grouping=model.grouping,
        radius_m=model.road_radius_m,
        nearest=model.knn_neighbours,
        max_dist_m=model.max_dist_m,
    )
    source = (
        TunedTexts(encoder, places.texts, device)
        if model.train_text_encoder
        else _frozen(encoder, places, device)
    )
    objective = PoiObjective(
        net,
        source,
        places.text,
        groups,
        cap=model.road_pois,
        include_self=model.include_self,
        temperature=model.temperature,
        direction=model.direction,
        lr=model.lr,
        lr_backbone=model.lr_backbone,
        device=device,
    )
    log.append(train_stage(objective, _schedule(model), seed=seed, device=device))
    return source if isinstance(source, FrozenTexts) else _frozen(encoder, places, device)


def _local(
    model: UrbanMFM,
    places: Places,
    net: UrbanNet,
    texts: FrozenTexts,
    shapes: Shapes | None,
    stars: StarTable,
    device: str,
) -> LocalObjective:
    return LocalObjective(
        net,
        texts,
        shapes,
        places.text,
        places.shape,
        stars,
        drop_share=model.drop_share,
        temperature=model.temperature,
        direction=model.direction,
        lr=model.lr,
        device=device,
    )


def _shapes(model: UrbanMFM, places: Places, encoder: ImageEncoder | None, device: str) -> Shapes | None:
    if encoder is None or len(places.shapes) == 0:
        return None
    return encode_shapes(
        encoder, places.shapes, size=model.raster_size, a_max_m2=model.a_max_m2, device=device
    )


def _frozen(encoder: TextEncoder, places: Places, device: str) -> FrozenTexts:
    features = encode_texts(encoder, places.texts, device=device)
    return FrozenTexts(torch.from_numpy(np.ascontiguousarray(features)).to(device))


def _build_net(model: UrbanMFM, text_dim: int, image_dim: int, seed: int) -> UrbanNet:
    with seeded_torch(seed, "urbanmfm", "weights"):
        graph = GraphEncoder(
            model.dim,
            heads=model.heads,
            head_dim=model.head_dim,
            dropout=model.gat_dropout,
            readout=model.readout,
        )
        return UrbanNet(text_dim, image_dim, model.dim, graph)


def _schedule(model: UrbanMFM) -> Schedule:
    return Schedule(
        batch=model.batch,
        epochs=model.epochs,
        max_steps=model.max_steps,
        warmup=model.warmup,
        patience=model.patience,
    )
