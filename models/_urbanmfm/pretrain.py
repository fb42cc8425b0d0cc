"""UrbanMFM's training, stage after stage, each starting from the weights of the one before; or all stages at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urbanbench.models._urbanmfm.backbones import Backbones
from urbanbench.models._urbanmfm.fusion import Fusion
from urbanbench.models._urbanmfm.gat import GraphEncoder
from urbanbench.models._urbanmfm.kept import stage_keys
from urbanbench.models._urbanmfm.material import Material, gather_material
from urbanbench.models._urbanmfm.net import NetSizes, UrbanNet
from urbanbench.models._urbanmfm.stages import Workshop, objective_of, stages_with_pictures, uses_roads
from urbanbench.models._urbanmfm.used import tell_pictures
from urbanbench.toolkit.kept.feature_store import encoder_digest
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch, train_stage
from urbanbench.toolkit.training.joint import train_joint
from urbanbench.toolkit.training.kept_stage import KeptStage, read_or_train
from urbanbench.toolkit.training.schedule import Schedule
from urbanbench.toolkit.training.stage_log import StageLog, record

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.micro import MicroEncoder
    from urbanbench.models._urbanmfm.shapes import Shapes
    from urbanbench.models._urbanmfm.sight import StreetSight
    from urbanbench.models.urbanmfm import UrbanMFM
    from urbanbench.toolkit.features._feature_rows import Frozen
    from urbanbench.toolkit.ground.places import Places

FEWEST_ANCHORS = 4
OVER_REGIONS = frozenset({"macro", "global"})
"""Objectives over one graph of regions, which are few and are what is read out: the held-out ones return for a last fit."""


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A trained model with the city it was trained on.

    Parameters
    ----------
    material
        What was read of the city.
    net
        Trained parts, in eval mode.
    backbones
        Encoders and their features, as they are after training.
    micro, sight
        What makes the vector of a POI, and what it sees of the streets; `sight` is None without street views.
    trained
        Objectives that were trained.
    log
        Losses of every stage, in order.
    device
        Where the tensors are.
    """

    material: Material
    net: UrbanNet
    backbones: Backbones
    micro: MicroEncoder
    sight: StreetSight | None
    trained: frozenset[str]
    log: tuple[StageLog, ...]
    device: str

    @property
    def places(self) -> Places:
        """POIs."""
        return self.material.places

    @property
    def texts(self) -> Frozen:
        """Features of distinct texts."""
        return self.backbones.texts()

    @property
    def shapes(self) -> Shapes | None:
        """Features of footprints; None without polygons."""
        return self.backbones.shapes()


def pretrain(model: UrbanMFM, view: View, *, seed: int, device: str) -> Pretrained:
    """Train the model's stages on a view; stages that are on disk from before are read."""
    material = gather_material(model, view)
    backbones = build_backbones(model, view, material, seed, device)
    net = build_net(model, backbones, seed).to(device)
    shop = Workshop(model, view, material, net, backbones, seed, device)
    seen = model.stages_in(view)
    stages = stages_with_pictures(seen, backbones)
    log = [StageLog(one, 0, 0, skipped="no picture opens") for one in seen if one not in stages]
    for one in log:
        record(one)
    if model.mode == "joint" and stages:
        stages = ("+".join(stages),)
    if uses_roads(model, view, stages):
        _ = view.roads  # stages that are read from disk have used them too
    keys = stage_keys(model, view, stages, seed=seed, device=device, encoders=_digests(backbones, device))
    for stage, key in keys.items():
        log += _train_or_load(shop, stage, KeptStage(key))
    trained = frozenset(one.name for one in log if not one.skipped)
    tell_pictures(shop, trained)
    net.eval()
    return Pretrained(material, net, backbones, shop.micro, shop.sight, trained, tuple(log), device)


def _digests(backbones: Backbones, device: str) -> dict[str, str]:
    """Hash the encoders as they were loaded."""
    loaded = {"text": backbones.text_encoder, "image": backbones.image_encoder}
    return {name: encoder_digest(one, device) for name, one in loaded.items() if one is not None}


