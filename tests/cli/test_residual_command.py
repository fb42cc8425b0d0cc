"""Residual maps: the numbers on them, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from urbanbench.cli.residual_command import mean_errors
from urbanbench.errors import BadInput, DataMissing
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


def test_compositions_are_refused_and_missing_predictions_named(finished):
    store, result = finished
    result.task["kind"] = "composition"
    with pytest.raises(BadInput, match="Expected a regression or classification of regions"):
        mean_errors(result, pd.DataFrame())
    store.predictions_of(result.cell).unlink()
    with pytest.raises(DataMissing, match="No predictions"):
        store.read_predictions(store.path_of(result.cell), result.cell)


def test_the_map_finds_the_folder_its_city_was_in(finished, tmp_path, monkeypatch, capsys):
    from urbanbench.cli.app import main

    store, result = finished
    monkeypatch.chdir(tmp_path)
    words = ["residuals", str(store.path_of(result.cell)), "--map", "map.svg"]
    assert main(words) == 0, capsys.readouterr().err
    assert (tmp_path / "map.svg").is_file()
