"""What MuseCL takes from one city to another: the layers over its pictures' features, the fusion, and the encoders it trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from urbanbench.errors import RunRefused
from urbanbench.models._musecl.fusion import Fusion, Kinds
from urbanbench.models._musecl.pretrain import (
    Pretrained,
    pictures_by_kind,
    source_of,
    tell_broken,
)
from urbanbench.models._musecl.triplets import region_means
from urbanbench.toolkit.kept.weights import learned_weights, put_learned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from urbanbench.city.view import View
    from urbanbench.learned import Learned
    from urbanbench.models.musecl import MuseCL

__all__ = ["learned_of", "trained_elsewhere"]


def learned_of(model: MuseCL, trained: Pretrained) -> Learned:
    """Return the weights; the words of POIs are needed in training only."""
    del model
    heads = dict(zip(trained.names, trained.kinds.heads, strict=True))
    return learned_weights(_parts(heads, trained.encoders, trained.fusion), kinds=trained.names)


def trained_elsewhere(model: MuseCL, learned: Learned, view: View, *, seed: int, device: str) -> Pretrained:
    """Read the pictures of a city with weights that were learned in another; nothing is trained.

    Raises
    ------
    RunRefused
        The city has no pictures of a kind that was learned from.
    """
    there = {kind.name: (kind, pictures) for kind, pictures in pictures_by_kind(model, view)}
    names = tuple(learned.facts["kinds"])
    for name in names:
        if name not in there:
            msg = f"MuseCL learned from {name} pictures, and {view.city_name!r} shows none. Expected the kinds of pictures it learned from."
            raise RunRefused(msg)
    features, present = [], []
    heads: dict[str, nn.Linear] = {}
    encoders: dict[str, nn.Module] = {}
    for name in names:
        kind, pictures = there[name]
        source = source_of(model, kind, pictures, seed, device)
        heads[name] = nn.Linear(source.dim, model.dim).to(device)
        for encoder in source.modules():  # one, where it is trained along
            encoders[name] = encoder
            put_learned({f"encoder {name}": encoder}, learned)
        groups = pictures.without(source.ok)
        tell_broken(name, source.ok)
        pictures.shown.tell(source.ok)
        features.append(region_means(source, groups, device))
        present.append(groups.sizes > 0)
    kinds = Kinds(features, list(heads.values()), torch.from_numpy(np.column_stack(present)).to(device))
    fusion = Fusion(model.dim).to(device)
    put_learned(_parts(heads, {}, fusion), learned)
    return Pretrained(kinds.eval(), _no_words(kinds, model.dim), fusion.eval(), (), names, encoders)


def _no_words(kinds: Kinds, dim: int) -> Tensor:
    return torch.zeros(len(kinds.present), dim, device=kinds.present.device)


def _parts(
    heads: Mapping[str, nn.Module], encoders: Mapping[str, nn.Module], fusion: Fusion
) -> dict[str, nn.Module]:
    parts: dict[str, nn.Module] = {"fusion": fusion}
    parts |= {f"head {name}": head for name, head in heads.items()}
    return parts | {f"encoder {name}": encoder for name, encoder in encoders.items()}
