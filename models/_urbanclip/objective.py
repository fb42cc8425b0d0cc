"""The loss: each picture finds its sentence among the batch's and the other way round, and the decoder writes the sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._urbanclip.net import caption_loss
from urbanbench.seeds import generator
from urbanbench.toolkit.training.contrastive import info_nce, info_nce_chance, same_row

if TYPE_CHECKING:
    from urbanbench.models._urbanclip.net import CoCa
    from urbanbench.toolkit.ground.neighbours import Groups


class CaptionObjective:
    """Contrastive loss and caption loss, 1 : 1. An anchor is a tile with a picture and at least one sentence.

    In training the loss is the sum of both; weights are judged by the contrastive loss alone, as in the authors' code.

    Parameters
    ----------
    net
        What is trained.
    tile
        int64 (n,): tile of every anchor.
    picture
        int64 (n,): which picture it shows; equal numbers, equal pictures.
    sentences
        Rows of sentences of every anchor, at least one each.
    fixed
        Whether each anchor keeps one sentence, drawn with `seed`, instead of drawing one at every step.
    mask_same
        Whether pairs of the same picture or sentence are no negatives of each other.
    caption_weight
        Weight of the caption loss.
    lr, weight_decay
        Of all that is trained; weight decay of matrices only, decoupled from the gradient.
    seed, device
        Seed of fixed sentences; where the net is.

    Attributes
    ----------
    chance : float
        Loss of vectors that tell nothing and of a decoder that takes all words for equally likely, in the latest batch.
    """

    name = "caption"

    def __init__(
        self,
        net: CoCa,
        tile: np.ndarray,
        picture: np.ndarray,
        sentences: Groups,
        *,
        fixed: bool,
        mask_same: bool,
        caption_weight: float,
        lr: float,
        weight_decay: float,
        seed: int,
        device: str,
    ) -> None:
        self.net, self.tile, self.picture, self.sentences = net, tile, picture, sentences
        self.mask_same, self.caption_weight = mask_same, caption_weight
        self.lr, self.weight_decay, self.device = lr, weight_decay, device
        self.n_anchors, self.chance = len(tile), float("nan")
        kept = generator(seed, self.name, "fixed").random(len(tile))
        self._fixed = self._sentence(np.arange(len(tile)), kept) if fixed else None

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return matrices with weight decay, the rest without."""
        trained = [one for one in self.net.parameters() if one.requires_grad]
        rules = {"lr": self.lr, "decoupled_weight_decay": True}
        matrices, rest = ([one for one in trained if (one.ndim > 1) == many] for many in (True, False))
        return [
            {"params": matrices, "weight_decay": self.weight_decay, **rules},
            {"params": rest, "weight_decay": 0.0, **rules},
        ]

    def modules(self) -> Sequence[nn.Module]:
        """Return the net."""
        return [self.net]

    def draw(self, anchors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one sentence per anchor, int64 (b,): each of its sentences with the same chance, or its fixed one."""
        if self._fixed is not None:
            return np.asarray(self._fixed[anchors])
        return self._sentence(anchors, rng.random(len(anchors)))

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of a batch."""
        sentence = self.draw(anchors, rng)
        contrastive, caption, candidates = self.parts(anchors, sentence)
        if not self.net.training:
            self.chance = candidates
            return contrastive
        self.chance = candidates + self.caption_weight * log(self.net.text.n_words)
        return contrastive + self.caption_weight * caption

    def parts(self, anchors: np.ndarray, sentence: np.ndarray) -> tuple[Tensor, Tensor, float]:
        """Return contrastive loss, caption loss, and the contrastive loss of vectors that tell nothing."""
        self.net.limit_scale()
        rows = torch.from_numpy(sentence).to(self.device)
        pictures, seen = self.net.see(torch.from_numpy(self.tile[anchors]).to(self.device))
        sentences, states, ids, real = self.net.read(rows)
        same = self._same(anchors, sentence)
        temperature: Any = torch.exp(-self.net.log_scale)
        contrastive = info_nce(pictures, sentences, temperature=temperature, exclude=same)
        candidates = log(len(anchors)) if same is None else info_nce_chance(same)
        caption = caption_loss(self.net.write(states, seen), ids, real)
        return contrastive, caption, candidates

    def _same(self, anchors: np.ndarray, sentence: np.ndarray) -> Tensor | None:
        """Return bool (b, b): pairs that are no negatives of each other; None where all are."""
        if not self.mask_same:
            return None
        shown = torch.from_numpy(self.picture[anchors]).to(self.device)
        return same_row(shown) | same_row(torch.from_numpy(sentence).to(self.device))

    def _sentence(self, anchors: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Return the sentence at a share in [0, 1) of each anchor's own ones."""
        place = (share * self.sentences.sizes[anchors]).astype(np.int64)
        return np.asarray(self.sentences.member[self.sentences.start[anchors] + place])
