"""An objective over some of its anchors: sampling density during training (Section V-E)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.seeds import generator

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanbench.toolkit.training import Objective


class SampledObjective:
    """Another objective, restricted to anchors that are drawn once.

    Parameters
    ----------
    whole
        The objective.
    share
        Share of its anchors, (0, 1].
    seed
        Seed of the draw.
    """

    def __init__(self, whole: Objective, share: float, *, seed: int) -> None:
        self.whole, self.name = whole, whole.name
        self.n_anchors = max(1, round(share * whole.n_anchors)) if whole.n_anchors else 0
        order = generator(seed, "urbanmfm", "sampled", whole.name).permutation(whole.n_anchors)
        self.rows = np.sort(order[: self.n_anchors])

    @property
    def chance(self) -> float | None:
        """What the whole objective says of vectors that tell nothing, None where it says nothing."""
        own: float | None = getattr(self.whole, "chance", None)
        return own

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Return those of the whole."""
        return self.whole.parameter_groups()

    def modules(self) -> Sequence[nn.Module]:
        """Return those of the whole."""
        return self.whole.modules()

    def expect(self, anchors: np.ndarray, rng: np.random.Generator) -> None:
        """Tell the whole objective what it will be asked for, where it wants to know."""
        told = getattr(self.whole, "expect", None)
        if told is not None:
            told(self.rows[anchors], rng)

    def loss(self, anchors: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Return the whole objective's loss of some of the drawn anchors."""
        return self.whole.loss(self.rows[anchors], rng)
