"""Sweeps: one parameter at a time, the unchanged value marked."""

from __future__ import annotations

import pytest

from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.shelf import absence, cell_of
from urbanbench.experiments.kinds.sweep import Knob, Sweep


@pytest.fixture
def sweep():
    return Sweep(
        name="s",
        title="Sweep",
        item="Figure 5",
        question="?",
        splits=("random",),
        contender=Contender("UrbanMFM", "urbanmfm"),
        knobs=(
            Knob("max_dist_m", "Radius", ("500", "1000")),
            Knob("no_such", "Nothing", ("1", "2")),
        ),
    )


def test_the_default_value_shares_its_cell_with_the_unchanged_model(sweep):
    specs = sweep.specs(sweep.settled(Choice()))
    known = [spec for spec in specs if not absence(spec)]
    assert len(specs) == 5
    assert len(known) == 3
    assert len({cell_of(spec).run_id for spec in known}) == 2


def test_values_are_shown_against_the_default(sweep, answer):
    choice = sweep.settled(Choice(seeds=(0, 1, 2)))
    base, near, *_ = sweep.specs(choice)
    report = sweep.show([answer(base, (0.5, 0.6, 0.7)), answer(near, (0.4, 0.5, 0.6))], choice)
    radius, nothing = report.sections[0].tables
    rows = {line.entries[0].text: [entry.text for entry in line.entries[2:6]] for line in radius.lines}
    assert rows == {
        "500": ["0.500 ± 0.100", "1.500 ± 0.100", "0.750 ± 0.050", "-0.100 ± 0"],
        "1000 (default)": ["0.600 ± 0.100", "1.400 ± 0.100", "0.700 ± 0.050", ""],
    }
    assert [line.entries[0].text for line in nothing.lines] == ["UrbanMFM", "1", "2"]
    assert nothing.lines[1].entries[2].text == "not in this version"
    [figure] = report.figures
    assert figure.to_bytes("png").startswith(b"\x89PNG")


def test_without_results_there_is_no_figure(sweep):
    assert sweep.show([], sweep.settled(Choice())).figures == ()
