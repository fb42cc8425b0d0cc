"""Random forests of scikit-learn's trees, grown in threads of ours: the same bits as its forests.

scikit-learn's own forests change the process's warning filters in every thread while trees grow. Threads that do so at once empty the filters, or leave those of another
behind, and then each tree warns that it was not told the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from urbanbench.scoring.heads.threads import side_by_side

__all__ = ["Forest", "grow"]

_LARGEST_SEED = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Forest:
    """Grown trees.

    Parameters
    ----------
    trees
        scikit-learn's, in the order of their seeds.
    classes
        Class names (k,), sorted; None of numbers.
    """

    trees: list[Any]
    classes: np.ndarray | None

    def mean(self, rows: np.ndarray) -> np.ndarray:
        """Return the trees' mean answer to rows (m, dim): numbers (m,) or (m, k), or shares of votes (m, classes)."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        answers = [
            tree.predict(rows, check_input=False)
            if self.classes is None
            else tree.predict_proba(rows, check_input=False)
            for tree in self.trees
        ]
        total = np.zeros_like(answers[0], dtype=np.float64)
        for answer in answers:
            total += answer
        return np.asarray(total / len(answers))


def grow(
    rows: np.ndarray,
    values: np.ndarray,
    *,
    trees: int,
    max_features: float | str,
    random_state: int,
    threads: int,
) -> Forest:
    """Grow a random forest (Breiman 2001): every tree on rows drawn with replacement, as many as there are.

    Parameters
    ----------
    rows
        float32 (n, dim), finite.
    values
        Numbers (n,) or (n, k); or class names (n,), object.
    trees
        Number of trees.
    max_features
        Share of columns looked at per node, or "sqrt".
    random_state
        Draws the trees' seeds.
    threads
        Trees grown at once; changes no bit.
    """
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    named = values.dtype.kind not in "fiu"
    classes, coded = np.unique(values, return_inverse=True) if named else (None, values)
    wanted = np.ascontiguousarray(coded.reshape(len(rows), -1), dtype=np.float64)
    kind = DecisionTreeClassifier if named else DecisionTreeRegressor

    def one(seed: int) -> Any:
        drawn = np.random.RandomState(seed).randint(0, len(rows), len(rows))
        weights = np.bincount(drawn, minlength=len(rows)).astype(np.float64)
        tree = kind(max_features=max_features, random_state=seed)
        return tree.fit(rows, wanted, sample_weight=weights, check_input=False)

    draw = np.random.RandomState(random_state)
    seeds = [int(draw.randint(_LARGEST_SEED)) for _ in range(trees)]
    return Forest(side_by_side(one, seeds, threads), classes)
