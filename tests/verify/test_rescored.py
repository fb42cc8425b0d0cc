"""Scores from stored predictions are those of the run."""

from __future__ import annotations

import math

import pytest

from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.store import ResultStore
from urbanbench.verify.rescored import ROUNDING, largest_gap, rescored

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize(
    ("task", "split", "protocol"),
    [
        ("popdensity", "block", "default"),
        ("landuse", "random", "default"),
        ("landuse_shares", "random", "default"),
        ("popdensity", "", "paper:mvure"),
        ("building_function", "", "paper:cityfm"),
    ],
)
def test_every_kind_of_row_gives_its_scores_again(tmp_path, task, split, protocol):
    scoring = {"split": split, "head": "ridge", "seeds": (4, 0)} if split else {}
    spec = RunSpec("coordinates", task, "toyville:tiny", protocol=protocol, **scoring)
    [result] = run([spec], ResultStore(tmp_path))
    found = rescored(
        result, ResultStore.read_predictions(ResultStore(tmp_path).path_of(result.cell), result.cell)
    )
    assert set(found) == set(result.scores)
    assert largest_gap(result.scores, found) < ROUNDING


def test_gaps_are_shares_and_gaps_in_scores_are_infinite():
    nan = math.nan
    assert largest_gap({"r2": [1.0, nan]}, {"r2": [1.0, nan]}) == 0.0
    assert largest_gap({"rmse": [99.0]}, {"rmse": [100.0]}) == pytest.approx(0.01)
    for other in ({"r2": [1.0]}, {"r2": [1.0, 2.0]}, {"mae": [1.0, nan]}):
        assert largest_gap({"r2": [1.0, nan]}, other) == math.inf
