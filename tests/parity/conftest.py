import numpy as np
import pytest

from urbanbench.scoring.targets import Targets
from urbanbench.space import EmbeddingSpace

CRS = "EPSG:32631"


def make_targets(kind="regression", level="region", n=103, seed=0):
    """Targets in a file order that is not that of their ids; values are small enough for a linear model to fall below 0."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 3))
    values = {
        "regression": np.maximum(1.0 + 2.0 * signal[:, 0] + 0.3 * rng.normal(size=n), 0.0),
        "classification": np.array(["a", "b", "c"])[(signal[:, 0] > -0.5).astype(int) + (signal[:, 0] > 0.8)],
        "composition": np.exp(signal) / np.exp(signal).sum(axis=1, keepdims=True),
    }[kind]
    return Targets(
        ids=np.array([f"u{number:04d}" for number in rng.permutation(n)]),
        level=level,
        kind=kind,
        values=values,
        classes={"regression": (), "classification": ("a", "b", "c"), "composition": ("x", "y", "z")}[kind],
        unit="points",
        xy=np.array([500_000.0, 5_000_000.0]) + rng.uniform(0, 9_000, size=(n, 2)),
    ), signal


def make_space(targets, signal, dim=6, covered=None, scale=1.0):
    """Vectors in another order than the targets; their first columns are the signal, times `scale`."""
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(len(targets), dim)).astype(np.float32)
    vectors[:, :3] = scale * signal
    covered = np.ones(len(targets), dtype=bool) if covered is None else covered
    order = rng.permutation(len(targets))
    return EmbeddingSpace(
        targets.level, targets.ids[order], (vectors * covered[:, None])[order], covered[order]
    ), vectors


@pytest.fixture(name="make_targets")
def _make_targets():
    return make_targets


@pytest.fixture(name="make_space")
def _make_space():
    return make_space


@pytest.fixture
def crs():
    return CRS
