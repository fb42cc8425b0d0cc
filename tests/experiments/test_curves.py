"""Training curves: final losses, and when they were nearly reached."""

from __future__ import annotations

import math

import pytest

from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.curves import Curves
from urbanbench.experiments.kinds.training_log import stages_of

LOG = {
    "name": "poi",
    "batch": 8,
    "steps": 40,
    "planned_steps": 50,
    "best_step": 30,
    "chance": math.log(16),
    "held_out_chance": math.log(8),
    "best": 1.0,
    "seconds": 20.0,
    "checks": [[0, 2.1], [10, 1.5], [20, 1.09], [30, 1.0], [40, 1.2]],
    "curve": [[5, 1.8], [25, 1.1]],
}


@pytest.fixture
def curves():
    return Curves(
        name="c",
        title="Curves",
        item="Figure 4",
        question="?",
        splits=("random", "block"),
        contenders=(
            Contender("one", "tfidf"),
            Contender("other", "tfidf", inputs="poi"),
            Contender("none", "area"),
        ),
    )


def test_a_log_tells_its_final_loss_and_the_first_step_near_it():
    class Result:
        training = (LOG, LOG | {"checks": [], "chance": None}, LOG | {"checks": [[0, None]], "curve": []})

    held_out, trained, empty = stages_of(Result())
    assert (held_out.final, held_out.final_step, held_out.near_step) == (1.0, 30, 20)
    assert held_out.seconds_at(held_out.near_step) == pytest.approx(10.0)
    assert (trained.final, trained.near_step) == (1.1, 25)
    assert math.isnan(trained.chance)
    assert held_out.chance == math.log(8)
    Result.training = (LOG | {"checks": []}, {"name": "svi", "skipped": "2 anchors"})
    assert [one.chance for one in stages_of(Result())] == [math.log(16)]
    assert math.isnan(empty.final)
    assert math.isnan(empty.near_step)


def test_losses_of_all_ways_stand_together_and_a_missing_log_is_told(curves, answer):
    choice = curves.settled(Choice(seeds=(0, 1, 2)))
    specs = {(spec.model, spec.inputs, spec.split): spec for spec in curves.specs(choice)}
    joint = [LOG | {"seconds": 80.0}, LOG | {"name": "local", "seconds": 80.0}]
    results = [
        answer(specs["tfidf", "full", "block"], training=[LOG]),
        answer(specs["tfidf", "poi", "random"], training=joint),
        answer(specs["area", "full", "random"]),
    ]
    section, *scores = curves.show(results, choice).sections
    rows = [[entry.text for entry in line.entries] for line in section.tables[0].lines]
    assert rows == [
        ["poi", "one", "2.079", "1.000", "40", "30", "20", "20", "10"],
        ["poi", "other", "2.079", "1.000", "40", "30", "20", "80", "40"],
        ["local", "other", "2.079", "1.000", "40", "30", "20", "80", "40"],
    ]
    assert section.warnings == ("No training log of: none.",)
    assert section.figures[0].to_bytes("svg").startswith(b"<?xml")
    assert [one.title for one in scores] == [
        "toyville · popdensity · random",
        "toyville · popdensity · block",
    ]


def test_without_logs_there_is_neither_table_nor_figure(curves):
    section = curves.show([], curves.settled(Choice())).sections[0]
    assert section.tables == section.figures == ()
