"""What UrbanCLIP takes from one city to another: the weights of what looks at pictures. Sentences are needed in training only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanbench.models._urbanclip.pretrain import Seer
from urbanbench.models._urbanclip.tiles import gather_tiles
from urbanbench.models._urbanclip.towers import SCRATCH, TowerMaker
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models._urbanclip.net import CoCa
    from urbanbench.models.urbanclip import UrbanCLIP

__all__ = ["learned_of", "trained_elsewhere"]

NO_SENTENCE = ("nothing",)
"""What the text tower is made for where it reads nothing."""


def learned_of(model: UrbanCLIP, trained: Seer) -> Learned:
    """Return the picture tower where it is trained, and what brings its tokens to a vector."""
    return learned_weights(_parts(model, trained.net))


def trained_elsewhere(model: UrbanCLIP, learned: Learned, view: View, *, seed: int, device: str) -> Seer:
    """Read the pictures of a city with weights that were learned in another; nothing is trained."""
    tiles = gather_tiles(view, model.tile)
    maker = TowerMaker(model, seed=seed, device=device)
    image = maker.image(tiles, tiles.digest(view.picture_digest(tiles.images)))
    net = maker.net(image, maker.text(NO_SENTENCE))
    put_learned(_parts(model, net), learned)
    return Seer(tiles, net.eval(), device)


def _parts(model: UrbanCLIP, net: CoCa) -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"bring": net.bring, "pooler": net.pooler}
    if net.to_picture is not None:
        parts["to_picture"] = net.to_picture
    if model.image_tower == SCRATCH or model.train_image_tower:
        parts["image"] = net.image
    return parts
