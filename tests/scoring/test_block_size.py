import numpy as np
import pytest
from scipy.linalg import cholesky
from scipy.spatial.distance import cdist

from urbanbench.scoring.block_size import (
    autocorrelation_range_m,
    empirical_variogram,
    fit_range_m,
    resolve_block_size,
)
from urbanbench.scoring.protocol import Protocol


def _field(range_m, n=900, seed=0, extent=20_000.0):
    """Simulate a Gaussian field with exponential covariance of a practical range, by Cholesky's root."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, extent, size=(n, 2))
    covariance = np.exp(-3 * cdist(xy, xy) / range_m) + 1e-9 * np.eye(n)
    return xy, cholesky(covariance, lower=True) @ rng.normal(size=n)


def test_variogram_equals_a_loop_over_pairs():
    xy, values = _field(3000.0, n=60)
    distance, gamma, pairs = empirical_variogram(xy, values, reach_m=9000.0)
    bins = [[] for _ in range(30)]
    for i in range(60):
        for j in range(i):
            apart = np.hypot(*(xy[i] - xy[j]))
            if apart <= 9000.0:
                bins[min(int(apart / 300.0), 29)].append((apart, (values[i] - values[j]) ** 2 / 2))
    kept = [np.array(part) for part in bins if part]
    np.testing.assert_allclose(distance, [part[:, 0].mean() for part in kept])
    np.testing.assert_allclose(gamma, [part[:, 1].mean() for part in kept])
    assert pairs.tolist() == [len(part) for part in kept]


@pytest.mark.parametrize("shape", ["exponential", "spherical"])
def test_fit_finds_the_range_of_an_exact_model(shape):
    h = np.linspace(200, 9000, 30)
    unit = np.minimum(h / 4000.0, 1)
    rise = 1 - np.exp(-3 * h / 4000.0) if shape == "exponential" else 1.5 * unit - 0.5 * unit**3
    found = fit_range_m(h, 0.3 + 2.0 * rise, np.full(30, 100))
    assert found == pytest.approx(4000.0, rel=0.03)


@pytest.mark.parametrize("range_m", [1500.0, 4000.0])
def test_range_of_simulated_fields_is_found(build_targets, range_m):
    found = []
    for seed in range(5):
        xy, values = _field(range_m, seed=seed)
        found.append(autocorrelation_range_m(build_targets(n=900, xy=xy, values=values)))
    assert np.median(found) == pytest.approx(range_m, rel=0.35)


def test_range_is_deterministic_and_follows_the_map_scale(build_targets):
    xy, values = _field(3000.0)
    found = autocorrelation_range_m(build_targets(n=900, xy=xy, values=values))
    assert found == autocorrelation_range_m(build_targets(n=900, xy=xy, values=values))
    assert autocorrelation_range_m(build_targets(n=900, xy=xy * 7, values=values)) == pytest.approx(7 * found)


def test_classes_and_shares_have_a_range_too(build_targets):
    xy, values = _field(4000.0)
    classes = np.where(values > 0, "high", "low").astype(object)
    named = build_targets("classification", n=900, xy=xy, values=classes, classes=("high", "low"))
    share = 1 / (1 + np.exp(-values))
    shares = build_targets(
        "composition", n=900, xy=xy, values=np.column_stack([share, 1 - share]), classes=("p", "q")
    )
    for targets in (named, shares):
        assert 1500.0 < autocorrelation_range_m(targets) < 8000.0


def test_independent_labels_have_a_short_range(build_targets):
    xy, _ = _field(4000.0)
    values = np.random.default_rng(3).normal(size=900)
    assert autocorrelation_range_m(build_targets(n=900, xy=xy, values=values)) < 1500.0


def test_a_constant_label_has_the_spacing_as_its_range(build_targets):
    targets = build_targets(values=np.ones(120))
    assert autocorrelation_range_m(targets) == pytest.approx(500.0, rel=0.15)


def test_long_ranges_leave_at_least_25_blocks(build_targets):
    xy, _ = _field(4000.0)
    size = resolve_block_size(build_targets(n=900, xy=xy, values=xy.sum(axis=1)), Protocol(split="block"))
    blocks = np.unique(np.floor((xy - xy.min(axis=0)) / size), axis=0)
    assert 25 <= len(blocks) <= 40


def test_an_asked_for_size_is_taken(build_targets):
    assert resolve_block_size(build_targets(), Protocol(split="block", block_size_m=777.0)) == 777.0
