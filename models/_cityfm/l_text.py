"""First stage: one text at a road and the mean of all texts at it belong together (mutual information between texts)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._cityfm.net import CityNet, means, paired_loss
from urbanbench.toolkit.training import take_rows
from urbanbench.toolkit.training.distributed import gathered, own_part

if TYPE_CHECKING:
    from urbanbench.toolkit.features._feature_rows import FeatureRows
    from urbanbench.toolkit.ground.neighbours import Groups

__all__ = ["TextObjective", "draw_texts", "text_groups"]


class TextObjective:
    """L_text. An anchor is a road, or a POI with its neighbours.

    Parameters
    ----------
    net
        Its text projection is trained.
    texts
        Features of distinct texts; an encoder inside is trained along.
    contexts
        Rows of the texts at every anchor, the text of no POI last.
    leave_one_out
        Whether the mean leaves the sampled text out.
    mask_same_text
        Whether anchors with the same sampled text are no negatives of each other.
    chunk, temperature
        Of the loss.
    lr
        Learning rate of projection and encoder.
    device
        Where the net is.
    """

    name = "text"

    def __init__(
        self,
        net: CityNet,
        texts: FeatureRows,
        contexts: Groups,
        *,
        leave_one_out: bool,
        mask_same_text: bool,
        chunk: int,
        temperature: float,
        lr: float,
        device: str,
    ) -> None:
        self.net, self.texts, self.leave_one_out, self.mask_same_text = (
            net,
            texts,
            leave_one_out,
            mask_same_text,
        )
        # alone in its context, a text has no others to be compared with
        self.contexts = contexts.at_least(2) if leave_one_out else contexts
        self.chunk, self.temperature, self.lr, self.device = chunk, temperature, lr, device
        self.n_anchors, self.chance = len(self.contexts), 0.0

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the text projection and, if it is trained, the text encoder."""
        return text_groups(self.net, self.texts, self.lr)

    def modules(self) -> Sequence[nn.Module]:
        """Return what is trained."""
        return (self.net.text, *self.texts.modules())

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return NT-Xent of the sampled texts and the means of their contexts."""
        query, member, owner = draw_texts(self.contexts, anchors, rng, leave_one_out=self.leave_one_out)
        own = own_part(len(anchors))
        mine = (owner >= own.start) & (owner < own.stop)
        asked = np.concatenate([query[own], member[mine]])
        distinct, place = np.unique(asked, return_inverse=True)
        features = self.texts.rows(torch.from_numpy(distinct).to(self.device))
        places = torch.from_numpy(place).to(self.device)
        n = own.stop - own.start
        owners = torch.from_numpy(owner[mine] - own.start).to(self.device)
        drawn = self.net.encode_text(take_rows(features, places[:n]))
        whole = self.net.encode_text(means(features, places[n:], owners, n))
        labels = torch.from_numpy(query).to(self.device) if self.mask_same_text else None
        loss, self.chance = paired_loss(
            gathered(drawn), gathered(whole), chunk=self.chunk, temperature=self.temperature, labels=labels
        )
        return loss


def draw_texts(
    contexts: Groups, anchors: np.ndarray, rng: np.random.Generator, *, leave_one_out: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw one text of every context, each of its members with the same chance.

    The text of no POI stands once in every context, so that among n POIs it is drawn with probability 1 / (n + 1).

    Returns
    -------
    query, member, owner
        int64 (b,): the drawn texts; int64 (m,): texts of the means, and the position in `anchors` each belongs to.
    """
    member, owner = contexts.take(anchors)
    sizes = contexts.sizes[anchors]
    picked = np.cumsum(sizes) - sizes + np.floor(rng.random(len(anchors)) * sizes).astype(np.int64)
    query = member[picked]
    if leave_one_out:
        member, owner = np.delete(member, picked), np.delete(owner, picked)
    return query, member, owner


def text_groups(net: CityNet, texts: FeatureRows, lr: float) -> list[Mapping[str, Any]]:
    """Return the text projection and what is trained of the encoder as a group for the optimiser."""
    tuned = [one for module in texts.modules() for one in module.parameters() if one.requires_grad]
    return [{"params": [*net.text.parameters(), *tuned], "lr": lr}]
