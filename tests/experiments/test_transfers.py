"""Transfer: which cells a pair of cities needs, and what its table says of each."""

from __future__ import annotations

import pytest

from urbanbench.experiments import Choice, load_experiment
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.shelf import cell_of
from urbanbench.experiments.kinds.transfers import Transfers
from urbanbench.result import REFUSED


@pytest.fixture
def transfer():
    return Transfers(
        name="t",
        title="Transfer",
        item="none",
        question="?",
        cities=("village",),
        splits=("random",),
        contenders=(Contender("POIs", "poi-counts"),),
        references=(Contender("mean", "mean"), Contender("coordinates", "coordinates")),
        origins={"village": ("hamlet",), "": ("toyville",)},
        shots=(0, 10),
    )


def table_of(experiment, results, choice):
    [section] = experiment.show(results, choice).sections
    [table] = section.tables
    return section, {line.entries[0].text: line for line in table.lines}


def test_a_pair_has_a_cell_for_each_thing_that_may_be_carried_and_its_native_one(transfer):
    specs = transfer.specs(transfer.settled(Choice(seeds=(0, 1))))
    asked = [(spec.train_city, spec.split) for spec in specs if spec.model == "poi-counts"]
    assert asked == [
        ("hamlet", "city-out"),
        ("hamlet", "city-out+10"),
        ("hamlet", "random"),
        ("", "random"),
    ]
    assert len(specs) == 12
    assert len({cell_of(spec).run_id for spec in specs}) == 12


def test_other_cities_learn_in_the_usual_one_and_never_in_themselves(transfer):
    specs = transfer.specs(transfer.settled(Choice(cities=("elsewhere", "toyville"))))
    assert {(spec.city, spec.train_city) for spec in specs} == {("elsewhere", "toyville"), ("elsewhere", "")}


def test_scores_stand_where_they_belong_and_only_native_units_make_a_bold_set(transfer, answer):
    choice = transfer.settled(Choice(seeds=(0, 1, 2)))
    zero, ten, own, native, *_ = [spec for spec in transfer.specs(choice) if spec.model == "poi-counts"]
    of_mean = [spec for spec in transfer.specs(choice) if spec.model == "mean"]
    refused = [spec for spec in transfer.specs(choice) if spec.model == "coordinates" and spec.train_city]
    results = [
        answer(zero, (-0.4, -0.5, -0.6), floor=True),
        answer(ten, (0.1, 0.1, 0.1), floor=True),
        answer(own, (0.5, 0.6, 0.7), floor=True),
        answer(native, (0.6, 0.7, 0.8), floor=True),
        answer(of_mean[0], (-0.1, -0.1, -0.1), floor=True),
        answer(of_mean[3], (0.0, 0.0, 0.0), floor=True),
        *(answer(spec, status=REFUSED, reason="A place says nothing elsewhere. No.") for spec in refused),
    ]
    section, lines = table_of(transfer, results, choice)
    assert section.title == "hamlet to village · popdensity · random"
    told = [entry.text for entry in lines["POIs"].entries[1:5]]
    assert told == ["-0.500 ± 0.100", "0.100 ± 0", "0.600 ± 0.100", "0.700 ± 0.100"]
    assert [entry.mark for entry in lines["POIs"].entries[1:5]] == ["", "", "", "best"]
    assert [entry.text for entry in lines["mean"].entries[1:5]][1:3] == ["not run"] * 2
    assert [entry.text for entry in lines["coordinates"].entries[1:5]] == [*["refused"] * 3, "not run"]
    assert "A place says nothing elsewhere" in lines["coordinates"].entries[5].text
    [figure] = section.figures
    assert figure.name.startswith("t-")


def test_nothing_that_was_run_is_said(transfer):
    [section] = transfer.show([], transfer.settled(Choice())).sections
    assert section.warnings == ("No row has been run.",)


def test_the_declared_experiment_goes_both_ways_between_the_two_real_cities():
    experiment = load_experiment("transfer")
    specs = experiment.specs(experiment.settled(Choice(models=("text-mean",))))
    pairs = {(spec.train_city, spec.city) for spec in specs if spec.train_city}
    assert pairs == {("singapore", "new_york"), ("new_york", "singapore"), ("toyville", "toyville:city")}
