"""Random forests of scikit-learn's trees, grown in threads of ours: the same bits as its forests.

Where numba is installed and a forest is large, its regression trees are grown by `_compiled_trees`, with the same bits in less than half the time.

scikit-learn's own forests change the process's warning filters in every thread while trees grow. Threads that do so at once empty the filters, or leave those of another
behind, and then each tree warns that it was not told the configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from urbanbench.scoring.heads.threads import side_by_side

__all__ = ["Forest", "grow"]

_LARGEST_SEED = np.iinfo(np.int32).max
_WORTH_COMPILING = 200_000
_MOST_TIED = 0.25


@dataclass(frozen=True, eq=False)
class Forest:
    """Grown trees.

    Parameters
    ----------
    trees
        scikit-learn's or `_compiled_trees`', in the order of their seeds.
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
    grown = None if named else _compiled(rows, wanted, max_features)
    grown = grown or _of_scikit_learn(
        DecisionTreeClassifier if named else DecisionTreeRegressor, rows, wanted, max_features
    )

    def one(seed: int) -> Any:
        drawn = np.random.RandomState(seed).randint(0, len(rows), len(rows))
        return grown(np.bincount(drawn, minlength=len(rows)).astype(np.float64), seed)

    draw = np.random.RandomState(random_state)
    seeds = [int(draw.randint(_LARGEST_SEED)) for _ in range(trees)]
    return Forest(side_by_side(one, seeds, threads), classes)


_Grown = Callable[[np.ndarray, int], Any]
"""Grows the tree of weights (n,) and a seed."""


def _of_scikit_learn(kind: Any, rows: np.ndarray, wanted: np.ndarray, max_features: float | str) -> _Grown:
    def one(weights: np.ndarray, seed: int) -> Any:
        tree = kind(max_features=max_features, random_state=seed)
        return tree.fit(rows, wanted, sample_weight=weights, check_input=False)

    return one


def _compiled(rows: np.ndarray, wanted: np.ndarray, max_features: float | str) -> _Grown | None:
    """Return None where numba is missing or would not help: for several numbers, few rows, and columns with equal values, which have to be sorted as scikit-learn does."""
    if wanted.shape[1] > 1 or rows.size < _WORTH_COMPILING or isinstance(max_features, str):
        return None
    if find_spec("numba") is None:
        return None
    try:
        from urbanbench.scoring.heads._compiled_trees import Columns, grow_tree
    except (
        ImportError,
        RuntimeError,
    ):  # a numba for other versions of NumPy, or no folder to keep what it compiles
        return None
    columns, looked_at = Columns.of(rows), max(1, int(max_features * rows.shape[1]))
    if columns.tied.mean() > _MOST_TIED:
        return None
    return lambda weights, seed: grow_tree(columns, wanted[:, 0], weights, looked_at=looked_at, seed=seed)
