"""The declared experiments say what the paper's tables hold, and name settings as the model takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

import urbanbench.experiments
from urbanbench.board.published import read_published
from urbanbench.errors import UnknownName
from urbanbench.experiments import Choice, experiment_names, listed_experiments, load_experiment
from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.paper_rows import objective_rows
from urbanbench.experiments.kinds.shelf import cell_of
from urbanbench.result import RunSpec

TABLES = [one for one in listed_experiments() if isinstance(one, Comparison)]


def test_every_declared_file_is_found_under_its_name():
    folder = Path(urbanbench.experiments.__file__).parent
    declared = [
        path.stem
        for path in folder.glob("*.py")
        if path.stem not in {"__init__", "catalogue"} and path.stem[0] != "_"
    ]
    assert len(experiment_names()) == len(declared)
    assert {
        "table3",
        "table4",
        "table5",
        "table6",
        "table7",
        "table8",
        "figure4",
        "figure5",
        "granularity",
    } <= set(experiment_names())


def test_a_wrong_name_suggests_the_nearest():
    with pytest.raises(UnknownName, match=r"Unknown experiment 'tabel3'\. Did you mean 'table3'\?"):
        load_experiment("tabel3")


@pytest.mark.parametrize("experiment", listed_experiments(), ids=lambda one: one.name)
def test_every_experiment_says_what_it_asks_and_gives_specs(experiment):
    choice = experiment.settled(Choice(cities=("toyville:tiny",), seeds=(0, 1)))
    specs = experiment.specs(choice)
    assert experiment.question.endswith("?")
    assert experiment.item
    assert specs
    assert all(isinstance(spec, RunSpec) for spec in specs)
    assert {spec.seeds for spec in specs if spec.protocol == "default"} == {(0, 1)}


@pytest.mark.parametrize("experiment", TABLES, ids=lambda one: one.name)
def test_a_table_names_every_row_the_paper_prints_and_no_other(experiment):
    printed = {one.model for one in read_published() if one.table == experiment.table}
    assert {row.published for row in experiment.contenders if row.published} == printed


def test_without_a_scale_leaves_out_its_objectives_and_keeps_the_order():
    full, *rows = objective_rows()
    kept = {row.published: dict(row.settings)["stages"] for row in rows}
    assert "stages" not in dict(full.settings)
    assert kept == {
        "UrbanMFM w/o Micro Scale": "local,macro,global",
        "UrbanMFM w/o Local Scale": "poi,svi,macro,global",
        "UrbanMFM w/o Macro Scale": "poi,svi,local,global",
        "UrbanMFM w/o Global Scale": "poi,svi,local,macro",
    }


def test_input_rows_hide_one_input_each():
    rows = {
        row.label: set(row.inputs.split(","))
        for row in load_experiment("table3").contenders
        if row.group == "Input ablation"
    }
    everything = {"poi", "polygon", "road", "street_view", "satellite"}
    assert {label: everything - seen for label, seen in rows.items() if label.startswith("without")} == {
        "without polygon": {"polygon"},
        "without road": {"road"},
        "without street view": {"street_view"},
        "without satellite": {"satellite"},
    }
    assert rows["POIs alone"] == {"poi"}


def test_ablations_and_the_row_they_are_held_against_have_one_readout():
    table = load_experiment("table3")
    rows = [row for row in table.contenders if row.group in table.ablations]
    assert {dict(row.settings)["poi_vector"] for row in rows} == {"mean"}
    assert table.full in {row.label for row in rows}


def test_rows_with_a_positional_encoding_may_see_coordinates_and_no_other_row_may():
    rows = load_experiment("unified").contenders
    assert {row.label for row in rows if "coordinates" in row.inputs} == {"CityFM +pe", "UrbanMFM +pe"}
    assert {row.inputs.removesuffix(",coordinates") for row in rows} == {"poi,polygon"}


@pytest.mark.parametrize("name", ["readouts", "full", "unified", "cities"])
def test_rows_of_a_matrix_have_labels_and_cells_of_their_own(name):
    experiment = load_experiment(name)
    rows = (*experiment.contenders, *experiment.references)
    choice = experiment.settled(
        Choice(cities=("toyville:tiny",), tasks=("popdensity",), splits=("random",), heads=("mlp",))
    )
    assert len({row.label for row in rows}) == len(rows)
    assert len({cell_of(spec).run_id for spec in experiment.specs(choice)}) == len(rows)


def test_sweeps_change_the_parameters_of_the_paper():
    assert {knob.name: knob.values for knob in load_experiment("figure5").knobs} == {
        "sample_share": ("0.1", "0.25", "0.5", "0.75", "1"),
        "max_dist_m": ("250", "500", "1000", "1500", "2000"),
        "cosine_threshold": ("0.8", "0.85", "0.9", "0.95", "0.99"),
        "dbscan_eps_m": ("10", "25", "50", "100", "200"),
        "min_pts": ("1", "2", "3", "5", "10"),
    }


def test_experiments_share_cells():
    choice = Choice(cities=("toyville",), splits=("random",))
    ids = {
        name: {cell_of(spec).run_id for spec in one.specs(one.settled(choice)) if spec.model == "urbanmfm"}
        for name in ("table3", "table8", "figure5")
        for one in [load_experiment(name)]
    }
    assert ids["table3"] & ids["table8"] & ids["figure5"]
