"""The contrastive loss of both stages: pictures of lessons, and what belongs to them, looked for among those of the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from urbanbench.models._uge.net import Rows, Towers
from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training.contrastive import info_nce, info_nce_chance, same_row
from urbanbench.toolkit.training.transfer import on_device

if TYPE_CHECKING:
    from urbanbench.models._uge.material import Material

__all__ = ["Lessons", "PairObjective", "forms_of", "pictures_of"]


class Lessons:
    """Lessons by the picture that they are about, so that a batch has no two of one picture.

    Parameters
    ----------
    anchor, positive
        Sides of the k lessons.
    kind
        k words.
    about
        int64 (k,): number of the picture that a lesson is about; numbers may be missing.
    held_out
        int64: numbers of pictures that nothing is learned from.

    Attributes
    ----------
    held_out : np.ndarray
        int64: those of them that are here, as counted here.
    """

    def __init__(
        self, anchor: Rows, positive: Rows, kind: Sequence[str], about: np.ndarray, held_out: np.ndarray
    ) -> None:
        self.anchor, self.positive = anchor, positive
        numbers, self.about = np.unique(about, return_inverse=True)
        self.held_out = np.flatnonzero(np.isin(numbers, held_out))
        told = np.column_stack([positive.image, positive.text, positive.graph])
        self.told = np.unique(told, axis=0, return_inverse=True)[1].reshape(-1)
        names, number = np.unique(np.array(kind, dtype=str), return_inverse=True)
        self.kinds = tuple(names.tolist())
        rows = np.arange(len(self.about))
        self._all = Groups.from_pairs(self.about, rows, len(numbers))
        self._of_kind = [
            Groups.from_pairs(self.about[number == k], rows[number == k], len(numbers))
            for k in range(len(names))
        ]

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._all)

    def draw(self, kind: int, pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a lesson of each picture, int64 (b,), each of those of a kind with the same chance; of any kind where it has none of this."""
        found, share = np.empty(len(pictures), dtype=np.int64), rng.random(len(pictures))
        has = self._of_kind[kind].sizes[pictures] > 0
        for groups, rows in ((self._of_kind[kind], has), (self._all, ~has)):
            of, luck = pictures[rows], share[rows]
            found[rows] = groups.member[groups.start[of] + (luck * groups.sizes[of]).astype(np.int64)]
        return found


