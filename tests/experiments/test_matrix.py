"""Matrices: rows of models, columns of tasks, one main score a cell."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from urbanbench.errors import BadInput
from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.gained import GAINED_READING
from urbanbench.experiments.kinds.matrix import Matrix
from urbanbench.result import BEST_FLOOR

GOOD, FAIR, POOR = (0.60, 0.72, 0.81), (0.50, 0.61, 0.60), (0.10, 0.20, 0.15)
SEEDS = (0, 1, 2)
STAGE = {"name": "poi", "steps": 9, "converged": True}


@pytest.fixture
def matrix():
    return Matrix(
        name="mine",
        title="Mine",
        item="none",
        question="Which?",
        cities=("singapore", "village"),
        tasks=("popdensity", "income"),
        splits=("random",),
        contenders=(
            Contender("text mean", "text-mean", inputs="poi"),
            Contender("HGJ", "hgj"),
            Contender("UrbanMFM", "urbanmfm"),
        ),
        references=(Contender("tfidf", "tfidf"),),
        labels={"singapore": ("popdensity",)},
    )


def choose(matrix, **changed):
    return matrix.settled(Choice(seeds=SEEDS, **changed))


def texts(table):
    return {line.entries[0].text: [entry.text for entry in line.entries[1:]] for line in table.lines}


def test_only_tasks_whose_label_a_city_is_known_to_have_are_asked_for(matrix):
    asked = {(spec.city, spec.task) for spec in matrix.specs(choose(matrix))}
    assert asked == {("singapore", "popdensity"), ("village", "popdensity"), ("village", "income")}
    assert {spec.model for spec in matrix.specs(choose(matrix))} == {"text-mean", "hgj", "urbanmfm", "tfidf"}


def test_cells_are_main_scores_with_words_where_there_are_none(matrix, answer):
    choice = choose(matrix, cities=("singapore",))
    learned, _, _, floor = matrix.specs(choice)
    report = matrix.show(
        [
            answer(learned, GOOD, training=[STAGE]),
            answer(floor, FAIR, floor=True, used=("poi",), allowed=("poi",)),
        ],
        choice,
    )
    ((table,),) = [section.tables for section in report.sections]
    assert [column.title for column in table.columns] == ["row", "popdensity R² ↑"]
    mean, spread = np.mean(GOOD), np.std(GOOD, ddof=1)
    assert texts(table)["text mean"] == [f"{mean:.3f} ± {spread:.3f}"]
    assert texts(table)["HGJ"] == ["not in this version"]
    assert texts(table)["UrbanMFM"] == ["not run"]
    assert texts(table)["best floor of these inputs, same head"][0].endswith("(tfidf)")
    assert texts(table)["learned models not below their best floor"] == ["1 of 1"]
    assert [line.kind for line in table.lines] == ["model", "model", "model", "floor", "floor", "floor"]


@pytest.mark.parametrize(("learned", "best"), [(GOOD, "text mean"), (POOR, "tfidf")])
def test_the_best_of_a_column_is_marked_and_rows_below_a_floor_too(matrix, answer, learned, best):
    choice = choose(matrix, cities=("singapore",))
    row, _, _, floor = matrix.specs(choice)
    table = (
        matrix.show(
            [answer(row, learned), answer(floor, FAIR, floor=True, used=("poi",), allowed=("poi",))], choice
        )
        .sections[0]
        .tables[0]
    )
    marked = [line.entries[0].text for line in table.lines if line.entries[1].mark == "best"]
    assert marked == [best]
    assert texts(table)["text mean"][0].endswith("▼") == (best == "tfidf")


def test_tasks_and_cities_without_scores_are_left_out(matrix, answer):
    choice = choose(matrix)
    spec = next(one for one in matrix.specs(choice) if (one.city, one.task) == ("village", "income"))
    report = matrix.show([answer(spec, GOOD)], choice)
    assert [section.title for section in report.sections] == ["village · random"]
    assert [column.title for column in report.sections[0].tables[0].columns] == ["row", "income R² ↑"]


def test_across_cities_a_task_has_one_table_and_a_column_for_each_city_and_split(matrix, answer):
    across = dataclasses.replace(matrix, across="cities", splits=("random", "block"))
    choice = choose(across)
    scores = {
        ("singapore", "random", "popdensity"): GOOD,
        ("village", "block", "popdensity"): POOR,
        ("village", "random", "income"): FAIR,
    }
    asked = {
        (spec.city, spec.split, spec.task): spec for spec in across.specs(choice) if spec.model == "text-mean"
    }
    report = across.show([answer(asked[where], marks) for where, marks in scores.items()], choice)
    assert [section.title for section in report.sections] == [
        "popdensity, R² ↑ · head mlp",
        "income, R² ↑ · head mlp",
    ]
    (density,), (income,) = (section.tables for section in report.sections)
    assert [column.title for column in density.columns] == ["row", "singapore random", "village block"]
    assert [column.title for column in income.columns] == ["row", "village random"]
    shown = [f"{np.mean(one):.3f} ± {np.std(one, ddof=1):.3f}" for one in (GOOD, POOR)]
    assert texts(density)["text mean"] == shown
    assert texts(density)["UrbanMFM"] == ["not run", "not run"]


def test_a_matrix_of_any_model_is_asked_of_the_models_named_beside_its_floors(matrix, answer):
    open_to_all = dataclasses.replace(matrix, any_model=True, inputs="poi,polygon")
    choice = choose(open_to_all, models=("hgi", "text-mean"), cities=("singapore",))
    text = next(one for one in open_to_all.specs(choice) if one.model == "text-mean")
    assert [spec.model for spec in open_to_all.specs(choice)] == ["hgi", "text-mean", "tfidf"]
    assert text.inputs == "poi,polygon"
    ((table,),) = [section.tables for section in open_to_all.show([answer(text, GOOD)], choice).sections]
    assert list(texts(table))[:3] == ["hgi", "text-mean", "tfidf"]
    chosen = open_to_all.specs(choose(open_to_all, models=("hgi", "tfidf"), cities=("singapore",)))
    assert [spec.model for spec in chosen] == ["hgi", "tfidf"]  # a floor that is chosen stands once
    with pytest.raises(BadInput, match="its rows are its own"):
        choose(matrix, models=("hgi",))


def test_across_cities_there_is_a_picture_of_the_rows_that_have_scores(matrix, answer):
    across = dataclasses.replace(matrix, across="cities", splits=("random", "block"), tasks=("popdensity",))
    choice = choose(across)
    scores = {
        ("singapore", "random", "text-mean"): GOOD,
        ("singapore", "block", "text-mean"): (-3.0, -2.0, -4.0),
        ("village", "random", "text-mean"): FAIR,
        ("village", "random", "tfidf"): POOR,
    }
    asked = {(spec.city, spec.split, spec.model): spec for spec in across.specs(choice)}
    report = across.show([answer(asked[where], marks) for where, marks in scores.items()], choice)
    ((figure,),) = [section.figures for section in report.sections]
    assert figure.name == "mine-popdensity-mlp"
    canvas = figure.drawn()
    first, second = canvas.axes
    assert [first.get_title(), second.get_title()] == ["singapore", "village"]
    assert [one.get_text() for one in first.get_yticklabels()] == ["text mean", "tfidf"]
    assert canvas.get_supxlabel() == "R² ↑ (from -0.5 on, floors shaded)"
    drawn = {one.get_label(): one.lines[0].get_xdata().tolist() for one in second.containers}
    assert drawn == {"random": pytest.approx([np.mean(FAIR), np.mean(POOR)])}


def test_what_rows_used_and_lack_stands_beside_them_and_rows_that_lack_a_part_are_not_counted(matrix, answer):
    choice = choose(matrix, cities=("singapore",))
    text, _, urbanmfm, floor = matrix.specs(choice)
    results = [
        _told(
            answer(text, POOR, used=("poi",), training=[STAGE]), lacks=[], saw={"poi": {"used": 1, "of": 4}}
        ),
        _told(answer(urbanmfm, GOOD), lacks=["no stage svi"]),
        answer(floor, FAIR, floor=True, used=("poi",), allowed=("poi",)),
    ]
    (table,) = matrix.show(results, choice).sections[0].tables
    told = {name: cells[0].replace("\N{NO-BREAK SPACE}", " ") for name, cells in texts(table).items()}
    assert table.columns[1].title == "saw"
    assert (told["text mean"], told["tfidf"]) == ("POIs 25 %", "not recorded")
    assert told["UrbanMFM (no stage svi)"] == "not recorded"
    assert texts(table)["learned models not below their best floor"] == ["", "0 of 1"]


def test_rows_that_know_where_they_are_have_a_table_of_their_own(matrix, answer):
    choice = choose(matrix, cities=("singapore",))
    text, _, urbanmfm, floor = matrix.specs(choice)
    results = [
        _told(answer(text, POOR), knows_place=""),
        _told(answer(urbanmfm, GOOD), knows_place="position encoding"),
        answer(floor, FAIR, floor=True, used=("poi",), allowed=("poi",)),
    ]
    plain, knowing = matrix.show(results, choice).sections[0].tables
    assert {"text mean", "HGJ", "tfidf"} <= set(texts(plain))
    assert "UrbanMFM" not in texts(plain)
    assert knowing.title == "Main scores of rows that know where they are"
    assert [line.entries[0].text for line in knowing.lines if line.kind == "model"] == ["UrbanMFM"]
    marked = [
        line.entries[0].text for table in (plain, knowing) for line in table.lines if line.entries[1].mark
    ]
    assert marked == ["tfidf", "UrbanMFM"]


def test_what_rows_add_to_a_floor_stands_below_with_what_a_second_floor_adds(matrix, answer):
    choice = choose(matrix)
    specs = {(spec.city, spec.task, spec.model): spec for spec in matrix.specs(choice)}
    learned = specs["singapore", "popdensity", "text-mean"]
    again = dataclasses.replace(learned, model_seed=1)
    gains = {learned: (0.02, 0.03, 0.04), again: (0.04, -0.01, 0.00)}
    results = [answer(specs["village", "popdensity", "text-mean"], GOOD)]
    for spec, gain in gains.items():
        results += [answer(spec, GOOD), _beside(answer(spec, GOOD), gain)]
    other = answer(specs["singapore", "popdensity", "urbanmfm"], FAIR)
    report = matrix.show([*results, other], choice)
    village, singapore = sorted(report.sections, key=lambda one: len(one.tables))
    assert [table.title for table in village.tables] == ["Main scores"]
    main, table = singapore.tables
    assert [column.title for column in table.columns] == ["row", main.columns[1].title]
    assert texts(table) == {
        "text mean": ["+0.020 ± 0.018 ± 0.014 (4 of 6)"],
        "a second floor in the model's place": ["+0.050 ± 0.020"],
    }
    assert [line.entries[1].value for line in table.lines] == pytest.approx([0.02, 0.05])
    assert [line.kind for line in table.lines] == ["model", "floor"]
    assert GAINED_READING in report.notes
    assert GAINED_READING not in matrix.show([*results[:2], other], choice).notes


def test_a_row_that_no_floor_can_stand_beside_says_so_and_one_that_was_not_asked_too(matrix, answer):
    choice = choose(matrix, tasks=("popdensity",))
    across = dataclasses.replace(matrix, across="cities")
    specs = {(spec.city, spec.model): spec for spec in across.specs(choice)}
    results = [
        answer(specs[city, model], GOOD)
        for city in ("singapore", "village")
        for model in ("text-mean", "urbanmfm")
    ]
    refused = _beside(answer(specs["singapore", "urbanmfm"], status="refused", reason="no floor"), ())
    results += [dataclasses.replace(refused, error_type="NoFloor"), _beside(results[2], (0.1, 0.1, 0.1))]
    ((_, table),) = [section.tables for section in across.show(results, choice).sections]
    assert texts(table) == {
        "text mean": ["not run", "+0.100 ± 0 (3 of 3)"],
        "UrbanMFM": ["no floor", "not run"],
        "a second floor in the model's place": ["", "+0.050 ± 0.020"],
    }


def test_across_protocols_a_table_has_our_splits_and_the_papers_that_score_such_a_task(matrix, answer):
    across = dataclasses.replace(
        matrix,
        across="protocols",
        tasks=("popdensity", "building-function"),
        labels={"singapore": ("popdensity",)},
        protocols=("paper:hgi", "paper:cityfm", "paper:mvure"),
    )
    choice = choose(across)
    asked = {}
    for spec in across.specs(choice):
        asked.setdefault((spec.city, spec.task), {}).setdefault(spec.model, {})[spec.protocol] = spec
    assert {where: list(models["tfidf"]) for where, models in asked.items()} == {
        ("singapore", "popdensity"): ["default", *across.protocols],
        ("village", "popdensity"): ["default", *across.protocols],
        ("village", "building-function"): ["default", "paper:cityfm"],
    }
    text, tfidf, full = (asked["village", "popdensity"][name] for name in ("text-mean", "tfidf", "urbanmfm"))
    results = [
        answer(text["default"], FAIR),
        _beside(answer(text["default"], FAIR), (0.1, 0.1, 0.1)),
        answer(text["paper:hgi"], POOR),
        answer(tfidf["paper:hgi"], GOOD, floor=True, used=("poi",), allowed=("poi",)),
        _told(answer(full["paper:hgi"], GOOD), knows_place="position encoding"),
        answer(full["paper:mvure"], (0.3,)),
    ]
    ((section,),) = [across.show(results, choice).sections]
    assert (section.title, section.facts) == ("village · popdensity, R² ↑", ("3 of our own splits",))
    ((table,),) = [section.tables]
    assert [column.title for column in table.columns] == ["row", "random mlp", "paper:hgi", "paper:mvure"]
    shown = texts(table)
    assert shown["text mean"] == ["0.570 ± 0.061", "0.150 ± 0.050 ▼", "not run"]
    assert shown["UrbanMFM"] == ["not run", "0.710 ± 0.105", "0.300"]
    assert shown["best floor of these inputs, same head"] == ["", "0.710 ± 0.105 (tfidf)", ""]


def _beside(result, gain):
    """A row's result beside the best floor: each seed's gain over .4, .5 and .6, to which a second floor adds .03, .05 and .07."""
    alone, second = (0.4, 0.5, 0.6), (0.43, 0.55, 0.67)
    adds = {
        "chosen": ["tfidf"] * 3,
        "floor_scores": {"r2": list(alone)},
        "second_scores": {"r2": list(second)},
        "gain": {"r2": list(gain)},
    }
    scores = {"r2": [base + one for base, one in zip(alone, gain, strict=False)]}
    cell = dataclasses.replace(result.cell, beside=BEST_FLOOR)
    return dataclasses.replace(result, cell=cell, scores=scores, adds=adds)


def _told(result, **said):
    return dataclasses.replace(result, model={**result.model, **said})
