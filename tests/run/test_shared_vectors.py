"""Tasks share vectors where a model is shown the same, and nowhere else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from urbanbench.city.city import City
from urbanbench.result import FAILED, OK, RunSpec
from urbanbench.run import Workbench, execute, sharing
from urbanbench.run.embedding_here import key_here
from urbanbench.run.loop import in_sharing_order
from urbanbench.run.order import resolve
from urbanbench.run.planning.costs import Costs
from urbanbench.run.planning.groups import grouped
from urbanbench.run.planning.state import CACHED, TO_MAKE, look
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")
TAGS = pa.map_(pa.string(), pa.string())

TELLING = """
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.space import EmbeddingSpace


@dataclass(frozen=True)
class Telling(Model):
    card = ModelCard(title="Telling", summary="Tells what it was shown.", embeds=("region",), CARD)

    def embed(self, view, *, units, seed, device):
        keys = sorted({key for tags in view.pois["tags"] for key, _ in tags}) if view.has("poi") else []
        told = {"keys": keys, "withholds": list(view.withholds), "targets": list(view.target_ids)}
        with Path(__file__).with_suffix(".log").open("a") as log:
            log.write(json.dumps(told) + "\\n")
        BODY
        return EmbeddingSpace("region", np.array(units.ids), np.arange(len(units), dtype="float32")[:, None])
