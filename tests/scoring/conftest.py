import numpy as np
import pytest

from urbanbench.scoring.features import Features
from urbanbench.scoring.targets import Targets

_SHARES = ("green", "homes", "work")


def build_targets(kind="regression", n=120, seed=0, **changes):
    """Targets on a jittered grid whose values follow the first columns of `build_features` with the same n and seed."""
    rng = np.random.default_rng(seed)
    signal = _signal(n, seed)
    side = int(np.ceil(np.sqrt(n)))
    cell = np.stack(np.divmod(np.arange(n), side), axis=1)
    values = {
        "regression": 3.0 + signal[:, 0] + np.tanh(signal[:, 1]),
        "classification": np.array(["a", "b", "c"])[(signal[:, 0] > -0.5).astype(int) + (signal[:, 0] > 0.8)],
        "composition": np.exp(signal) / np.exp(signal).sum(axis=1, keepdims=True),
    }[kind]
    words = {
        "ids": np.array([f"u{row:04d}" for row in range(n)]),
        "level": "region",
        "kind": kind,
        "values": values,
        "classes": {"regression": (), "classification": ("a", "b", "c"), "composition": _SHARES}[kind],
        "unit": "points",
        "xy": cell * 500.0 + rng.uniform(0, 50, size=(n, 2)),
    }
    return Targets(**{**words, **changes})


def build_features(n=120, dim=6, seed=0, covered=None):
    """Vectors whose first three columns are the signal of `build_targets`, the others noise."""
    noise = np.random.default_rng(seed + 1000).normal(size=(n, dim))
    noise[:, :3] = _signal(n, seed)
    covered = np.ones(n, dtype=bool) if covered is None else covered
    return Features((noise * covered[:, None]).astype(np.float32), covered)


def _signal(n, seed):
    return np.random.default_rng(seed + 500).normal(size=(n, 3))


@pytest.fixture(name="build_targets")
def _build_targets():
    return build_targets


@pytest.fixture(name="build_features")
def _build_features():
    return build_features
