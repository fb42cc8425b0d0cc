"""One run: vectors, scores, refusals and failures as results."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from urbanbench.city.city import City
from urbanbench.errors import UnknownName
from urbanbench.result import FAILED, OK, REFUSED, RunSpec
from urbanbench.run import Workbench, execute, walk
from urbanbench.run.order import resolve
from urbanbench.space import EmbeddingSpace
from urbanbench.toolkit.kept.versions import learned_versions
from urbanbench.units import Units

pytestmark = pytest.mark.usefixtures("own_cache")


def write_model(folder: Path, name: str, card: str, body: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(
        "from dataclasses import dataclass\n"
        "import numpy as np\n"
        "from urbanbench.card import ModelCard\n"
        "from urbanbench.errors import *\n"
        "from urbanbench.model import Model\n"
        "from urbanbench.space import EmbeddingSpace\n"
        "@dataclass(frozen=True)\n"
        "class Odd(Model):\n"
        f"    card = ModelCard(title='Odd', summary='Odd.', {card})\n"
        "    def embed(self, view, *, units, seed, device):\n"
        f"        {body}\n",
        encoding="utf-8",
    )
    return path


REGION = "needs=('poi',), embeds=('region',)"
ONES = "EmbeddingSpace('region', np.array(units.ids), np.ones((len(units), 1), dtype='float32'))"


def test_run_scores_every_seed_and_metric(village, counting):
    result = execute(RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0, 4, 7)))
    assert result.status == OK, result.traceback
    assert {len(numbers) for numbers in result.scores.values()} == {3}
    assert {"rmse", "mae", "r2"} <= set(result.scores)
    assert result.mean("r2") > 0.8
    assert result.evaluation["main_metric"] == "r2"


def test_run_equals_scoring_by_hand(village, counting):
    """The walk adds nothing to the numbers: the same vectors through the scorer alone give the same scores."""
    from urbanbench.registry import load_model, load_task
    from urbanbench.scoring.protocol import Protocol

    city, task = City.open(village), load_task("popdensity")
    model = load_model(str(counting)).from_settings(settings={"power": "0.5"})
    space = model.embed(
        city.view({"poi"}), units=Units("region", city.unit_ids("region")), seed=0, device="cpu"
    )
    by_hand = task.evaluate(
        space, task.targets(city), protocol=Protocol("block", "ridge", (1, 2), block_size_m=900.0)
    )
    spec = RunSpec(
        str(counting),
        "popdensity",
        str(village),
        settings=(("power", "0.5"),),
        split="block",
        head="ridge",
        seeds=(1, 2),
        block_size_m=900.0,
    )
    result = execute(spec)
    assert result.scores == {name: list(numbers) for name, numbers in by_hand.per_seed.items()}
    assert result.provenance["split_digest"] == by_hand.split_digest


def test_run_records_counts_cost_and_provenance(village, counting):
    result = execute(RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0, 1)))
    assert result.evaluation["n_units"] == 36
    assert sum(result.evaluation[side] for side in ("n_train", "n_val", "n_test")) == 36
    assert result.cost["peak_rss_mb"] > 20
    assert result.cost["embed_seconds"] > 0
    assert result.cost["embed_processor_seconds"] > 0
    assert result.cost["head_processor_seconds"] > 0
    assert not [name for name in result.cost if name.endswith("_misses")]
    assert result.cost["embedding_cached"] is False
    assert result.model["inputs_allowed"] == ["poi"]  # the village has no roads
    assert result.model["inputs_touched"] == ["poi"]
    assert result.model["inputs_declared"] == ["poi", "road"]
    assert result.model["dim"] == 2
    assert result.model["effective_rank"] == 1.0  # both columns say one thing
    hashes = ("view_key", "data_digest", "targets_digest", "split_digest", "code_digest")
    assert all(len(result.provenance[name]) == 32 for name in hashes)
    assert result.provenance["packages"]["numpy"] == np.__version__


def test_second_run_takes_vectors_from_the_cache(village, counting, tmp_path):
    first = execute(RunSpec(str(counting), "popdensity", str(village), head="ridge"))
    second = execute(RunSpec(str(counting), "income", str(village), head="knn"), bench=Workbench())
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 1
    assert second.cost["embedding_cached"] is True
    assert second.cost["embed_seconds"] == first.cost["embed_seconds"]
    assert second.cost["embed_processor_seconds"] == first.cost["embed_processor_seconds"]
    assert second.model["inputs_touched"] == ["poi"]
    assert second.model["effective_rank"] == first.model["effective_rank"]


def test_vectors_that_an_earlier_version_kept_have_no_seconds_of_processors(village, counting, own_cache):
    first = execute(RunSpec(str(counting), "popdensity", str(village), head="ridge"))
    [described] = (own_cache / "embeddings").glob("*.json")
    told = json.loads(described.read_text())
    for name in ("processor_seconds", "processor_misses"):
        del told["facts"][name]
    described.write_text(json.dumps(told))
    second = execute(RunSpec(str(counting), "income", str(village), head="ridge"), bench=Workbench())
    assert second.cost["embedding_cached"] is True
    assert second.cost["embed_seconds"] == first.cost["embed_seconds"]
    assert "embed_processor_seconds" not in second.cost
    assert second.cost["head_processor_seconds"] > 0


def test_withholding_task_gets_its_own_embedding(telling_village, counting, tmp_path):
    execute(RunSpec(str(counting), "popdensity", str(telling_village), head="ridge"))
    execute(RunSpec(str(counting), "landuse", str(telling_village), head="ridge"))
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 2


def test_model_seed_and_parameters_change_the_embedding(village, counting, tmp_path):
    for settings, seed in (((), 0), ((), 1), ((("power", "2"),), 0), ((("power", "1.0"),), 0)):
        spec = RunSpec(
            str(counting), "gdp", str(village), settings=settings, model_seed=seed, head="ridge", seeds=(0,)
        )
        assert execute(spec).status == OK
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 3


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_key_of_vectors_names_packages_device_and_processes(village, counting, monkeypatch, device):
    order = resolve(RunSpec(str(counting), "gdp", str(village)))
    view = City.open(village).view({"poi"})

    def parts():
        return walk.embedding_key(order, view, Units("region", view.region_ids), {}, device).parts

    assert parts()["device"] == device
    assert parts()["packages"] == learned_versions()
    assert parts()["packages"]["torch"]
    assert parts()["packages"]["numpy"] == np.__version__
    monkeypatch.setattr(walk, "sharers", lambda: 2)
    assert parts()["device"] == f"{device} x2"


def test_masked_need_is_refused_with_the_reason(village, counting):
    result = execute(RunSpec(str(counting), "popdensity", str(village), inputs="road"))
    assert (result.status, result.scores) == (REFUSED, {})
    assert result.reason == "Model 'counting' needs input 'poi', which --inputs road masks."


def test_optional_input_that_turns_out_to_be_needed_is_refused_where_it_is_masked(village, tmp_path):
    path = write_model(
        tmp_path,
        "leaning",
        "needs=('poi',), can_use=('road',), embeds=('region',)",
        "view.roads; return None",
    )
    result = execute(RunSpec(str(path), "popdensity", str(village), inputs="poi"))
    assert (result.status, result.error_type) == (REFUSED, "InputMasked")
    assert result.reason.startswith("Input 'road' is masked in this run. Allowed inputs: poi.")


def test_absent_layer_is_refused(village):
    result = execute(RunSpec("building-stats", "popdensity", str(village)))
    assert result.status == REFUSED
    assert "has no layer 'buildings'" in result.reason


def test_absent_label_is_refused_with_the_labels_there(village, counting):
    result = execute(RunSpec(str(counting), "poverty", str(village)))
    assert result.status == REFUSED
    assert "no label 'poverty'" in result.reason
    assert "popdensity" in result.reason


def test_level_the_model_cannot_embed_is_refused(village, tmp_path):
    path = write_model(tmp_path, "poi_only", "needs=('poi',), embeds=('poi',)", "return None")
    result = execute(RunSpec(str(path), "popdensity", str(village)))
    assert (result.status, result.reason) == (
        REFUSED,
        "Model 'poi-only' embeds 'poi'. Task 'Population density' labels regions.",
    )


def test_group_split_without_groups_is_refused(village, counting):
    result = execute(RunSpec(str(counting), "crime", str(village), split="group", head="ridge"))
    assert result.status == REFUSED
    assert "names no groups" in result.reason


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("return 1 / 0", "ZeroDivisionError", "division"),
        ("return [1]", "Conformance", "Expected an EmbeddingSpace"),
        (f"return {ONES}.take(list(units.ids)[::-1])", "Conformance", "the right ids in another order"),
        ("view.roads; return None", "InputMasked", "masked"),
        ("raise ExtraMissing('No weights.')", "ExtraMissing", "No weights."),
    ],
)
def test_broken_model_is_a_failed_result_with_traceback(village, tmp_path, body, error, words):
    path = write_model(tmp_path, "broken_one", REGION, body)
    result = execute(RunSpec(str(path), "popdensity", str(village)))
    assert (result.status, result.error_type) == (FAILED, error)
    assert words in result.reason
    assert "Traceback" in result.traceback


def test_interrupt_is_not_swallowed(village, tmp_path):
    path = write_model(tmp_path, "stopped", REGION, "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        execute(RunSpec(str(path), "popdensity", str(village)))


def test_unknown_names_raise_before_anything_runs(village, counting):
    with pytest.raises(UnknownName, match="Did you mean 'ridge'"):
        execute(RunSpec(str(counting), "popdensity", str(village), head="rigde"))
    with pytest.raises(UnknownName, match="parameter of Counting"):
        execute(RunSpec(str(counting), "popdensity", str(village), settings=(("depth", "3"),)))


def test_model_that_names_its_head_keeps_it(village):
    result = execute(RunSpec("mean", "popdensity", str(village), head="mlp"))
    assert (result.status, result.cell.head) == (OK, "mean")


def test_uncovered_units_are_counted_and_scored_apart(village, tmp_path):
    body = (
        "there = np.arange(len(units)) >= 6; "
        "return EmbeddingSpace('region', np.array(units.ids), np.ones((len(units), 1), dtype='float32') * there[:, None].astype('float32'), there)"
    )
    path = write_model(tmp_path, "partial", REGION, body)
    result = execute(RunSpec(str(path), "popdensity", str(village), head="ridge", seeds=(0, 1)))
    assert result.status == OK, result.traceback
    assert result.evaluation["n_uncovered"] == 6
    assert set(result.scores_covered) == set(result.scores)


def test_given_vectors_score_like_the_model_that_made_them(village, counting, tmp_path):
    from urbanbench.run.embedding import embed_city

    space, _ = embed_city(RunSpec(str(counting), "", str(village)), Workbench())
    for suffix in ("parquet", "safetensors"):
        space.save(tmp_path / f"mine.{suffix}")
        given = execute(RunSpec(str(tmp_path / f"mine.{suffix}"), "popdensity", str(village), head="ridge"))
        assert (
            given.scores == execute(RunSpec(str(counting), "popdensity", str(village), head="ridge")).scores
        )
        assert (given.cell.inputs, given.cell.model, given.cell.parameters) == ("given", "mine", {})


def test_given_vectors_may_lack_units(village, tmp_path):
    ids = [f"r{k:02d}" for k in range(30)]
    EmbeddingSpace("region", np.array(ids), np.ones((30, 2), dtype=np.float32)).save(
        tmp_path / "some.parquet"
    )
    result = execute(RunSpec(str(tmp_path / "some.parquet"), "popdensity", str(village), head="ridge"))
    assert (result.status, result.evaluation["n_uncovered"]) == (OK, 6)


def test_given_vectors_of_another_city_fail_with_both_kinds_of_ids(village, tmp_path):
    EmbeddingSpace("region", np.array(["x1"]), np.ones((1, 2), dtype=np.float32)).save(
        tmp_path / "far.parquet"
    )
    result = execute(RunSpec(str(tmp_path / "far.parquet"), "popdensity", str(village)))
    assert result.status == REFUSED
    assert "ids like 'r00', 'r01', 'r02', got 'x1'" in result.reason


def test_undefined_scores_survive_as_nan(village, counting, tmp_path):
    from urbanbench.store import ResultStore

    result = execute(RunSpec(str(counting), "landuse", str(village), head="ridge", seeds=(0,)))
    result.scores["f1_macro"][0] = math.nan
    store = ResultStore(tmp_path / "results")
    assert "NaN" not in store.save(result).read_text()
    assert math.isnan(store.load_all()[0].scores["f1_macro"][0])
