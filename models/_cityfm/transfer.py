"""What CityFM takes from one city to another: its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.models._cityfm.pretrain import Pretrained, prepare
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models.cityfm import CityFM

__all__ = ["learned_of", "trained_elsewhere"]


def learned_of(model: CityFM, trained: Pretrained) -> Learned:
    """Return the projections, and the encoders that are trained along."""
    return learned_weights(_parts(model, trained))


def trained_elsewhere(model: CityFM, learned: Learned, view: View, *, seed: int, device: str) -> Pretrained:
    """Read a city with weights that were learned in another; nothing is trained."""
    made = prepare(model, view, seed=seed, device=device)
    if model.train_text_encoder:
        made.texts.forget()
    if model.train_image_encoder and made.shapes is not None:
        made.shapes.forget()
    put_learned(_parts(model, made), learned)
    return made


def _parts(model: CityFM, trained: Pretrained) -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"net": trained.net}
    if model.train_text_encoder:
        parts["text"] = trained.texts.encoder
    if model.train_image_encoder and trained.shapes is not None:
        parts["image"] = trained.shapes.encoder
    return parts
