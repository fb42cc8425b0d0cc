"""A task to begin with, and its test."""

from __future__ import annotations

__all__ = ["TASK", "TASK_TEST"]

TASK = '''"""$title: $question"""

from __future__ import annotations

from urbanbench.card import TaskCard
from urbanbench.task import Task


class $kind(Task):
    """$question"""

    card = TaskCard(
        title="$title",
        question="$question",
        label="$label",  # labels/$label.parquet of a city, and its entry in city.json
        kind="$label_kind",
        level="$level",
        withholds=$withholds,  # what would give the answer away: "landuse", "target_building"
    )
'''

TASK_TEST = '''"""$title keeps the contract of a task, and asks what the label says."""

from pathlib import Path

import pytest

import urbanbench as ub
from urbanbench.checks import check_task

FILE = Path(__file__).with_name("$stem.py")


@pytest.fixture(scope="module")
def city():
    return ub.load_city($city)


@pytest.fixture(scope="module")
def task():
    return ub.load_task(str(FILE))


def test_it_keeps_the_contract(city, task):
    check_task(task, city)


def test_it_asks_for_every_unit_that_has_the_label(city, task):
    targets = task.targets(city)
    assert set(targets.ids) == set(city.label(task.card.label).index)


def test_a_model_is_scored_on_it_without_seeing_what_it_withholds(city, task):
    space = ub.embed("$model", city, for_task=task)
    result = ub.evaluate(space, task, head="ridge", seeds=3)
    assert result.scores[result.main_metric].notna().all()
    assert result.raw.task["withholds"] == list(task.card.withholds)
'''