def _train_or_load(shop: Workshop, stage: str, kept: KeptStage) -> list[StageLog]:
    """Do one stage, several objectives in joint training; the features of an encoder it trained are forgotten."""
    names = stage.split("+")
    parts = _moved_parts(shop, names)
    log = read_or_train(stage, kept, parts, lambda: _train(shop, names, kept))
    if "text" in parts:
        shop.backbones.text_moved()
    if "image" in parts:
        shop.backbones.image_moved()
    return log


def _train(shop: Workshop, names: Sequence[str], kept: KeptStage) -> list[StageLog]:
    if (
        len(names) > 1
    ):  # objectives that leave an encoder as it is read its features from before any of them trains it
        shop.backbones.compute_all()
    objectives = [objective_of(name, shop) for name in names]
    usable = [one for one in objectives if one.n_anchors >= FEWEST_ANCHORS]
    skipped = [
        StageLog(one.name, 0, 0, skipped=f"{one.n_anchors} anchors")
        for one in objectives
        if one not in usable
    ]
    for one in skipped:
        record(one)
    schedule = _schedule(shop.model, names)
    if len(names) == 1:
        done = [
            train_stage(one, schedule, seed=shop.seed, device=shop.device, checkpoint=kept.checkpoint)
            for one in usable
        ]
        return [*done, *skipped]
    if not usable:
        return skipped
    weights = shop.model.loss_weights
    done = train_joint(
        usable, schedule, weights=weights, seed=shop.seed, device=shop.device, checkpoint=kept.checkpoint
    )
    return [*done, *skipped]


def _moved_parts(shop: Workshop, names: Sequence[str]) -> dict[str, nn.Module]:
    """Return what a stage changes: the net, and the encoders it trains along."""
    parts: dict[str, nn.Module] = {"net": shop.net}
    if shop.model.train_text_encoder and "poi" in names:
        parts["text"] = shop.backbones.text_encoder
    encoder = shop.backbones.image_encoder
    if shop.model.train_image_encoder and encoder is not None and {"svi", "macro"} & set(names):
        parts["image"] = encoder
    return parts


def build_backbones(model: UrbanMFM, view: View, material: Material, seed: int, device: str) -> Backbones:
    """Load the encoders, with what they read of a city."""
    pictured = view.has("polygon") or material.streets is not None or material.overheads is not None
    with seeded_torch(seed, "urbanmfm", "backbones"):
        text_encoder = load_text_encoder(model.text_encoder, pool=model.text_pool)
        image_encoder = load_image_encoder(model.image_encoder) if pictured else None
    return Backbones(
        text_encoder,
        image_encoder,
        material.places,
        material.streets,
        material.overheads,
        open_image=view.open_image,
        picture_digest=view.picture_digest,
        raster_size=model.raster_size,
        picture_sizes={"street": model.street_size, "overhead": model.satellite_size},
        a_max_m2=model.a_max_m2,
        device=device,
        keep_pixels=model.train_image_encoder,
    )


def build_net(model: UrbanMFM, backbones: Backbones, seed: int) -> UrbanNet:
    """Make what is trained, with its first weights."""
    image = backbones.image_encoder
    sizes = NetSizes(
        text=backbones.text_encoder.dim,
        image=image.dim if image is not None else 1,
        dim=model.dim,
    )
    with seeded_torch(seed, "urbanmfm", "weights"):
        return UrbanNet(
            sizes,
            make_graph=lambda: GraphEncoder(
                model.dim,
                heads=model.heads,
                head_dim=model.head_dim,
                dropout=model.gat_dropout,
                readout=model.readout,
            ),
            make_fusion=lambda: Fusion(
                model.dim, heads=model.fusion_heads, dropout=model.fusion_dropout, gate_relu=model.gate_relu
            ),
        )


def _schedule(model: UrbanMFM, names: Collection[str]) -> Schedule:
    """Plan a stage, or several at once; those whose anchors are regions are trained once more on all of them."""
    return Schedule(
        batch=model.batch,
        epochs=model.epochs,
        min_steps=model.min_steps,
        max_steps=model.max_steps,
        warmup=model.warmup,
        patience=model.patience,
        refit=not OVER_REGIONS.isdisjoint(names),
        precision=model.precision,
    )
