"""UGE's loss: each left side of a lesson finds its right side among those of the batch, on whatever device they were encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.seeds import generator
from urbanbench.toolkit.training.contrastive import cosines, info_nce, info_nce_chance, same_row
from urbanbench.toolkit.training.distributed import gathered, own_part
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.items import Item
    from urbanbench.models._uge_vlm.material import Material
    from urbanbench.models._uge_vlm.net import UgeVlm

__all__ = ["PairObjective", "margin", "readable_pairs"]

Pair = tuple["Item", "Item"]


class PairObjective:
    """InfoNCE from left to right among the lessons of a batch, in-batch negatives across devices.

    Lessons with the same left or the same right side are no wrong answers of each other. In checks it is the same loss, or 1 minus the
    margin between right and wrong answers, as the model's `choose` says.

    Parameters
    ----------
    name
        Of the stage.
    net, material
        The model and what it reads.
    pairs
        Lessons of which both sides can be read.
    rates
        "adapters" and perhaps "graphs" to learning rate.
    temperature, weight_decay, choose
        As of the model.
    held_out
        Share of the lessons that are kept away; all those with one left picture are on one side. Of 0 all lessons train and judge.
    seed
        Draws them.
    """

    def __init__(
        self,
        name: str,
        net: UgeVlm,
        material: Material,
        pairs: Sequence[Pair],
        rates: Mapping[str, float],
        *,
        temperature: float,
        weight_decay: float,
        choose: str,
        held_out: float,
        batch: int,
        seed: int,
    ) -> None:
        self.name, self.net, self.material, self.pairs = name, net, material, list(pairs)
        self.rates, self.temperature, self.weight_decay, self.choose = (
            rates,
            temperature,
            weight_decay,
            choose,
        )
        self.n_anchors, self.chance = len(self.pairs), 0.0
        self._left, self._right = (_numbered([pair[k] for pair in self.pairs]) for k in (0, 1))
        self.held_out = self._kept_away(held_out, batch, seed) if held_out else None

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return adapters and graph encoder with the rate of each; weights decay apart from the gradient."""
        parts: Mapping[str, nn.Module | None] = {"adapters": self.net.language, "graphs": self.net.graphs}
        groups = []
        for name, rate in self.rates.items():
            module = parts[name]
            own = [one for one in module.parameters() if one.requires_grad] if module is not None else []
            groups.append(
                {"params": own, "lr": rate, "weight_decay": self.weight_decay, "decoupled_weight_decay": True}
            )
        return groups

    def modules(self) -> Sequence[nn.Module]:
        """Return the whole model, whose dropout is on in training."""
        return [self.net]

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of a batch of lessons."""
        del rng
        own = anchors[own_part(len(anchors))]
        left, right = (gathered(self._encoded([self.pairs[k][side] for k in own])) for side in (0, 1))
        same = on_device(self._same(anchors), left.device)
        if self.choose == "margin" and not self.net.training:
            self.chance = 1.0
            return 1.0 - margin(left, right, same)
        self.chance = info_nce_chance(same, direction="query_to_key")
        return info_nce(left, right, temperature=self.temperature, exclude=same, direction="query_to_key")

    def _kept_away(self, share: float, batch: int, seed: int) -> np.ndarray:
        n = self.n_anchors
        most = max(2, min(max(round(n * share), batch), n // 5))
        return _whole_groups(self._left, most, generator(seed, self.name, "held-out pictures"))

    def _encoded(self, items: Sequence[Item]) -> Tensor:
        turns, graphs = self.material.turns(items)
        texts = self.material.graphs.texts if self.material.graphs is not None else torch.empty(0)
        made: Tensor = self.net(turns, graphs, texts)
        return made

    def _same(self, anchors: np.ndarray) -> np.ndarray:
        """Return bool (b, b): which other lessons share a side."""
        left, right = (same_row(torch.from_numpy(one[anchors])) for one in (self._left, self._right))
        return (left | right).numpy()


def margin(left: Tensor, right: Tensor, same: Tensor) -> Tensor:
    """Return by how much the mean cosine of partners, (b, dim) each, is above that of others, without those that are the same, bool (b, b)."""
    found = cosines(left, right)
    partners = torch.eye(len(found), dtype=torch.bool, device=found.device)
    others = ~partners & ~same
    wrong = found[others].mean() if bool(others.any()) else found.new_zeros(())
    return found.diagonal().mean() - wrong


def readable_pairs(material: Material, *, with_graph: bool) -> list[Pair]:
    """Return the lessons of a view, with or without their graphs, as far as both sides can be read."""
    pairs = [
        tuple(material.readable(side, with_graph=with_graph) for side in (one.anchor, one.positive))
        for one in material.view.lessons
    ]
    return [(left, right) for left, right in pairs if left is not None and right is not None]


def _numbered(items: Sequence[Item]) -> np.ndarray:
    """Return a number for each item, equal for those that show the same: by picture, else graph, else text."""
    keys = [one.image or one.graph or one.text for one in items]
    return np.unique(np.array(keys, dtype=str), return_inverse=True)[1].reshape(-1)


def _whole_groups(group: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows of whole groups, drawn until there are so many, int64, sorted; at least one group stays."""
    order = rng.permutation(int(group.max(initial=-1)) + 1)
    sizes = np.bincount(group)[order]
    taken = min(int(np.searchsorted(np.cumsum(sizes), most)) + 1, len(order) - 1)
    return np.flatnonzero(np.isin(group, order[:taken]))
