"""What scores lean on: probes beside the plain row, skill over the right floor, curves as tables and figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from urbanbench.errors import BadInput
from urbanbench.experiments import Choice, load_experiment
from urbanbench.experiments.kinds.leaning_curves import CURVES
from urbanbench.result import REFUSED
from urbanbench.scoring.probes.catalogue import PROBES

SEEDS = (0, 1, 2)


@pytest.fixture
def leaned():
    return load_experiment("leaned")


@pytest.fixture
def choice(leaned):
    words = {
        "cities": ("toyville:tiny",),
        "tasks": ("popdensity",),
        "splits": ("random",),
        "heads": ("ridge",),
    }
    return leaned.settled(Choice(seeds=SEEDS, models=("hgi",), **words))


@pytest.fixture
def results(leaned, choice, answer):
    """HGI, POI counts below it (also under another head, higher), every probe of HGI."""
    specs = leaned.specs(choice)
    plain = {spec.model: spec for spec in specs if not spec.probe}
    counts = answer(plain["poi-counts"], (0.25, 0.5, 0.5), floor=True, used=("poi",), allowed=("poi",))
    elsewhere = replace(plain["poi-counts"], head="mlp")
    tables = {"shares": "share", "pca": "dims", "projection": "dims"}
    found = [
        answer(plain["hgi"], (0.5, 0.625, 0.75)),
        counts,
        answer(elsewhere, (0.9, 0.9, 0.9), floor=True, used=("poi",), allowed=("poi",)),
    ]
    for spec in specs:
        if spec.model != "hgi" or not spec.probe:
            continue
        made = answer(spec, (0.7, 0.8, 0.9) if spec.probe == "position" else (0.25, 0.375, 0.5))
        told = {"degree": 1, "variance_left": [0.9, 0.8, 0.7], "control": {"r2": [0.5, 0.625, 0.5]}}
        if key := tables.get(spec.probe):
            numbers = (0.1, 1.0) if key == "share" else (2, 64)
            told = {"steps": [{key: one, "scores": {"r2": [0.1, 0.2, 0.3]}} for one in numbers]}
        found.append(replace(made, probe=told))
    return found


def texts(table):
    return {line.entries[0].text: [entry.text for entry in line.entries[1:]] for line in table.lines}


def test_every_row_is_asked_plainly_and_every_probe(leaned, choice):
    specs = leaned.specs(choice)
    asked = {(spec.probe, spec.head) for spec in specs if spec.model == "hgi"}
    rest = {(name, "ridge") for name in {"", *PROBES}}
    assert asked == rest | {("position", "mlp")}
    assert {spec.model for spec in specs if not spec.probe} == {
        "hgi", "poi-counts", "building-stats", "tfidf", "coordinates", "flow-rows",
    }  # fmt: skip


def test_the_table_tells_skill_position_and_the_score_without_it(leaned, choice, results):
    report = leaned.show(results, choice)
    table, neighbours, *curves = report.sections[0].tables
    row = texts(table)["hgi"]
    # Skill per seed over the floor of the same head: 0.25 / 0.75, 0.125 / 0.5, 0.25 / 0.5.
    assert row[0] == "0.625 ± 0.125"
    assert row[1] == "0.361 ± 0.127"
    assert row[2] == row[3] == "0.800 ± 0.100"
    assert row[4:7] == ["0.375 ± 0.125", "-0.250 ± 0", "-0.083 ± 0.144"]
    assert row[7] == "skill over poi-counts; a plane takes 20 % of the vectors' variance"
    assert texts(table)["poi-counts"][1] == "0.000 ± 0"
    assert texts(table)["poi-counts"][2] == "not run"
    assert texts(neighbours) == {
        "hgi": ["0.625 ± 0.125", "0.375 ± 0.125", "-0.250 ± 0", "-0.083 ± 0.144"],
        "poi-counts": ["0.417 ± 0.144", "not run", "", ""],
    }
    assert [one.title for one in curves] == [one.title for one in CURVES]


def test_what_a_probe_moves_is_taken_training_by_training(leaned, choice, results, answer):
    """A second training without the probe moves the plain score alone; one with it is joined, as its own difference."""
    plain = next(spec for spec in leaned.specs(choice) if spec.model == "hgi" and not spec.probe)
    second = replace(plain, model_seed=1)
    more = [*results, answer(second, (0.25, 0.25, 0.25))]
    row = texts(leaned.show(more, choice).sections[0].tables[1])["hgi"]
    assert row[0].startswith("0.438")
    assert row[1:] == ["0.375 ± 0.125", "-0.250 ± 0", "-0.083 ± 0.144"]
    asked = answer(replace(second, probe="neighbours"), (0.5, 0.5, 0.5))
    more.append(replace(asked, probe={"control": {"r2": [0.25, 0.25, 0.25]}}))
    row = texts(leaned.show(more, choice).sections[0].tables[1])["hgi"]
    assert [cell.split(" ")[0] for cell in row[1:]] == ["0.438", "0.000", "-0.042"]
    one, other = (-0.25, 0.25)
    assert row[2] == f"{(one + other) / 2:.3f} ± 0 ± {np.std([one, other], ddof=1):.3f}"


def test_position_and_what_goes_with_it_are_told_of_all_trainings(leaned, choice, results, answer):
    hgi = [spec for spec in leaned.specs(choice) if spec.model == "hgi"]
    plain = next(spec for spec in hgi if not spec.probe)
    more = [*results, answer(replace(plain, model_seed=1), (0.25, 0.25, 0.25))]
    ridge, mlp = [spec for spec in hgi if spec.probe == "position"]
    more.append(answer(replace(ridge, model_seed=1), (0.4, 0.4, 0.4)))
    placeless = answer(replace(plain, model_seed=1, probe="placeless"), (0.5, 0.5, 0.5))
    told = {"degree": 2, "variance_left": [0.4, 0.4, 0.4], "control": {"r2": [0.25, 0.25, 0.25]}}
    more.append(replace(placeless, probe=told))
    row = texts(leaned.show(more, choice).sections[0].tables[0])["hgi"]
    assert row[2] == f"0.600 ± 0.050 ± {np.std([0.8, 0.4], ddof=1):.3f}"
    assert row[3] == "0.800 ± 0.100"
    assert row[4].startswith("0.438")
    assert row[7].endswith("a plane or a quadratic surface takes 40 % of the vectors' variance")
    assert (ridge.head, mlp.head) == ("ridge", "mlp")


@pytest.mark.parametrize("name", ["placeless", "neighbours"])
def test_a_probe_on_other_splits_is_not_held_against_the_row(leaned, choice, results, name):
    fewer = [
        replace(one, cell=replace(one.cell, seeds=(0, 1))) if one.cell.probe == name else one
        for one in results
    ]
    table, second, *_ = leaned.show(fewer, choice).sections[0].tables
    if name == "placeless":
        assert texts(table)["hgi"][4:7] == ["other seeds", "", ""]
        assert texts(second)["hgi"][1] == "0.375 ± 0.125"
    else:
        assert texts(table)["hgi"][4] == "0.375 ± 0.125"
        assert second.title != "What neighbours bring"


def test_curves_have_a_column_for_each_step_and_dimensions_end_in_all(leaned, choice, results):
    _, _, shares, pca, _ = leaned.show(results, choice).sections[0].tables
    assert [column.title for column in shares.columns] == ["row", "10 %", "100 %"]
    assert [column.title for column in pca.columns] == ["row", "2", "all", "dimensions"]
    assert texts(pca)["hgi"] == ["0.200 ± 0.100", "0.200 ± 0.100", "64"]
    [figure] = leaned.show(results, choice).figures
    assert figure.to_bytes("svg") == figure.to_bytes("svg")


def test_a_floor_that_sees_more_than_a_row_is_none_to_take_skill_over(leaned, choice, results):
    blind = [
        replace(one, model=one.model | {"inputs_allowed": ["road"], "inputs_touched": ["road"]})
        if one.cell.model == "hgi"
        else one
        for one in results
    ]
    assert texts(leaned.show(blind, choice).sections[0].tables[0])["hgi"][1] == ""


def test_what_was_refused_or_not_run_says_so(leaned, choice, results, answer):
    kept = [one for one in results if one.cell.probe != "placeless"]
    spec = next(one for one in leaned.specs(choice) if one.model == "hgi" and one.probe == "placeless")
    assert texts(leaned.show(kept, choice).sections[0].tables[0])["hgi"][4] == "not run"
    alone = [one for one in kept if one.cell.probe != "neighbours"]
    assert "What neighbours bring" not in [one.title for one in leaned.show(alone, choice).sections[0].tables]
    refused = [*kept, answer(spec, status=REFUSED, reason="No.")]
    assert texts(leaned.show(refused, choice).sections[0].tables[0])["hgi"][4] == "refused"
    section = leaned.show([], choice).sections[0]
    assert section.tables == section.figures == ()
    assert section.warnings[0].startswith("Without scores here: hgi")


def test_models_are_chosen_for_experiments_of_any_model_only():
    with pytest.raises(BadInput, match="its rows are its own"):
        load_experiment("table3").settled(Choice(models=("hgi",)))