class PairObjective:
    """InfoNCE in both directions among the lessons of a batch.

    Other lessons with the same right side are no wrong answers, and a right side that several have stands once among the candidates, as where it
    is chosen from: standing there as often as it is right, it would be learned to be wrong for all that it is often right.

    Parameters
    ----------
    name
        Of the stage.
    towers, material
        The model and what it reads.
    lessons
        Pairs.
    rates
        Learning rate by tower: "image", "text", "graph", "fusion"; a tower without one is not trained.
    temperature
        By which cosines are divided.
    drop
        Share of the anchors with a graph that lose it in a training step, and of those that keep it, that lose their picture.
    weight_decay
        Of matrices.
    """

    def __init__(
        self,
        name: str,
        towers: Towers,
        material: Material,
        lessons: Lessons,
        rates: Mapping[str, float],
        *,
        temperature: float,
        drop: tuple[float, float],
        weight_decay: float,
    ) -> None:
        self.name, self.towers, self.material, self.lessons = name, towers, material, lessons
        self.n_anchors, self.rates, self.temperature, self.drop = len(lessons), rates, temperature, drop
        self.weight_decay, self.chance = weight_decay, 0.0
        self.held_out = lessons.held_out if len(lessons.held_out) > 1 else None

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return the towers' weights with the rate of each; single numbers and normalisations do not decay."""
        groups = []
        for name, rate in self.rates.items():
            for many in (True, False):
                own = [
                    one
                    for module in self._parts(name)
                    for one in module.parameters()
                    if (one.ndim > 1) == many
                ]
                decay = self.weight_decay if many else 0.0
                groups += (
                    [{"params": own, "lr": rate, "weight_decay": decay, "decoupled_weight_decay": True}]
                    if own
                    else []
                )
        return groups

    def modules(self) -> Sequence[nn.Module]:
        """Return the towers, and the encoder of pictures where that is trained along."""
        encoder = getattr(self.material.views, "encoder", None)
        return [one for one in (self.towers, encoder) if one is not None]

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the loss of a batch of pictures: in training with lessons of one kind, which are harder to tell apart, else the mean over all kinds."""
        if self.towers.training:
            return self._loss_of(int(rng.integers(len(self.lessons.kinds))), anchors, rng)
        losses, chances = [], []
        for kind in range(len(self.lessons.kinds)):
            losses.append(self._loss_of(kind, anchors, rng))
            chances.append(self.chance)
        self.chance = float(np.mean(chances))
        return torch.stack(losses).mean()

    def _loss_of(self, kind: int, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        drawn = self.lessons.draw(kind, anchors, rng)
        anchor, positive = self.lessons.anchor.take(drawn), self.lessons.positive.take(drawn)
        if self.towers.training:
            anchor = self._dropped(anchor, rng)
        told = self.lessons.told[drawn]
        same = same_row(on_device(told, self.material.clauses.device))
        again = np.isin(np.arange(len(told)), np.unique(told, return_index=True)[1], invert=True)
        wrong = same | on_device(again, same.device)
        asking, answering = self.towers(anchor, self.material), self.towers(positive, self.material)
        sides = ((asking, answering, wrong), (answering, asking, same))
        self.chance = float(
            np.mean([info_nce_chance(exclude, direction="query_to_key") for _, _, exclude in sides])
        )
        return torch.stack([self._toward(*one) for one in sides]).mean()

    def _toward(self, query: Tensor, key: Tensor, exclude: Tensor) -> Tensor:
        return info_nce(query, key, temperature=self.temperature, exclude=exclude, direction="query_to_key")

    def _dropped(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """Take the graph away from some items that have a picture, too, or the picture from some that have a graph."""
        both = (rows.image >= 0) & (rows.graph >= 0)
        luck, graph, image = rng.random(len(rows)), *self.drop
        no_graph = both & (luck < graph)
        no_image = both & ~no_graph & (luck < graph + (1.0 - graph) * image)
        return replace(
            rows, image=np.where(no_image, -1, rows.image), graph=np.where(no_graph, -1, rows.graph)
        )

    def _parts(self, name: str) -> list[nn.Module]:
        module = getattr(self.towers, name)
        encoder = getattr(self.material.views, "encoder", None) if name == "image" else None
        return [one for one in (module, encoder) if one is not None]


def forms_of(kinds: Sequence[str], questions: Sequence[str], pictures: int) -> list[str]:
    """Tell lessons of a kind apart by the question: those that begin with the same two words are of one form where every fourth picture has one.

    Answers to other forms of questions are no answers at all, which is told at a glance.

    Parameters
    ----------
    kinds, questions
        k words, and k texts beside the pictures, "" for none.
    pictures
        How many pictures there are.
    """
    begins = [" ".join(one.split()[:2]) for one in questions]
    often = Counter(zip(kinds, begins, strict=True))
    return [
        f"{kind}: {begin}" if begin and 4 * often[kind, begin] >= pictures else kind
        for kind, begin in zip(kinds, begins, strict=True)
    ]


def pictures_of(anchor: Rows) -> np.ndarray:
    """Return numbers of what lessons are about, int64 (k,): the anchor's picture, or its graph, or its text, whichever comes first."""
    found = np.column_stack([anchor.image, anchor.graph, anchor.text])
    which = (found >= 0).argmax(axis=1)
    named = np.column_stack([which, found[np.arange(len(found)), which]])
    return np.unique(named, axis=0, return_inverse=True)[1].reshape(-1)
