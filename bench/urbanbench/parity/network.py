"""Perceptrons as papers train them on frozen vectors; the training itself is in `_network_training`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from urbanbench.parity.contract import Answer
from urbanbench.parity.forms import natural_form
from urbanbench.parity.recipe import DECAYS, Recipe

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["GatedNetwork", "Network"]


@dataclass(frozen=True)
class Network(Recipe):
    """Perceptron on vectors as they are, trained for a fixed number of epochs; the epoch with the best validation score counts.

    The loss is the root of the mean squared error of values divided by their maximum; cross entropy for classes; for shares the
    KL divergence of the softmax from them. The validation score is the RMSE, macro F1, or that divergence.
    """

    @property
    def name(self) -> str:
        """One word, for tables and file names."""
        sizes = "-".join(map(str, ([self.entry] if self.entry else []) + list(self.hidden)))
        return f"mlp-{sizes}{'+position' if self.needs_position else ''}"

    @property
    def words(self) -> str:
        """Say the head in a line."""
        entry = f"linear {self.entry} with ReLU, " if self.entry else ""
        beside = f"position / {1 / self.position:g} beside it, " if self.needs_position else ""
        sizes = "-".join(map(str, self.hidden))
        norm = ", batch norm" if self.batch_norm else ""
        return (
            f"perceptron on raw vectors ({entry}{beside}{sizes} {self.activation}{norm}; Adam {self.learning_rate:g}, "
            f"batch {self.batch}, {self.epochs} epochs, {DECAYS[self.decay]}, best validation epoch)"
        )

    def fit_predict(
        self,
        vectors: np.ndarray,
        targets: Targets,
        split: Split,
        *,
        position: np.ndarray | None,
        parts: Mapping[str, tuple[int, int]],
        seed: int,
        name: str,
        device: str,
    ) -> Answer:
        """Train on the training rows, choose the epoch on the validation rows and predict the others."""
        from urbanbench.parity._network_training import trained

        beside = np.empty((len(vectors), 0)) if position is None else position * self.position
        halves = self.halves(parts)
        raw, epoch = trained(
            self, vectors, beside, targets, split, halves=halves, seed=seed, name=name, device=device
        )
        natural = natural_form(raw, targets)
        details = {"best_epoch": epoch} | ({"gated": True} if halves else {})
        return Answer(natural[split.test], natural[split.val], details)

    def halves(self, parts: Mapping[str, tuple[int, int]]) -> tuple[slice, slice] | None:
        """Return the columns of the two halves that are gated; None where there is no gate."""
        del parts
        return None


@dataclass(frozen=True)
class GatedNetwork(Network):
    """A `Network` that gates two halves of a vector first: g global + (1 - g) local with g = sigmoid(W [global, local]).

    In front of the linear entry stand then [global, gated]; what belongs to neither half is left out. Vectors without parts "global" and
    "local" of one width go into the entry as they are. Source: the released code of UrbanMFM, ``utils/models.py``.
    """

    @property
    def words(self) -> str:
        """Say the head in a line."""
        return f"{super().words}, the global and the local half of a vector gated first where it has them"

    def halves(self, parts: Mapping[str, tuple[int, int]]) -> tuple[slice, slice] | None:
        """Return the columns of "global" and "local", where both are there and as wide."""
        if not {"global", "local"} <= set(parts):
            return None
        both = slice(*parts["global"]), slice(*parts["local"])
        same = both[0].stop - both[0].start == both[1].stop - both[1].start
        return both if same else None