"""


class Teller:
    """A model file, and what it wrote down of each training."""

    def __init__(self, folder: Path, card: str, body: str = "pass") -> None:
        self.path = folder / "telling.py"
        self.path.write_text(TELLING.replace("CARD", card).replace("BODY", body), encoding="utf-8")

    @property
    def told(self) -> list[dict]:
        log = self.path.with_suffix(".log")
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def run(self, city: Path, *tasks: str):
        return [execute(self.spec(city, task), bench=Workbench()) for task in tasks]

    def spec(self, city: Path, task: str) -> RunSpec:
        return RunSpec(str(self.path), task, str(city), head="ridge", seeds=(0,))


@pytest.fixture
def tagged(village, tmp_path):
    """Draw the village with other tags; `tags` are those of its POIs in turn."""

    def drawn(*tags, name="village"):
        folder = tmp_path / name
        shutil.copytree(village, folder)
        manifest = folder / "city.json"
        manifest.write_text(manifest.read_text().replace('"village"', f'"{name}"'))
        table = pq.read_table(folder / "pois.parquet")
        rows = [tags[k % len(tags)] for k in range(table.num_rows)]
        place = table.column_names.index("tags")
        pq.write_table(table.set_column(place, "tags", pa.array(rows, TAGS)), folder / "pois.parquet")
        return folder

    return drawn


CAFES = [("amenity", "cafe")]
READS_POIS, READS_PLACES = "needs=('poi',)", "needs=('coordinates',)"


def test_a_model_is_trained_once_for_tasks_that_hide_nothing_from_it(tagged, tmp_path):
    city, model = tagged(CAFES), Teller(tmp_path, READS_POIS)
    open_, withheld = model.run(city, "popdensity", "landuse")
    assert model.told == [{"keys": ["amenity"], "withholds": [], "targets": []}]
    assert [open_.status, withheld.status] == [OK, OK]
    assert [one.cost["embedding_cached"] for one in (open_, withheld)] == [False, True]
    assert open_.provenance["embedding_digest"] == withheld.provenance["embedding_digest"]


def test_whichever_task_comes_first(tagged, tmp_path):
    city, model = tagged(CAFES), Teller(tmp_path, READS_POIS)
    assert [one.cost["embedding_cached"] for one in model.run(city, "landuse", "income")] == [False, True]
    assert model.told == [{"keys": ["amenity"], "withholds": [], "targets": []}]


def test_a_row_says_what_was_withheld_all_the_same(tagged, tmp_path):
    city = tagged(CAFES)
    open_, withheld = Teller(tmp_path, READS_POIS).run(city, "popdensity", "landuse")
    assert [one.task["withholds"] for one in (open_, withheld)] == [[], ["landuse"]]
    views = [City.open(city).view({"poi"}, words).data_key for words in ((), ("landuse",))]
    assert [one.provenance["view_key"] for one in (open_, withheld)] == views


def test_a_planted_answer_is_hidden_and_its_vectors_are_never_shared(tagged, tmp_path):
    city = tagged(CAFES, CAFES, [("landuse", "retail"), *CAFES])
    model = Teller(tmp_path, READS_POIS)
    open_, withheld = model.run(city, "popdensity", "landuse")
    assert [one["keys"] for one in model.told] == [["amenity", "landuse"], ["amenity"]]
    assert withheld.cost["embedding_cached"] is False
    assert open_.provenance["embedding_digest"] != withheld.provenance["embedding_digest"]


def test_a_model_that_reads_no_tags_is_trained_once_though_tags_tell_the_answer(tagged, tmp_path):
    city, model = tagged([("landuse", "retail")]), Teller(tmp_path, READS_PLACES)
    model.run(city, "popdensity", "landuse", "landuse-shares")
    assert model.told == [{"keys": [], "withholds": [], "targets": []}]


def test_a_model_that_asks_for_what_it_does_not_declare_is_refused_under_both_tasks(tagged, tmp_path):
    city, model = tagged(CAFES), Teller(tmp_path, READS_PLACES, "view.pois")
    for result in model.run(city, "popdensity", "landuse"):
        assert result.status == FAILED
        assert "Input 'poi' is masked in this run. Allowed inputs: coordinates" in result.reason
    assert len(model.told) == 2


def test_a_model_that_declares_nothing_keeps_vectors_of_its_own_for_each_withholding(tagged, tmp_path):
    city, model = tagged(CAFES), Teller(tmp_path, "needs=()")
    model.run(city, "popdensity", "income", "landuse", "landuse-shares")
    assert [one["withholds"] for one in model.told] == [[], ["landuse"]]


def test_vectors_of_a_task_that_withholds_nothing_are_found_under_the_key_of_its_view(tagged, tmp_path):
    city, model = tagged(CAFES), Teller(tmp_path, READS_POIS)
    key = key_here(model.spec(city, "popdensity"), Workbench())
    assert key.parts["view"] == City.open(city).view({"poi"}).key
    assert key_here(model.spec(city, "landuse"), Workbench()).digest == key.digest


def plan(orders, store):
    groups = grouped(look(orders, store, Workbench()), Costs())
    return [(len(group.heads), group.vectors) for group in groups]


def test_a_plan_counts_one_training_for_tasks_that_share_it(tagged, tmp_path):
    city, model, store = tagged(CAFES), Teller(tmp_path, READS_POIS), ResultStore(tmp_path / "results")
    orders = [resolve(model.spec(city, task)) for task in ("popdensity", "landuse", "income")]
    assert plan(orders, store) == [(3, TO_MAKE)]
    model.run(city, "landuse")
    assert plan(orders, store) == [(3, CACHED)]


def test_a_plan_counts_two_trainings_where_the_answer_is_hidden(telling_village, tmp_path):
    model, store = Teller(tmp_path, READS_POIS), ResultStore(tmp_path / "results")
    orders = [resolve(model.spec(telling_village, task)) for task in ("popdensity", "landuse", "income")]
    assert plan(orders, store) == [(2, TO_MAKE), (1, TO_MAKE)]


def test_a_plan_of_a_city_that_was_not_there_when_it_was_asked_counts_one_too(tagged, tmp_path, monkeypatch):
    city, model, store = tagged(CAFES), Teller(tmp_path, READS_POIS), ResultStore(tmp_path / "results")
    orders = [resolve(model.spec(city, task)) for task in ("popdensity", "landuse")]
    monkeypatch.setattr(sharing, "folder_there", lambda word: None)
    assert len({order.embedding_group for order in orders}) == 2
    assert plan(orders, store) == [(2, TO_MAKE)]


def test_cells_that_share_vectors_stand_together_whatever_their_task_withholds(tagged, tmp_path):
    city, model = tagged(CAFES), Teller(tmp_path, READS_POIS)
    asked = [(task, seed) for task in ("popdensity", "landuse") for seed in (0, 1)]
    orders = [resolve(replace(model.spec(city, task), model_seed=seed)) for task, seed in asked]
    ordered = [(one.spec.task, one.spec.model_seed) for one in in_sharing_order(orders)]
    assert ordered == [("popdensity", 0), ("landuse", 0), ("popdensity", 1), ("landuse", 1)]


def test_an_answer_in_the_train_city_parts_tasks_as_one_in_the_scored_city_does(tagged, tmp_path):
    model, telling = Teller(tmp_path, READS_POIS), [("landuse", "retail")]
    here = {"bare": tagged(CAFES), "telling": tagged(telling, name="thorp")}
    there = {"bare": tagged(CAFES, name="hamlet"), "telling": tagged(telling, name="ham")}

    def groups(city, train_city):
        asked = {"train_city": str(there[train_city])}
        specs = [replace(model.spec(here[city], task), **asked) for task in ("income", "landuse")]
        return len({resolve(spec).embedding_group for spec in specs})

    assert groups("bare", "bare") == 1
    assert [groups("bare", "telling"), groups("telling", "bare")] == [2, 2]
