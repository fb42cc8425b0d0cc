"""Tables made of real predictions raise no alarm, however they are rounded; faults put into them do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

MODELS, UNITS = 7, 300


def made_table(rng, *, seeds: int, decimals: int, label: str, unlike_units: bool = False) -> str:
    """Simulate labels and predictions, score them on common splits, and print the scores."""
    y = {
        "normal": rng.normal(10, 3, UNITS),
        "lognormal": np.exp(rng.normal(1, 1, UNITS)),
        "gamma": rng.gamma(1.5, 5, UNITS),
    }[label]
    splits = [rng.choice(UNITS, 60, replace=False) for _ in range(seeds)]
    rows = ["model,repeats,RMSE (km),sd,MAE (km),sd,R2,sd"]
    for k in range(MODELS):
        error = (
            rng.normal(0, rng.uniform(0.1, 1.1) * y.std(), UNITS) * (y / y.mean()) ** rng.uniform(0, 0.8)
            if y.min() > 0
            else rng.normal(0, k + 1, UNITS)
        )
        keep = (
            splits
            if not (unlike_units and k == 0)
            else [split[np.argsort(y[split])[:40]] for split in splits]
        )
        scores = [
            [
                score(y[split], (y + error)[split])
                for score in (root_mean_squared_error, mean_absolute_error, r2_score)
            ]
            for split in keep
        ]
        cells = [
            f"{values.mean():.{decimals}f},{values.std(ddof=1) if seeds > 1 else '':{f'.{decimals}f' if seeds > 1 else ''}}"
            for values in np.array(scores).T
        ]
        rows.append(f"M{k},{seeds},{','.join(cells)}")
    return "\n".join(rows)


@pytest.mark.parametrize("label", ["normal", "lognormal", "gamma"])
@pytest.mark.parametrize("decimals", [2, 3])
@pytest.mark.parametrize("seeds", [1, 3, 10])
def test_a_consistent_table_raises_no_alarm(audited, label, decimals, seeds):
    rng = np.random.default_rng([len(label), decimals, seeds])
    for _ in range(2):
        text = made_table(rng, seeds=seeds, decimals=decimals, label=label)
        assert [one.says for one in audited(text) if one.severity != "note"] == []


def test_one_row_of_other_units_is_found_in_most_tables(audited):
    """The first model is scored on the two thirds of each test set with the smallest labels."""
    rng = np.random.default_rng(5)
    tables = [made_table(rng, seeds=10, decimals=3, label="gamma", unlike_units=True) for _ in range(5)]
    hits = [
        any(
            one.rule == "label-spread" and "neither" in one.says and "(M0)" in one.says
            for one in audited(text)
        )
        for text in tables
    ]
    assert sum(hits) >= 4


def test_a_digit_changed_in_one_r2_of_single_runs_is_found(audited):
    text = made_table(np.random.default_rng(8), seeds=1, decimals=3, label="normal")
    lines = text.splitlines()
    cells = lines[3].split(",")
    cells[6] = f"{float(cells[6]) - 0.09:.3f}"
    lines[3] = ",".join(cells)
    assert "impossible" in {one.severity for one in audited("\n".join(lines)) if one.rule == "label-spread"}
