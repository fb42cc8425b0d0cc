"""What UGE takes from one city to another: the weights of its towers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.models._uge.pretrain import Trained, build_towers, image_encoder
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.learned import Learned
    from urbanbench.models.uge import UGE

__all__ = ["learned_of", "trained_elsewhere"]


def learned_of(model: UGE, trained: Trained) -> Learned:
    """Return the towers, and the picture encoder where it was trained along."""
    text_dim = trained.towers.text.first.in_features
    return learned_weights(_parts(model, trained), text_dim=text_dim, image=trained.towers.image is not None)


def trained_elsewhere(model: UGE, learned: Learned, *, seed: int, device: str) -> Trained:
    """Return the towers as they learned in another city; one that has seen no pictures there sees none here."""
    encoder = image_encoder(model, seed) if learned.facts["image"] else None
    towers = build_towers(model, int(learned.facts["text_dim"]), encoder, seed, device)
    made = Trained(towers, encoder, (), seed, device)
    put_learned(_parts(model, made), learned)
    return made


def _parts(model: UGE, trained: Trained) -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"towers": trained.towers}
    if model.train_image_encoder and trained.encoder is not None:
        parts["encoder"] = trained.encoder
    return parts
