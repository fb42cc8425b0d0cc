"""Residual maps: the numbers on them, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from urbanbench.cli.again import command_again
from urbanbench.cli.app import main
from urbanbench.cli.residual_command import mean_errors
from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def finished(village, counting, tmp_path):
    store = ResultStore(tmp_path / "results")
    [result] = run([RunSpec(str(counting), "income", str(village), head="ridge", seeds=(0, 1, 2))], store)
    return store, result


def test_mean_errors_average_over_the_seeds_that_tested_a_region(finished):
    store, result = finished
    told = store.read_predictions(store.path_of(result.cell), result.cell)
    errors = mean_errors(store.read(store.path_of(result.cell)), told)
    one = told["unit_id"].iloc[0]
    rows = told[told["unit_id"] == one]
    assert errors[one] == pytest.approx(np.mean(rows["predicted"].to_numpy() - rows["true"].to_numpy()))
    assert set(errors.index) == set(told["unit_id"])


def test_classes_count_wrong_answers(finished):
    _, result = finished
    result.task["kind"] = "classification"
    told = pd.DataFrame({"unit_id": ["a", "a", "b"], "true": ["x", "x", "y"], "predicted": ["x", "y", "y"]})
    assert mean_errors(result, told).to_dict() == {"a": 0.5, "b": 0.0}


def test_compositions_and_runs_without_scores_are_refused_before_anything_is_read(finished, village, capsys):
    store, result = finished
    path = store.path_of(result.cell)
    whole = json.loads(path.read_text(encoding="utf-8"))
    for change, said in (
        (
            {"task": whole["task"] | {"kind": "composition"}},
            "Expected a regression or classification of regions",
        ),
        ({"status": "refused", "reason": "No layer."}, "is refused: No layer. Expected a finished run."),
    ):
        path.write_text(json.dumps(whole | change), encoding="utf-8")
        assert main(["residuals", str(path), "-c", str(village)]) == 2
        assert said in capsys.readouterr().err


def test_a_run_without_predictions_names_the_command_that_makes_them(finished, village, capsys, monkeypatch):
    store, result = finished
    path = store.path_of(result.cell)
    store.predictions_of(result.cell).unlink()
    monkeypatch.chdir(path.parent)
    assert main(["residuals", path.name, "-c", str(village)]) == 3
    said = capsys.readouterr().err
    assert f"Result '{path.name}' has no predictions beside it." in said
    assert (
        "Mend: urbanbench run -m counting -t income -c village --split random --head ridge --seeds 3 --no-floors"
        in said
    )


def test_a_map_is_drawn_from_a_result_named_from_inside_its_folder(finished, village, monkeypatch, tmp_path):
    store, result = finished
    path = store.path_of(result.cell)
    monkeypatch.chdir(path.parent)
    assert main(["residuals", path.name, "-c", str(village), "-o", str(tmp_path / "map.png")]) == 0
    assert (tmp_path / "map.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seeds": (0, 3, 7)}, "--seeds 0,3,7,"),
        ({"seeds": (4,)}, "--seeds 4,"),
        ({"inputs": "poi,polygon", "model_seed": 2}, "--inputs poi,polygon --model-seed 2"),
        ({"split": "block", "block_size_m": 900.0}, "--split block --head ridge --seeds 3 --block-size 900"),
        ({"split": "paper:hgi", "head": "rf"}, "--protocol paper:hgi --no-floors"),
    ],
)
def test_the_command_of_a_result_names_what_was_asked(finished, changed, words):
    _, result = finished
    assert words in command_again(replace(result, cell=replace(result.cell, **changed)))


def test_the_command_of_a_result_names_what_differs_from_the_preset_stated_or_not(finished):
    _, result = finished
    stated = replace(result, model=result.model | {"settings": {"power": 2.0}})
    assert "--set power=2.0" in command_again(stated)
    old = {name: value for name, value in result.model.items() if name != "settings"}
    cell = replace(result.cell, model="mean", parameters={})
    assert "--set" not in command_again(replace(result, model=old, cell=cell))
    gone = replace(result.cell, model="not-here", parameters={"stages": ["poi", "svi"]})
    assert "--set stages=poi,svi" in command_again(replace(result, model=old, cell=gone))


def test_the_map_finds_the_folder_its_city_was_in(finished, tmp_path, monkeypatch, capsys):
    store, result = finished
    monkeypatch.chdir(tmp_path)
    words = ["residuals", str(store.path_of(result.cell)), "--map", "map.svg"]
    assert main(words) == 0, capsys.readouterr().err
    assert (tmp_path / "map.svg").is_file()
