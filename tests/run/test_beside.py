"""Runs of a model beside the best floor: results of their own, from vectors that are there, old when a floor is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from urbanbench.errors import BadInput, UnknownName
from urbanbench.home import cache_root
from urbanbench.registry import load_model
from urbanbench.result import BEST_FLOOR, OK, REFUSED, RunResult, RunSpec
from urbanbench.run import Workbench, execute, resolve, run
from urbanbench.run.plan import Plan, plan
from urbanbench.run.planning.forecast import Forecast
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def spec(village, counting):
    """A model of the village, scored alone."""
    return RunSpec(str(counting), "income", str(village), head="ridge", seeds=(0, 1, 2))


@pytest.fixture
def beside(spec):
    """The same beside the best floor."""
    return replace(spec, beside=BEST_FLOOR)


def test_both_are_results_of_their_own_and_the_models_is_what_it_was(spec, beside, tmp_path):
    store = ResultStore(tmp_path / "kept")
    alone, both = run([spec, beside], store)
    assert (alone.status, both.status) == (OK, OK)
    assert "beside" not in alone.to_dict()["spec"]
    assert alone.adds == {}
    assert both.to_dict()["spec"]["beside"] == BEST_FLOOR
    assert both.cell.file_name.split("__")[3] == "ridge+best-floor"
    assert alone.run_id != both.run_id
    read = store.find(both.cell)
    assert read.cell == both.cell
    assert read.to_dict() == both.to_dict()


def test_gains_are_the_difference_to_the_floor_seed_by_seed_and_positive_where_better(beside):
    both = execute(beside)
    adds = both.adds
    assert adds["floors"] == ["poi-counts", "tfidf"]  # the village has neither footprints nor trips
    assert set(adds["chosen"]) <= set(adds["floors"])
    for metric, sign in (("r2", 1), ("rmse", -1)):
        expected = sign * (np.array(both.scores[metric]) - np.array(adds["floor_scores"][metric]))
        assert np.allclose(adds["gain"][metric], expected)
    assert {len(adds[name]) for name in ("chosen", "second", "stacks")} == {3}
    assert {one["folds"] for one in adds["stacks"]} == {5}


def test_the_floors_numbers_are_those_of_its_own_row(spec, beside):
    adds = execute(beside).adds
    rows = {name: execute(replace(spec, model=name)).scores["r2"] for name in adds["floors"]}
    assert adds["floor_row_scores"]["r2"] == [rows[name][k] for k, name in enumerate(adds["chosen"])]


def test_nothing_is_embedded_again_and_floors_are_read_once_for_all_models(
    spec, beside, tmp_path, monkeypatch
):
    from urbanbench.scoring.fusion import reading

    read, calls = reading.read, []
    monkeypatch.setattr(reading, "read", lambda space, exam: calls.append(space.dim) or read(space, exam))
    other = replace(beside, settings=(("power", "2.0"),))
    run([spec, beside, other], ResultStore(tmp_path / "kept"))
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 2
    assert len(calls) == 4  # two floors, two models


@pytest.mark.parametrize("task", ["income", "landuse"])
def test_what_heads_read_out_of_floors_is_kept_for_later_commands(beside, tmp_path, monkeypatch, task):
    from urbanbench.scoring.fusion import reading

    first = execute(replace(beside, task=task), bench=Workbench())
    read, calls = reading.read, []
    monkeypatch.setattr(reading, "read", lambda space, exam: calls.append(space.dim) or read(space, exam))

    def again():
        calls.clear()
        later = execute(replace(beside, task=task), bench=Workbench())
        assert (later.scores, later.adds) == (first.scores, first.adds)
        assert all((later.predictions[name] == first.predictions[name]).all() for name in first.predictions)
        return len(calls)

    assert again() == 1  # the model's own
    kept = sorted((cache_root() / "readings").glob("*.safetensors"))
    assert len(kept) == 2
    kept[0].write_bytes(b"no reading")
    assert again() == 2
    assert again() == 1


def test_a_model_without_a_floor_of_its_inputs_is_refused_as_such(beside):
    refused = execute(replace(beside, model="coordinates"))
    assert (refused.status, refused.error_type) == (REFUSED, "NoFloor")
    assert "none counts the contents of regions from inputs coordinates of" in refused.reason
    assert execute(replace(beside, model="mean")).reason.startswith(
        "Model 'mean' is defined by its head 'mean'."
    )


def test_a_finished_one_is_kept_until_a_floor_its_data_or_the_fusion_change(beside, tmp_path, monkeypatch):
    from urbanbench.scoring.fusion import evaluate

    store = ResultStore(tmp_path / "kept")
    told = []

    def again():
        run(
            [beside],
            store,
            progress=lambda result, new: told.append((new, result.provenance.get("replaced_stale"))),
        )
        return told[-1]

    assert again() == (True, None)
    assert again() == (False, None)
    monkeypatch.setattr(evaluate, "FUSION_VERSION", 2)
    assert again() == (True, ["fusion version 1, now 2"])
    floor = load_model("tfidf")
    card, version = replace(floor.card, version=floor.card.version + 1), floor.card.version
    monkeypatch.setattr(floor, "card", card)
    assert again() == (True, [f"floor tfidf version {version}, now {version + 1}"])
    assert again()[0] is False


def test_finished_vectors_stand_beside_floors_of_the_inputs_stated_or_of_any(village, tmp_path):
    labels = pd.read_parquet(village / "labels" / "income.parquet")
    file = tmp_path / "mine.csv"
    columns = {"region_id": labels["region_id"], "a": np.random.default_rng(1).normal(size=len(labels))}
    pd.DataFrame(columns).to_csv(file, index=False)
    spec = RunSpec(str(file), "income", str(village), head="ridge", seeds=(0,), beside=BEST_FLOOR)
    for inputs in ("full", "poi"):
        assert execute(replace(spec, inputs=inputs)).adds["floors"] == ["poi-counts", "tfidf"]
    assert execute(replace(spec, inputs="road")).error_type == "NoFloor"


def test_the_best_floor_alone_stands_beside_models_under_the_default_protocol(beside):
    with pytest.raises(UnknownName, match="best-floor"):
        resolve(replace(beside, beside="second-best"))
    with pytest.raises(BadInput, match="default"):
        resolve(replace(beside, protocol="paper:hgi"))


def test_plans_put_it_behind_every_learned_models_cell(counting, village):
    asked = Plan(
        [str(counting), "tfidf"], ["income"], [str(village)], protocols=("default", "paper:hgi"), beside=True
    )
    cells = [(spec.model, spec.protocol, spec.beside) for spec in plan(asked)]
    assert cells == [
        (str(counting), "default", ""),
        (str(counting), "default", BEST_FLOOR),
        ("tfidf", "default", ""),
        (str(counting), "paper:hgi", ""),
        ("tfidf", "paper:hgi", ""),
    ]


def test_the_time_of_a_fusion_tells_nothing_of_a_heads(spec, beside, tmp_path):
    store = ResultStore(tmp_path / "kept")
    cost = {"embed_seconds": 1.0, "head_seconds": 100.0}
    store.save(RunResult(OK, resolve(beside).cell, cost=cost))
    forecast = Forecast([resolve(spec)], store)
    assert "unknown" in str(forecast)
