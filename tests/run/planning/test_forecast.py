"""Time left: learned from what such cells took, shared vectors counted once, unknown where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from urbanbench.result import OK, RunResult, RunSpec
from urbanbench.run import resolve
from urbanbench.run.planning.costs import Costs
from urbanbench.run.planning.forecast import Forecast
from urbanbench.store import ResultStore


def order(model, task="popdensity", head="ridge"):
    return resolve(RunSpec(model, task, "toyville", head=head))


def finished(one, embed, head):
    return RunResult(
        OK, one.cell, task={"level": "region"}, cost={"embed_seconds": embed, "head_seconds": head}
    )


def test_unknown_is_said_to_be_unknown_until_such_a_cell_ran(tmp_path, monkeypatch):
    monkeypatch.setenv("URBANBENCH_CACHE", str(tmp_path / "cache"))  # where toyville is not built
    cells = [order("urbanmfm", task) for task in ("popdensity", "income", "landuse")]
    forecast = Forecast(cells, ResultStore(tmp_path))
    assert str(forecast) == "time left unknown: no such cells have run here yet"
    forecast.took(finished(cells[0], 600.0, 20.0), True)
    # income shares the vectors, and land use hides things from a city that nobody has looked into: 20 + 600 + 20 s
    assert str(forecast) == "about 11 min left"
    forecast.took(finished(cells[1], 600.0, 20.0), True)
    forecast.took(finished(cells[2], 600.0, 20.0), True)
    assert str(forecast) == ""


@pytest.mark.parametrize(("overwrite", "words"), [("only-missing", ""), ("always", "about 2 min left")])
def test_earlier_results_of_the_folder_are_known_and_kept_ones_take_nothing(tmp_path, overwrite, words):
    store, one = ResultStore(tmp_path), order("hgi")
    store.save(finished(one, 100.0, 10.0))
    assert str(Forecast([one], store, overwrite=overwrite)) == words


def test_other_models_stay_unknown_beside_known_ones(tmp_path):
    store = ResultStore(tmp_path)
    known = order("hgi")
    store.save(finished(replace(known, cell=replace(known.cell, task="income")), 30.0, 10.0))
    forecast = Forecast([known, order("cityfm")], store)
    assert str(forecast) == "about 40 s left, and 1 cell of unknown length"


def test_vectors_that_came_from_another_kind_of_device_say_nothing_of_this_one():
    one = order("hgi")
    scored_here = replace(
        finished(one, 90.0, 10.0), provenance={"device": "cpu", "vectors": {"device": "cuda"}}
    )
    costs = Costs()
    costs.learn(scored_here)
    assert costs.embed(one, "cpu") is None
    assert costs.embed(one, "cuda").seconds == 90.0
    assert costs.head(one, "cpu").seconds == 10.0
