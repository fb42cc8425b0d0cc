"""A label needs no code: it is a task by itself, of the kind and level that city.json says."""

import json
import shutil

import pytest

from urbanbench.checks import check_task
from urbanbench.cli.app import main
from urbanbench.errors import RunRefused, UnknownName
from urbanbench.registry import expand, expand_labels, face_of, label_tasks, open_city, task_of_label
from urbanbench.result import RunSpec
from urbanbench.run.walk import execute

TOYVILLE = "toyville:tiny"


@pytest.fixture
def city(village, tmp_path):
    """The village with its incomes under a name that no plugin asks for, and noted."""
    folder = tmp_path / "hamlet"
    shutil.copytree(village, folder)
    raw = json.loads((folder / "city.json").read_text())
    raw["labels"]["executives"] = {**raw["labels"]["income"], "note": "counted by hand", "unit": "percent"}
    (folder / "city.json").write_text(json.dumps(raw))
    return str(folder)


def test_a_label_no_plugin_knows_is_scored(city):
    result = execute(RunSpec(model="coordinates", task="label:executives", city=city, seeds=(0, 1)))
    assert result.status == "ok", result.reason
    assert (result.cell.task, result.task["label"], result.task["unit"]) == (
        "label:executives",
        "executives",
        "percent",
    )
    assert result.task["kind"] == "regression"


def test_a_label_task_scores_as_the_plugin_that_asks_for_the_same_label():
    words = ("popdensity", "label:popdensity")
    by_plugin, by_label = (
        execute(RunSpec(model="poi-counts", task=word, city=TOYVILLE, head="ridge", seeds=(0, 1)))
        for word in words
    )
    assert by_plugin.scores == by_label.scores
    assert by_plugin.cell.run_id != by_label.cell.run_id


def test_every_label_of_a_city_keeps_the_contract_of_tasks():
    opened = open_city(TOYVILLE)
    assert set(label_tasks(TOYVILLE)) == {f"label:{name}" for name in opened.labels}
    for word in label_tasks(TOYVILLE):
        check_task(task_of_label(word, TOYVILLE), opened)


def test_a_label_task_hides_what_the_plugin_for_that_label_hides():
    cards = label_tasks(TOYVILLE)
    assert cards["label:landuse"].withholds == ("landuse",)
    assert set(cards["label:building_function"].withholds) == {"landuse", "target_building"}
    assert cards["label:popdensity"].withholds == ()


def test_the_note_of_the_entry_is_the_note_of_the_task(city):
    assert label_tasks(city)["label:executives"].note == "counted by hand"


def test_a_pattern_stands_for_the_labels_of_the_cities(city):
    assert expand("task", "label:exec*") == ["label:exec*"]
    assert expand_labels(["popdensity", "label:exec*"], [city]) == ["popdensity", "label:executives"]


def test_an_unknown_label_suggests_the_nearest(city):
    with pytest.raises(UnknownName, match="Did you mean 'label:executives'"):
        expand_labels(["label:executive"], [city])


def test_a_city_without_the_label_refuses_the_task(city, village):
    assert expand_labels(["label:executives"], [city, str(village)]) == ["label:executives"]
    result = execute(RunSpec(model="coordinates", task="label:executives", city=str(village)))
    assert result.status == "refused"
    assert "has no label 'executives'" in result.reason
    with pytest.raises(RunRefused):
        face_of("task", "label:executives").targets(open_city(str(village)))


def test_listing_tasks_of_a_city_shows_plugins_and_labels(city, capsys):
    assert main(["list", "tasks", "--city", city, "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert {"popdensity", "label:popdensity", "label:executives"} <= set(rows)
    assert "housing" not in rows
    assert rows["label:executives"]["from"] == "city.json"


def test_listing_anything_else_of_a_city_says_how_to_ask(capsys):
    assert main(["list", "models", "--city", TOYVILLE]) == 2
    assert "urbanbench list tasks --city" in capsys.readouterr().err


def test_describing_a_label_says_where_labels_are_told(capsys):
    assert main(["describe", "label:executives"]) == 2
    assert "urbanbench list tasks --city CITY" in capsys.readouterr().err


def test_the_command_line_runs_a_label(city, tmp_path, capsys):
    words = ["run", "-m", "mean", "-t", "label:executives", "-c", city, "--out", str(tmp_path / "results")]
    assert main(words) == 0
    assert "label:executives" in capsys.readouterr().out
    assert main([*words, "--dry-run"]) == 0
    assert "ok" in capsys.readouterr().out
