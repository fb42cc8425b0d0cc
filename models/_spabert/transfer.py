"""What SpaBERT takes from one city to another: the weights of its encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.models._spabert.pretrain import Pretrained, prepare
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models.spabert import SpaBERT

__all__ = ["learned_of", "trained_elsewhere"]


def learned_of(model: SpaBERT, trained: Pretrained) -> Learned:
    """Return the weights of the encoder, without the head that only training needs; none where nothing is trained."""
    return learned_weights({"bert": trained.net.bert} if model.train else {})


def trained_elsewhere(model: SpaBERT, learned: Learned, view: View, *, seed: int, device: str) -> Pretrained:
    """Read a city with an encoder that was trained on another; nothing is trained."""
    made, _ = prepare(model, view, seed=seed, device=device)
    put_learned({"bert": made.net.bert} if model.train else {}, learned)
    made.net.eval()
    return made
