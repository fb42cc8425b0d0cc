"""A small cut of the calibration: the comparison is right about made-up towns, through real splits and heads."""

import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def towns(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks" / "programs")
    import judged_towns

    return judged_towns


def test_equal_models_are_rarely_told_apart_and_unequal_ones_are(towns):
    equal, apart = (
        towns.judged(towns.WORLDS[1], gap, draws, towns=1, units=100) for gap, draws in ((0.0, 24), (3.0, 8))
    )
    for split in towns.SPLITS:
        naive, _, full = ((equal[split][:, method, 0] < 0.05).mean() for method in range(3))
        assert full <= 0.17
        assert naive > full
        assert (apart[split][:, 2, 0] < 0.05).mean() >= 0.25
        assert np.sign(apart[split][:, 2, 1].mean()) == 1


def test_the_committed_calibration_says_what_the_page_says():
    told = json.loads((ROOT / "docs" / "calibration" / "judging.json").read_text(encoding="utf-8"))
    equal = {row["world"]: row["splits"] for row in told["rows"] if row["gap"] == 0}
    page = (ROOT / "docs" / "reading_statistics.md").read_text(encoding="utf-8")
    for world, splits in equal.items():
        shown = [
            f"{100 * splits[split][method]['found']:.1f}"
            for split in splits
            for method in splits[split]
            if isinstance(splits[split][method], dict)
        ]
        assert f"| {world} | {' | '.join(shown)} |" in page
        assert all(splits[split]["compare"]["found"] <= 0.065 for split in splits)
