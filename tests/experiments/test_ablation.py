"""Ablation: inputs are hidden one by one, differences are taken seed by seed, and words stand where there is none."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from urbanbench.experiments import Choice, load_experiment

SEEDS = (0, 1, 2)
SEEN = ("poi", "polygon", "road")


@pytest.fixture
def ablation():
    return load_experiment("ablation")


def choose(ablation, *models):
    words = {
        "cities": ("toyville:tiny",),
        "tasks": ("popdensity",),
        "splits": ("random",),
        "heads": ("ridge",),
    }
    return ablation.settled(Choice(seeds=SEEDS, models=models, **words))


def texts(table):
    return {line.entries[0].text: [entry.text for entry in line.entries[1:]] for line in table.lines}


def test_each_input_that_a_model_can_do_without_is_hidden_once(ablation):
    asked = [spec.inputs for spec in ablation.specs(choose(ablation, "cityfm"))]
    assert asked == ["full", "poi,road", "poi,polygon"]


def test_a_model_of_one_input_has_nothing_to_hide(ablation):
    assert [spec.inputs for spec in ablation.specs(choose(ablation, "imagenet-features", "coordinates"))] == [
        "full", "satellite", "street_view", "full",
    ]  # fmt: skip


def test_differences_stand_under_the_hidden_input(ablation, answer):
    choice = choose(ablation, "cityfm")
    full, bare, roadless = ablation.specs(choice)
    found = [
        answer(full, (0.5, 0.625, 0.75), used=SEEN, allowed=SEEN),
        answer(bare, (0.375, 0.375, 0.625), used=SEEN, allowed=("poi", "road")),
        answer(roadless, (0.625, 0.75, 0.875), used=SEEN, allowed=("poi", "polygon")),
    ]
    report = ablation.show(found, choice)
    [table] = report.sections[0].tables
    assert [column.title for column in table.columns] == [
        "model", "R² ↑ with all", "Δ without poi", "Δ without polygon", "Δ without road",
    ]  # fmt: skip
    assert texts(table)["cityfm"] == ["0.625 ± 0.125", "needed", "-0.167 ± 0.072", "+0.125 ± 0"]
    [figure] = report.figures
    assert figure.to_bytes("png").startswith(b"\x89PNG")


def test_words_say_why_there_is_no_difference(ablation, answer):
    choice = choose(ablation, "cityfm")
    full, *_ = ablation.specs(choice)
    report = ablation.show([answer(full, used=("poi",), allowed=("poi", "polygon"))], choice)
    assert texts(report.sections[0].tables[0])["cityfm"][1:] == ["needed", "not run", "none here"]
    assert report.figures == ()
    assert ablation.show([], choice).sections[0].warnings == ("Without scores here: cityfm.",)


def test_cells_that_hide_what_their_city_lacks_are_left_out(ablation, monkeypatch):
    there = SimpleNamespace(layers={"pois": 1, "roads": 1})
    monkeypatch.setattr("urbanbench.experiments.kinds.ablation.open_city", lambda _word: there)
    full, without_polygon, without_road = ablation.specs(choose(ablation, "cityfm"))
    assert without_polygon.inputs == "poi,road"
    assert ablation.fitting([full, without_polygon, without_road]) == [full, without_road]
