"""Our splitters against packages that others publish: verde's blocks and spatial-kfold's grid. Skipped where they are not installed."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from urbanbench.scoring.splits import Splitter
from urbanbench.scoring.splits.blocks import block_of_units
from urbanbench.scoring.targets import Targets

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
SIDE = 1250.0


@pytest.fixture
def targets():
    rng = np.random.default_rng(0)
    corners = [[0.0, 0.0], [9_999.999, 9_999.999]]
    xy = np.concatenate([corners, rng.uniform(0, 9_999, size=(500, 2))])
    ids = np.array([f"u{row:03d}" for row in range(len(xy))])
    return Targets(ids, "region", "regression", xy.sum(axis=1), (), "", xy)


def _same_parts(one, other):
    """Whether two numberings put the same rows together."""
    pairs = np.unique(
        np.column_stack([np.unique(one, return_inverse=True)[1], np.unique(other, return_inverse=True)[1]]),
        axis=0,
    )
    return len(pairs) == len(set(one)) == len(set(other))


def test_blocks_are_those_of_verde(targets):
    verde = pytest.importorskip("verde")
    east, north = targets.xy.T
    _, theirs = verde.block_split((east, north), spacing=SIDE, adjust="region", region=(0, 10_000, 0, 10_000))
    assert _same_parts(block_of_units(targets, SIDE, (0.0, 0.0)), theirs)


def test_verde_holds_whole_blocks_of_ours_out_too(targets):
    verde = pytest.importorskip("verde")
    blocks = block_of_units(targets, SIDE, (0.0, 0.0))
    theirs = verde.BlockShuffleSplit(spacing=SIDE, n_splits=4, test_size=0.2, random_state=0, balancing=10)
    shares = []
    for train, test in theirs.split(targets.xy):
        assert not set(blocks[train]) & set(blocks[test])
        shares.append(len(test) / len(targets))
    ours = [
        len(test) / len(targets)
        for _, test in Splitter("block", seeds=(0, 1, 2, 3), block_size_m=SIDE).split(targets.xy)
    ]
    # verde takes a fifth of the blocks, ours a fifth of the units.
    assert np.abs(np.array(ours) - 0.2).max() <= np.abs(np.array(shares) - 0.2).max() + 0.01


def test_blocks_are_those_of_spatial_kfold(targets):
    pytest.importorskip("spatialkfold")
    import geopandas as gpd
    import shapely
    from spatialkfold.blocks import spatial_blocks

    points = gpd.GeoDataFrame(
        {"row": range(len(targets))}, geometry=shapely.points(targets.xy), crs="EPSG:32631"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grid = spatial_blocks(
            points, width=SIDE, height=SIDE, method="random", orientation="tb-lr", nfolds=5, random_state=0
        )
    grid = grid.reset_index(drop=True)
    at = gpd.sjoin(points, grid[["geometry"]], predicate="within").drop_duplicates("row")
    theirs = at.set_index("row")["index_right"]
    west, south, _, _ = grid.total_bounds
    ours = block_of_units(targets, SIDE, (west, south))
    inside = theirs.index.to_numpy()
    assert len(inside) > 450
    assert _same_parts(ours[inside], theirs.to_numpy())
