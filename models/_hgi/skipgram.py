"""Vectors of categories: which occur together on walks (skip-gram), and which share a first-level category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  # the library's own customary name

from urbanbench.toolkit.ground.neighbours import Groups
from urbanbench.toolkit.training import take_rows

if TYPE_CHECKING:
    from urbanbench.models._hgi.categories import Categories


class CategoryVectors(nn.Module):
    """A vector per category as a target, which is kept, and one as a context.

    Parameters
    ----------
    count
        Number of categories.
    dim
        Length of a vector.
    """

    def __init__(self, count: int, dim: int) -> None:
        super().__init__()
        self.target = nn.Parameter(torch.randn(count, dim))
        self.context = nn.Parameter(torch.randn(count, dim))


class CategoryObjective:
    """Skip-gram with negatives over walks, plus the hierarchical term. An anchor is a walk.

    The first category of a walk is the target and the others are its contexts. Each pair has `negatives` categories that never
    occur in a context of the target; where every category does, any other category.

    Parameters
    ----------
    vectors
        What is trained.
    categories
        Their first-level categories.
    walks
        int (w, length): second-level category of each step, -1 after the end of a walk.
    negatives
        Negatives of a pair.
    hierarchy
        λ of the hierarchical term.
    lr
        Learning rate.
    device
        Where `vectors` is.
    """

    name = "categories"

    def __init__(
        self,
        vectors: CategoryVectors,
        categories: Categories,
        walks: np.ndarray,
        *,
        negatives: int,
        hierarchy: float,
        lr: float,
        device: str,
    ) -> None:
        self.vectors, self.negatives, self.hierarchy = vectors, negatives, hierarchy
        self.lr, self.device = lr, device
        self.walks = walks[walks[:, 1] >= 0]
        self.n_anchors = len(self.walks)
        self.never = never_together(self.walks, len(categories))
        members = np.eye(int(categories.parent.max(initial=0)) + 1, dtype=np.float32)[categories.parent].T
        self.members = torch.from_numpy(np.ascontiguousarray(members)).to(device)
        self.chance = 0.0

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return both tables."""
        return [{"params": list(self.vectors.parameters()), "lr": self.lr}]

    def modules(self) -> Sequence[nn.Module]:
        """Return both tables."""
        return (self.vectors,)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the mean loss of some walks, plus the hierarchical term."""
        walks = self.walks[anchors]
        target, context = walks[:, 0], walks[:, 1:]
        wrong = draw_negatives(self.never, target, context.shape[1] * self.negatives, rng)
        real = context >= 0
        scores = take_rows(self.vectors.target, self._on_device(target)) @ self.vectors.context.T
        right = F.softplus(-scores.gather(1, self._on_device(np.maximum(context, 0))))
        false = F.softplus(scores.gather(1, self._on_device(wrong)))
        weight = self._on_device(real.astype(np.float32))
        total = (right * weight).sum() + (false * weight.repeat_interleave(self.negatives, dim=1)).sum()
        self.chance = float(real.sum(axis=1).mean()) * (1 + self.negatives) * log(2)
        return total / len(anchors) + self.hierarchy / 2 * pairwise_distances(
            self.vectors.target, self.members
        )

    def _on_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def never_together(walks: np.ndarray, count: int) -> Groups:
    """Return for each category those that never stand in a walk that it begins; all others where there are none such.

    Parameters
    ----------
    walks
        int (w, length): categories, -1 after the end.
    count
        Number of categories, at least 2.
    """
    together = np.zeros((count, count), dtype=bool)
    for column in range(1, walks.shape[1]):
        there = walks[:, column] >= 0
        together[walks[there, 0], walks[there, column]] = True
    together[together.all(axis=1)] = np.eye(count, dtype=bool)[together.all(axis=1)]
    target, other = np.nonzero(~together)
    return Groups.from_pairs(target, other, count)


def draw_negatives(never: Groups, target: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` negatives of every target with repetition, int64 (b, count)."""
    place = (rng.random((len(target), count)) * never.sizes[target][:, None]).astype(np.int64)
    return np.asarray(never.member[never.start[target][:, None] + place])


def pairwise_distances(vectors: Tensor, members: Tensor) -> Tensor:
    """Return the sum of ‖c_i - c_j‖² over all pairs i < j of the same group.

    Parameters
    ----------
    vectors
        (c, dim).
    members
        Ones and zeros (g, c): which vectors are in which group.
    """
    squares = (members @ vectors.square().sum(dim=1)) * members.sum(dim=1)
    return (squares - (members @ vectors).square().sum(dim=1)).sum()
