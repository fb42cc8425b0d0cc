"""Masked-token and masked-entity prediction as one objective."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # the library's own customary name
from torch import Tensor

from urbanbench.models._spabert.masking import draw_masks
from urbanbench.models._spabert.net import SpatialBert, read_batch
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.distributed import gathered, own_part

if TYPE_CHECKING:
    from torch import nn

    from urbanbench.models._spabert.sentences import Sentences


class MaskedObjective:
    """Guess the hidden tokens of pseudo-sentences: the mean cross entropy over all hidden tokens of a batch.

    Parameters
    ----------
    net
        What is trained, the head included.
    sentences
        One per anchor.
    share
        Probability with which a token or an entity is hidden.
    frequency
        Share of each token among the entities' tokens, (vocabulary,); guessing by it is what `chance` measures.
    parity_bugs
        Whole-entity masks one token to the left, and the loss over all positions, padding included.
    lr, lr_head
        Learning rates of BERT and of the head.
    device
        Where `net` is.
    """

    name = "masked"

    def __init__(
        self,
        net: SpatialBert,
        sentences: Sentences,
        *,
        share: float,
        frequency: np.ndarray,
        parity_bugs: bool,
        lr: float,
        lr_head: float,
        device: str,
    ) -> None:
        self.net, self.sentences, self.share, self.parity_bugs = net, sentences, share, parity_bugs
        self.lr, self.lr_head, self.device = lr, lr_head, device
        self.n_anchors = len(sentences)
        self._surprise = -np.log(frequency)
        self.chance = log(len(frequency))

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return BERT, with the word embeddings that the head shares, and the rest of the head."""
        tuned = [one for one in self.net.bert.parameters() if one.requires_grad]
        return [
            {"params": tuned, "lr": self.lr},
            {"params": list(self.net.head.parameters()), "lr": self.lr_head},
        ]

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained."""
        return (self.net,)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of some pivots' sentences; `chance` becomes what guessing by frequency alone would have had.

        With `parity_bugs`, whose loss counts special tokens too, `chance` stays that of guessing evenly.
        """
        batch = self.sentences.take(anchors)
        masks = draw_masks(batch, rng, share=self.share, shifted=self.parity_bugs)
        asked = np.ones_like(masks) if self.parity_bugs else masks
        if not self.parity_bugs:
            self.chance = float(self._surprise[batch.token[asked]].mean())
        shown = np.where(masks, self.sentences.words.tokenizer.mask, batch.token)
        own = own_part(len(anchors))
        hidden = read_batch(self.net, batch.part(own), torch.from_numpy(shown[own]), self.device)
        rows = torch.from_numpy(np.flatnonzero(asked[own])).to(self.device)
        targets = torch.from_numpy(batch.token[own][asked[own]]).to(self.device)
        logits = self.net.logits(take_rows(hidden.flatten(0, 1), rows))
        total = F.cross_entropy(logits.float(), targets, reduction="sum")
        # Processes hide different numbers of tokens: all losses are added before the mean is taken.
        return gathered(total[None]).sum() / int(asked.sum())
