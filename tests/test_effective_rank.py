"""Effective rank: against closed forms and a slow reference."""

from __future__ import annotations

import numpy as np
import pytest

from urbanbench import effective_rank as module
from urbanbench.effective_rank import effective_rank
from urbanbench.space import EmbeddingSpace


def space_of(vectors: np.ndarray, covered: np.ndarray | None = None) -> EmbeddingSpace:
    ids = np.array([f"u{place}" for place in range(len(vectors))])
    return EmbeddingSpace("region", ids, vectors.astype(np.float32), covered)


def slow(vectors: np.ndarray) -> float:
    """Return what the singular values of the standardised columns say."""
    sizes = np.linalg.svd((vectors - vectors.mean(axis=0)) / vectors.std(axis=0), compute_uv=False) ** 2
    shares = sizes[sizes > 1e-12 * sizes.max()] / sizes.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))


def test_one_direction_in_many_columns_is_one_dimension() -> None:
    line = np.linspace(-1, 1, 50)[:, None] * np.array([[1.0, -3.0, 100.0, 0.01]])
    assert effective_rank(space_of(line)) == pytest.approx(1.0, abs=0.01)


def test_independent_columns_of_any_length_fill_all_dimensions() -> None:
    signs = np.array([[(row >> bit & 1) * 2 - 1 for bit in range(4)] for row in range(16)])
    assert effective_rank(space_of(signs * np.array([1, 10, 0.1, 1000]))) == 4.0


@pytest.mark.parametrize(("n", "dim"), [(200, 12), (30, 80)])
def test_any_shape_is_as_the_singular_values_say(n: int, dim: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n, 5)) @ rng.normal(size=(5, dim)) + 0.1 * rng.normal(size=(n, dim)) + 7
    assert effective_rank(space_of(vectors)) == pytest.approx(slow(vectors.astype(np.float32)), abs=0.006)


def test_parts_give_what_all_rows_give(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(1).normal(size=(100, 6))
    whole = effective_rank(space_of(vectors))
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert effective_rank(space_of(vectors)) == whole


def test_units_without_data_and_columns_that_never_vary_do_not_count() -> None:
    vectors = np.random.default_rng(2).normal(size=(60, 4))
    beside = np.column_stack([vectors, np.full(60, 0.1)])
    bare = np.vstack([beside, np.zeros((40, 5))])
    covered = np.arange(100) < 60
    assert effective_rank(space_of(bare, covered)) == effective_rank(space_of(vectors))


@pytest.mark.parametrize("vectors", [np.ones((1, 3)), np.full((5, 3), 0.3)])
def test_nothing_that_differs_has_no_rank(vectors: np.ndarray) -> None:
    assert effective_rank(space_of(vectors)) is None
