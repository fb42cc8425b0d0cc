"""Step 2: a region is nearer to its words than to words it does not have, by a margin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from urbanbench.models._urban2vec.net import triplet_loss
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanbench.models._urban2vec.net import Tables
    from urbanbench.models._urban2vec.words import RegionWords

ROUNDS = 16
"""Draws from all words before the words a region lacks are listed."""


class AbsentWords:
    """Draws words that a region does not have, in proportion to their count to some power.

    Parameters
    ----------
    words
        All occurrences.
    power
        Of the counts.
    """

    def __init__(self, words: RegionWords, power: float) -> None:
        self.n_words, self.present = len(words.names), words.present
        self.weight = words.counts.astype(np.float64) ** power
        self._ends = np.cumsum(self.weight)
        self._of_region = np.bincount(self.present // max(self.n_words, 1), minlength=words.n_regions)

    @property
    def possible(self) -> np.ndarray:
        """Which regions lack a word, bool (g,)."""
        return np.asarray(self._of_region < np.count_nonzero(self.weight))

    def draw(self, region: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a word for each region, int64 (b,); all regions must lack one.

        Words are drawn from all, and drawn again where the region has them, which leaves the shares of the others as they are.
        """
        word = np.empty(len(region), dtype=np.int64)
        left = np.arange(len(region))
        for _ in range(ROUNDS):
            drawn = np.searchsorted(self._ends, rng.random(len(left)) * self._ends[-1], side="right")
            word[left] = np.minimum(drawn, self.n_words - 1)
            left = left[self.has(region[left], word[left])]
            if not len(left):
                return word
        for one in np.unique(region[left]).tolist():
            rows = left[region[left] == one]
            word[rows] = rng.choice(self.n_words, size=len(rows), p=self._shares(one))
        return word

    def has(self, region: np.ndarray, word: np.ndarray) -> np.ndarray:
        """Tell which regions (b,) have which words (b,)."""
        key = region * self.n_words + word
        place = np.minimum(np.searchsorted(self.present, key), len(self.present) - 1)
        return np.asarray(self.present[place] == key)

    def _shares(self, region: int) -> np.ndarray:
        bounds = np.searchsorted(self.present, [region * self.n_words, (region + 1) * self.n_words])
        weight = self.weight.copy()
        weight[self.present[bounds[0] : bounds[1]] - region * self.n_words] = 0.0
        return np.asarray(weight / weight.sum())


class WordObjective:
    """Triplets of a region, a word of one of its POIs and a word it lacks. An anchor is an occurrence of a word.

    Parameters
    ----------
    tables
        Trained, both.
    words
        All occurrences; those in regions that have every word are left out.
    power
        Of the counts, in drawing negatives.
    held_out
        Share of distinct pairs of region and word that are kept from training, with all their occurrences.
    margin
        Of the loss, which is also what vectors that tell nothing have.
    lr
        Learning rate.
    rng
        Draws the held-out pairs.
    device
        Where the tables are.
    """

    name = "words"

    def __init__(
        self,
        tables: Tables,
        words: RegionWords,
        *,
        power: float,
        held_out: float,
        margin: float,
        lr: float,
        rng: np.random.Generator,
        device: str,
    ) -> None:
        self.tables, self.margin, self.lr, self.device = tables, margin, lr, device
        self.absent = AbsentWords(words, power)
        self.words = words.where(self.absent.possible[words.region])
        self.n_anchors, self.held_out = len(self.words), held_out_rows(self.words, held_out, rng)
        self.chance = margin

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return both tables."""
        return [{"params": list(self.tables.parameters()), "lr": self.lr, "amsgrad": True}]

    def modules(self) -> Sequence[nn.Module]:
        """Return both tables."""
        return (self.tables,)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the mean loss of some occurrences."""
        region, word = self.words.region[anchors], self.words.word[anchors]
        wrong = self.absent.draw(region, rng)
        place, right, other = (
            take_rows(table, torch.from_numpy(rows).to(self.device))
            for table, rows in (
                (self.tables.region, region),
                (self.tables.word, word),
                (self.tables.word, wrong),
            )
        )
        return triplet_loss(place, right, other, self.margin).mean()


def held_out_rows(words: RegionWords, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a share of the distinct pairs of region and word, and return their occurrences, int64 (k,) sorted."""
    pairs, pair = np.unique(words.region * len(words.names) + words.word, return_inverse=True)
    chosen = np.zeros(len(pairs), dtype=bool)
    chosen[rng.permutation(len(pairs))[: round(share * len(pairs))]] = True
    return np.flatnonzero(chosen[pair])
