"""Experiments with several trainings: cells for each, one row for all, and what models add."""

from __future__ import annotations

from dataclasses import replace

import pytest

from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.contender import Contender, Place, cells
from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.experiments.kinds.report import print_report
from urbanbench.experiments.kinds.shelf import Shelf, cell_of
from urbanbench.result import BEST_FLOOR, RunResult

PLACE = Place("toyville", "popdensity", "random", "mlp")
HGI, TEXT = Contender("HGI", "hgi"), Contender("text", "text-mean")
CHOICE = Choice(
    cities=("toyville",), tasks=("popdensity",), splits=("random",), heads=("mlp",), seeds=(0, 1, 2)
)
WORDS = {"name": "x", "title": "X", "item": "none", "question": "Which?", "floors": False}


def trained(answer, seeds=(0, 1, 2)):
    """Results of some trainings, each better by a tenth than the one before."""
    specs = [replace(HGI.spec(CHOICE, PLACE), model_seed=seed) for seed in seeds]
    return [answer(spec, [one + 0.1 * spec.model_seed for one in (0.3, 0.4, 0.5)]) for spec in specs]


def test_each_training_asked_for_is_a_cell_and_what_does_not_train_has_one():
    asked = replace(CHOICE, model_seeds=(2, 0, 1))
    found = [(spec.model, spec.model_seed) for spec in cells([HGI, TEXT], [PLACE], asked)]
    assert found == [("hgi", 2), ("hgi", 0), ("hgi", 1), ("text-mean", 2)]
    assert [spec.model_seed for spec in cells([HGI, TEXT], [PLACE], CHOICE)] == [0, 0]
    assert len(cells([Contender("?", "no-such-model")], [PLACE], asked)) == 1


@pytest.mark.parametrize(
    "experiment",
    [Comparison(contenders=(HGI,), **WORDS), Matrix(contenders=(HGI,), **WORDS)],
    ids=["comparison", "matrix"],
)
def test_tables_show_all_trainings_there_are_as_one_row_and_one_on_request(answer, experiment):
    results = trained(answer)
    text = print_report(experiment.show(results, CHOICE), "md")
    assert "0.500 ± 0.100 ± 0.100" in text
    assert "spread over trainings" in text
    one = print_report(experiment.show(results, replace(CHOICE, model_seeds=(2,))), "md")
    assert "0.600 ± 0.100" in one
    assert "trainings" not in one
    two = print_report(experiment.show(results, replace(CHOICE, model_seeds=(0, 2))), "md")
    assert "0.500 ± 0.100 ± 0.141" in two


def test_a_training_that_is_not_the_first_is_found_too(answer):
    [only] = trained(answer, seeds=(1,))
    assert Shelf([only]).trainings(HGI.spec(CHOICE, PLACE)) == [only]
    assert Shelf([only]).trainings(HGI.spec(CHOICE, PLACE), (0,)) == []


def test_tables_of_scores_say_what_models_add_where_any_does(answer):
    [alone] = trained(answer, seeds=(0,))
    cell = replace(cell_of(HGI.spec(CHOICE, PLACE)), beside=BEST_FLOOR)
    adds = {"chosen": ["a"] * 3, "floor_scores": {"r2": [0.4, 0.5, 0.6]}, "gain": {"r2": [0.1, 0.2, 0.3]}}
    both = RunResult("ok", cell, scores={"r2": [0.5, 0.7, 0.9]}, adds=adds)
    experiment = Comparison(contenders=(HGI,), **WORDS)
    text = print_report(experiment.show([alone, both], CHOICE), "md")
    assert "+0.200 ± 0.100 (3 of 3)" in text
    assert "adds to a" in text
    assert "adds" not in print_report(experiment.show([alone], CHOICE), "md")
