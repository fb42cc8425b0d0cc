"""Results of our own, seed by seed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from urbanbench.judging.audit import audit
from urbanbench.judging.audit.from_results import table_of
from urbanbench.result import Cell, RunResult
from urbanbench.scoring.metrics import compute_metrics
from urbanbench.store import ResultStore

SEEDS = tuple(range(4))


def result(
    model: str,
    *,
    spread: float,
    seed: int = 0,
    city: str = "oslo",
    vectors: str = "",
    floor: bool = False,
    **provenance,
) -> RunResult:
    """Make a result of simulated predictions for labels that all models share."""
    labels = np.random.default_rng(1).gamma(2, 3, (len(SEEDS), 50))
    noise = np.random.default_rng([seed, *model.encode()]).normal(0, spread, labels.shape)
    each = [
        compute_metrics("regression", true, true + error, ())
        for true, error in zip(labels, noise, strict=True)
    ]
    cell = Cell(city, model, "", {}, "full", "rent", 1, "random", None, "ridge", SEEDS, 0)
    return RunResult(
        status="ok", cell=cell, model={"floor": floor}, task={"kind": "regression", "unit": "EUR"},
        scores={name: [one[name] for one in each] for name in each[0]},
        evaluation={"main_metric": "r2", "n_units": 250}, versions={"task": 1, "split": 1, "metrics": 1},
        provenance={"split_digest": "s", "targets_digest": f"labels of {city}", "embedding_digest": vectors or f"{model}{seed}", **provenance},
    )  # fmt: skip


def audited(*results: RunResult):
    return audit(table_of("results", results))


def test_results_of_one_evaluation_are_silent():
    assert (
        audited(
            result("mean", spread=4.3, floor=True),
            result("a", spread=1.5),
            result("b", spread=2.5),
            result("c", spread=3),
        )
        == []
    )


@pytest.mark.parametrize("metric", ["rmse", "r2"])
def test_one_score_changed_in_its_fourth_digit_is_impossible(metric):
    wrong = result("b", spread=2.5)
    wrong.scores[metric][2] *= 1.0002
    found = audited(result("a", spread=1.5), wrong, result("c", spread=3))
    assert [(one.rule, one.severity) for one in found] == [("label-spread", "impossible")]
    assert "1 of 3 rows" in found[0].says
    assert "b" in found[0].says


def test_mae_above_rmse_in_one_seed_is_impossible_though_the_means_are_in_order():
    wrong = result("b", spread=2.5)
    wrong.scores["mae"][1] = wrong.scores["rmse"][1] * 1.01
    assert [(one.rule, one.severity) for one in audited(wrong, result("a", spread=1.5))] == [
        ("errors", "impossible")
    ]


def test_equal_rows_are_suspicious_unless_they_read_the_same_vectors():
    one = result("a", spread=1.5, vectors="v")
    copy = result("b", spread=1.5)
    copy.scores.update(one.scores)
    assert [found.rule for found in audited(one, copy, result("c", spread=3))] == ["identical-rows"]
    same = result("b", spread=1.5, vectors="v")
    same.scores.update(one.scores)
    assert audited(one, same, result("c", spread=3)) == []


def test_one_label_under_two_citys_names_is_no_copy_and_two_labels_are():
    def pair(digest):
        one, other = result("a", spread=1.5), result("a", spread=1.5, city="bergen", targets_digest=digest)
        other.scores.update(one.scores)
        return one, other

    assert audited(*pair("labels of oslo")) == []
    assert [found.rule for found in audited(*pair("others"))] == ["identical-rows"]


def test_results_of_two_versions_of_the_label_are_named():
    found = audited(
        result("a", spread=1.5), result("b", spread=2.5), result("c", spread=3, targets_digest="older")
    )
    assert [(one.rule, one.severity) for one in found] == [("mixed-data", "suspicious")]
    assert "older (1 rows)" in found[0].says


def test_two_versions_of_a_model_are_two_rows_and_twice_the_same_one_is_told():
    old, new = result("a", spread=1.5), result("a", spread=1.6, seed=1)
    assert "twice" in {one.rule for one in audited(old, new)}
    later = replace(new, versions={**new.versions, "model": 2})
    assert "twice" not in {one.rule for one in audited(old, later)}


def test_a_row_trained_in_another_city_answers_a_question_of_its_own():
    home, away = result("a", spread=1.5), result("a", spread=1.6, seed=1)
    elsewhere = replace(away, cell=replace(away.cell, train_city="bergen"))
    assert audited(home, elsewhere) == []


def test_repeats_that_all_gave_one_number_are_found():
    same = result("b", spread=2.5)
    for name, values in same.scores.items():
        same.scores[name][:] = [values[0]] * len(values)
    assert "no-spread" in {one.rule for one in audited(result("a", spread=1.5), same, result("c", spread=3))}


def test_rows_below_a_floor_are_notes():
    found = audited(result("mean", spread=1.0, floor=True), result("a", spread=2))
    assert [(one.rule, one.severity) for one in found] == [("below-floor", "note")]


@pytest.mark.slow
def test_the_reference_rows_hold():
    folder = Path(__file__).resolve().parents[3] / "results"
    found = audit(table_of("results", ResultStore(folder).load_all()))
    assert [one for one in found if one.severity == "impossible"] == []
    assert {one.rule for one in found if one.severity == "suspicious"} <= {"mixed-data"}


def test_a_finding_is_json():
    found = audited(result("a", spread=1.5), result("b", spread=2.5, targets_digest="older"))
    assert json.loads(json.dumps([one.to_dict() for one in found]))[0]["rule"] == "mixed-data"
