"""Heads of papers that scikit-learn fits: ridge regression and a random forest, on vectors as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanbench.parity.contract import Answer

if TYPE_CHECKING:
    from urbanbench.scoring.split import Split
    from urbanbench.scoring.targets import Targets

__all__ = ["CountedForest", "Forest", "Ridge"]


@dataclass(frozen=True)
class Ridge:
    """Ridge regression with a fixed penalty, solved in double precision.

    Parameters
    ----------
    alpha
        Penalty of the squared weights; the loss is summed over training rows.
    """

    alpha: float = 1.0
    needs_position: bool = False

    @property
    def name(self) -> str:
        """One word, for tables and file names."""
        return f"ridge-{self.alpha:g}"

    @property
    def words(self) -> str:
        """Say the head in a line."""
        return f"ridge regression with alpha {self.alpha:g} on raw vectors"

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
        """Fit on the training rows and predict the others; nothing in it is random."""
        from sklearn.linear_model import Ridge as SklearnRidge

        del position, parts, seed, name, device
        return _answer(SklearnRidge(alpha=self.alpha), vectors.astype(np.float64), targets, split)


@dataclass(frozen=True)
class Forest:
    """Random forest with scikit-learn's defaults, so every column is looked at in every node; its seed is the number of the repeat.

    Parameters
    ----------
    trees
        Number of trees.
    """

    trees: int = 100
    needs_position: bool = False

    @property
    def name(self) -> str:
        """One word, for tables and file names."""
        return f"forest-{self.trees}"

    @property
    def words(self) -> str:
        """Say the head in a line."""
        return f"random forest of {self.trees} trees on raw vectors"

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
        """Fit on the training rows and predict the others, on the CPU."""
        from sklearn.ensemble import RandomForestRegressor

        del position, parts, name, device
        return _answer(RandomForestRegressor(self.trees, random_state=seed), vectors, targets, split)


@dataclass(frozen=True)
class CountedForest(Forest):
    """A `Forest` whose seeds are counted from another number than 0.

    Parameters
    ----------
    trees
        Number of trees.
    first
        Seed in the first repeat; each further repeat has the next number.
    """

    first: int = 1

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
        """Fit on the training rows and predict the others, on the CPU."""
        return super().fit_predict(
            vectors,
            targets,
            split,
            position=position,
            parts=parts,
            seed=self.first + seed,
            name=name,
            device=device,
        )


def _answer(model: Any, vectors: np.ndarray, targets: Targets, split: Split) -> Answer:
    model.fit(vectors[split.train], targets.values[split.train])
    test, val = (
        np.asarray(model.predict(vectors[rows]) if len(rows) else targets.values[rows], dtype=np.float64)
        for rows in (split.test, split.val)
    )
    return Answer(test, val, {})
