"""What UrbanMFM takes from one city to another: its weights, and which objectives trained them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.learned import Learned
from urbanbench.models._urbanmfm.material import gather_material
from urbanbench.models._urbanmfm.pretrain import Pretrained, build_backbones, build_net
from urbanbench.models._urbanmfm.stages import Workshop
from urbanbench.models._urbanmfm.used import tell_pictures
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import nn

    from urbanbench.city.view import View
    from urbanbench.models._urbanmfm.backbones import Backbones
    from urbanbench.models._urbanmfm.net import UrbanNet
    from urbanbench.models.urbanmfm import UrbanMFM

__all__ = ["learned_of", "trained_elsewhere"]

_TRIPS = "trips"
"""Name of the scale of trips among what is learned."""


def learned_of(model: UrbanMFM, trained: Pretrained) -> Learned:
    """Return the net, the encoders that were trained along, the trained objectives, the surface that counts as 1, and the scale of trips."""
    stages = sorted(trained.trained)
    parts = _parts(model, trained.net, trained.backbones, stages)
    made = learned_weights(parts, trained=stages, a_max_m2=trained.backbones.a_max_m2)
    flows = trained.material.flows
    return made if flows is None else Learned(dict(made.arrays) | {_TRIPS: flows.scale}, made.facts)


def trained_elsewhere(model: UrbanMFM, learned: Learned, view: View, *, seed: int, device: str) -> Pretrained:
    """Read a city with weights that were learned in another; nothing is trained."""
    material = gather_material(model, view, flow_scale=learned.arrays.get(_TRIPS))
    backbones = build_backbones(model, view, material, seed, device)
    backbones.a_max_m2 = float(learned.facts["a_max_m2"])
    net = build_net(model, backbones, seed).to(device)
    stages = frozenset(learned.facts["trained"])
    parts = _parts(model, net, backbones, stages)
    put_learned(parts, learned)
    if "text" in parts:
        backbones.text_moved()
    if "image" in parts:
        backbones.image_moved()
    shop = Workshop(model, view, material, net, backbones, seed, device)
    tell_pictures(shop, frozenset())
    return Pretrained(material, net, backbones, shop.micro, shop.sight, stages, (), device)


def _parts(
    model: UrbanMFM, net: UrbanNet, backbones: Backbones, stages: Collection[str]
) -> dict[str, nn.Module]:
    """Return what the trained objectives change."""
    parts: dict[str, nn.Module] = {"net": net}
    if model.train_text_encoder and "poi" in stages:
        parts["text"] = backbones.text_encoder
    if model.train_image_encoder and backbones.image_encoder is not None and {"svi", "macro"} & set(stages):
        parts["image"] = backbones.image_encoder
    return parts
