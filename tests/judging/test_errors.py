"""Errors in groups of units, counted by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_fscore_support

from urbanbench.judging.failing.errors import (
    by_class,
    by_group,
    by_tenth,
    errors_of,
    unit_errors,
    worst_tenth,
)


def numbers(n=40, seeds=3):
    rng = np.random.default_rng(0)
    ids = [f"u{k:02d}" for k in range(n)]
    rows = [(seed, unit) for seed in range(seeds) for unit in rng.choice(ids, n // 2, replace=False)]
    frame = pd.DataFrame(rows, columns=["seed", "unit_id"])
    frame["true"] = frame["unit_id"].str[1:].astype(float)
    return frame.assign(predicted=frame["true"] + rng.normal(size=len(frame)))


def test_the_error_of_a_unit_is_the_mean_over_the_seeds_that_tested_it():
    frame = numbers()
    units = unit_errors(errors_of(frame, "regression"), "regression")
    assert units.index.is_monotonic_increasing
    for unit, part in frame.groupby("unit_id"):
        away = part["predicted"] - part["true"]
        assert units.loc[unit].tolist() == pytest.approx([len(part), away.mean(), (away**2).mean()])


def test_classes_count_wrong_answers_and_shares_what_goes_to_wrong_classes():
    classes = pd.DataFrame({"unit_id": ["a", "a", "b"], "seed": [0, 1, 0], "true": ["x", "x", "y"], "predicted": ["x", "y", "y"]})  # fmt: skip
    assert unit_errors(errors_of(classes, "classification"), "classification")["error"].to_dict() == {
        "a": 0.5,
        "b": 0,
    }
    shares = pd.DataFrame({"unit_id": ["a"], "seed": [0], "true[x]": [0.5], "true[y]": [0.5], "predicted[x]": [0.2], "predicted[y]": [0.8]})  # fmt: skip
    assert errors_of(shares, "composition")["loss"].tolist() == pytest.approx([0.3])


def test_groups_stand_worst_first_and_small_ones_are_left_out():
    frame = numbers()
    frame["predicted"] += np.where(frame["unit_id"] < "u10", 5.0, 0.0)
    groups = pd.Series({f"u{k:02d}": "tiny" if k > 36 else f"g{k // 10}" for k in range(40)})
    found = by_group(errors_of(frame, "regression"), groups, "regression")
    assert found[0].name == "g0"
    assert "tiny" not in {one.name for one in found}
    inside = frame[frame["unit_id"] < "u10"]
    away = inside["predicted"] - inside["true"]
    assert found[0].error == pytest.approx(np.sqrt((away**2).mean()))
    assert found[0].bias == pytest.approx(away.mean())
    assert found[0].units == inside["unit_id"].nunique()
    assert [one.error for one in found] == sorted((one.error for one in found), reverse=True)


def test_tenths_hold_all_units_once_from_the_lowest():
    frame = numbers(n=60)
    amounts = pd.Series({f"u{k:02d}": float(k % 7 if k < 30 else k) for k in range(60)})
    found = by_tenth(errors_of(frame, "regression"), amounts, "regression")
    assert sum(one.units for one in found) == frame["unit_id"].nunique()
    assert all(one.high < other.low for one, other in itertools.pairwise(found))
    assert len(by_tenth(errors_of(frame, "regression"), amounts * 0, "regression")) == 1


def test_the_worst_tenth_is_told_with_its_part_of_the_loss():
    units = pd.DataFrame({"loss": np.arange(20.0)}, index=[f"u{k:02d}" for k in range(20)])
    worst, share = worst_tenth(units)
    assert worst.index.tolist() == ["u19", "u18"]
    assert share == pytest.approx(37 / 190)
    assert worst_tenth(units * 0)[1] == 0.0


def test_classes_are_told_as_scikit_learn_counts_them():
    rng = np.random.default_rng(1)
    true = rng.choice(["a", "b", "c"], size=90)
    said = np.where(rng.random(90) < 0.6, true, rng.choice(["a", "b", "d"], size=90))
    frame = pd.DataFrame({"unit_id": [f"u{k}" for k in range(90)], "true": true, "predicted": said})
    names = ["a", "b", "c", "d"]
    precision, recall, f1, _ = precision_recall_fscore_support(true, said, labels=names, zero_division=0)
    found = {one.name: one for one in by_class(frame)}
    for place, name in enumerate(names):
        assert found[name].f1 == pytest.approx(f1[place])
        assert (found[name].recall or 0) == pytest.approx(recall[place])
        assert (found[name].precision or 0) == pytest.approx(precision[place])
    assert found["d"].recall is None
    wrong = pd.Series(said[(true == "a") & (said != "a")]).value_counts()
    assert wrong[found["a"].confused] == wrong.max()
    assert next(iter(by_class(frame))).name == "d"
