"""Runs with a train city: rows, refusals, identity, and the same scores by hand."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from urbanbench.board import render
from urbanbench.cache import EmbeddingCache
from urbanbench.card import ModelCard
from urbanbench.errors import BadInput
from urbanbench.learned import Learned
from urbanbench.model import Model
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.registry import plain_name
from urbanbench.result import Cell, RunResult, RunSpec
from urbanbench.run.order import resolve
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench
from urbanbench.scoring.across import evaluate_across
from urbanbench.scoring.evaluate import evaluate
from urbanbench.scoring.protocol import Protocol
from urbanbench.space import EmbeddingSpace
from urbanbench.tasks.popdensity import PopDensity
from urbanbench.units import Units
from urbanbench.verify.again import Elsewhere, order_of

PARTS = {"head": "ridge", "seeds": (0, 1, 2)}


@pytest.fixture
def bench(tmp_path):
    return Workbench(cache=EmbeddingCache(tmp_path / "cache" / "embeddings"))


@pytest.fixture
def spec(tiny_toyville, other_folder):
    return RunSpec(
        "poi-counts",
        "popdensity",
        str(other_folder),
        train_city=str(tiny_toyville),
        split="city-out",
        **PARTS,
    )


def vectors(learned_from, city):
    """Return what poi-counts says of a city with the words of another, by hand."""
    model, units = PoiCounts(), Units("region", tuple(sorted(city.unit_ids("region"))))
    seen = model.card.inputs
    learned = model.learn(learned_from.view(seen), seed=0, device="cpu")
    return model.embed_with(learned, city.view(seen), units=units, seed=0, device="cpu")


def test_zero_shot_and_few_shot_rows_are_what_the_parts_give(spec, home, other, bench):
    here, there = vectors(home, home), vectors(home, other)
    labels = [PopDensity().targets(city) for city in (home, other)]
    for split in ("city-out", "city-out+8"):
        row = execute(replace(spec, split=split), bench=bench)
        assert row.status == "ok", row.reason
        expected = evaluate_across(here, labels[0], there, labels[1], Protocol(split, "ridge", (0, 1, 2)))
        assert row.scores["r2"] == list(expected.per_seed["r2"])
        assert row.provenance["split_digest"] == expected.split_digest


def test_representation_transfer_is_scored_with_the_citys_own_labels_and_splits(spec, home, other, bench):
    row = execute(replace(spec, split="random"), bench=bench)
    native = execute(replace(spec, split="random", train_city=""), bench=bench)
    expected = evaluate(
        vectors(home, other), PopDensity().targets(other), Protocol("random", "ridge", (0, 1, 2))
    )
    assert row.scores["r2"] == list(expected.per_seed["r2"])
    assert row.provenance["split_digest"] == native.provenance["split_digest"]
    assert row.scores["r2"] != native.scores["r2"]


def test_a_model_that_learns_nothing_has_the_scores_of_its_own_city(spec, bench):
    moved = replace(spec, model="area", split="random")
    assert execute(moved, bench=bench).scores == execute(replace(moved, train_city=""), bench=bench).scores


def test_the_train_city_is_part_of_a_rows_identity_and_native_rows_keep_theirs(spec):
    cell, native = resolve(spec).cell, resolve(replace(spec, train_city="", split="random")).cell
    assert cell.train_city == plain_name("city", spec.train_city)
    assert "train_city" not in native.to_dict()
    assert f"poi-counts-from-{cell.train_city}" in cell.file_name
    assert f", trained in {cell.train_city}" in str(cell)
    assert Cell.from_dict(json.loads(json.dumps(cell.to_dict()))) == cell
    assert replace(cell, train_city="").run_id != cell.run_id


def test_a_row_can_be_ordered_again(spec, tiny_toyville, other_folder):
    cell = resolve(spec).cell
    elsewhere = Elsewhere.of((), (), (str(other_folder), str(tiny_toyville)))
    assert order_of(cell, elsewhere).cell == cell


def test_a_kept_row_holds_until_the_train_city_changes(spec, bench, home, monkeypatch):
    row = execute(spec, bench=bench)
    kept = RunResult.from_dict(row.to_dict())
    assert execute(spec, bench=bench, unless=kept) is kept
    other_words = replace(kept, provenance=dict(kept.provenance) | {"train_view_key": "before"})
    again = execute(spec, bench=bench, unless=other_words)
    assert again.provenance["replaced_stale"] == ["data of the train city"]


def test_boards_keep_rows_of_another_training_apart(spec, bench):
    rows = [
        execute(one, bench=bench).to_dict()
        for one in (replace(spec, split="random"), replace(spec, split="random", train_city=""))
    ]
    text = render(rows, format="md")
    where = plain_name("city", spec.train_city)
    assert f"otherville · popdensity · random · trained in {where}" in text
    assert f"| poi-counts, trained in {where} " in text
    assert text.count("\n## ") >= 2


@dataclass(frozen=True)
class Spy(Model):
    """Says which cities were shown to it, and when."""

    card = ModelCard(
        title="Spy", summary="S", needs=("poi",), embeds=("region",), floor=True, transfers="inductive"
    )
    told = []  # noqa: RUF012

    def embed(self, view, *, units, seed, device):
        raise AssertionError

    def learn(self, view, *, seed, device):
        Spy.told.append(("learn", view.city_name))
        return Learned({"n": np.array([len(view.pois)])})

    def embed_with(self, learned, view, *, units, seed, device):
        Spy.told.append(("embed", view.city_name))
        made = np.random.default_rng(int(learned.arrays["n"][0])).normal(size=(len(units), 3))
        return EmbeddingSpace(units.level, np.array(units.ids), made.astype(np.float32))


def test_only_the_train_city_is_seen_in_training_and_it_is_learned_once(spec, bench):
    Spy.told.clear()
    for split in ("city-out", "city-out+5", "random"):
        order = replace(resolve(replace(spec, split=split)), model=Spy())
        assert execute(order, bench=bench).status == "ok"
    assert Spy.told == [("learn", "toyville"), ("embed", "otherville"), ("embed", "toyville")]
    fresh = Workbench(cache=bench.cache)
    Spy.told.clear()
    execute(replace(resolve(replace(spec, split="random")), model=Spy()), bench=fresh)
    assert Spy.told == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "coordinates"}, "reads coordinates, and a place in one city's map says nothing of a place in another's"),
        ({"model": "urban2vec"}, "'urban2vec' cannot embed a city that it was not trained on: its region vectors are trained one by one"),
        ({"model": "flow-rows"}, "its columns are the city's own regions"),
        ({"model": "cityfm", "settings": (("with_pe", "true"),)}, "reads coordinates"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_refused_with_its_reason(spec, bench, changes, reason):
    row = execute(replace(spec, **changes), bench=bench)
    assert row.status == "refused"
    assert reason in row.reason


def test_other_inputs_there_and_here_are_refused_with_those_of_both(spec, bench, changed):
    folder = changed(lambda told: told["layers"].pop("roads"))
    row = execute(replace(spec, city=str(folder), model="cityfm"), bench=bench)
    assert row.status == "refused"
    assert "would see inputs poi,polygon,road in 'toyville' and poi,polygon in 'otherville'" in row.reason
    assert row.reason.endswith("Mend: --inputs poi,polygon")


def test_a_label_that_the_train_city_lacks_or_has_in_other_units_is_refused(spec, bench, changed):
    folder = changed(lambda told: told["labels"]["popdensity"].update(unit="persons per km2"))
    row = execute(replace(spec, train_city=spec.city, city=spec.train_city), bench=bench)
    assert row.status == "ok"
    row = execute(replace(spec, city=spec.train_city, train_city=str(folder)), bench=bench)
    assert "in 'persons per km2' in the train city and in 'thousand persons per km2'" in row.reason


def test_a_missing_label_matters_only_where_a_head_is_fitted_on_it(spec, bench, changed):
    folder = changed(lambda told: told["labels"].pop("popdensity"))
    lacking = replace(spec, city=spec.train_city, train_city=str(folder))
    assert "has no label 'popdensity'" in execute(lacking, bench=bench).reason
    assert execute(replace(lacking, split="random"), bench=bench).status == "ok"


def test_words_that_do_not_fit_are_refused_before_anything_runs(spec):
    with pytest.raises(BadInput, match="--train-city CITY"):
        resolve(replace(spec, split="city-out+5", train_city=""))
    with pytest.raises(BadInput, match="is the city that is scored"):
        resolve(replace(spec, train_city=spec.city))
    with pytest.raises(BadInput, match="the default protocol"):
        resolve(replace(spec, split="", protocol="paper:hgi"))
