"""Several trainings: a cell each for models that train, one for all others, vectors kept apart."""

from __future__ import annotations

import pytest

from urbanbench.card import ModelCard
from urbanbench.checks.model import check_model
from urbanbench.city.city import City
from urbanbench.errors import Conformance
from urbanbench.model import Model
from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.run.plan import Plan, open_cities, plan, trainings_of, with_floors
from urbanbench.seeds import generator
from urbanbench.space import EmbeddingSpace
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


def test_models_that_train_have_a_cell_for_each_and_others_one(counting):
    assert trainings_of(str(counting), (4, 1, 2)) == (4, 1, 2)
    assert trainings_of("hgi", (0, 1, 2)) == (0, 1, 2)
    for once in (
        "text-mean",
        "clip",
        "imagenet-features",
        "resnet18",
        "minilm-captions",
        "poi-counts",
        "random",
    ):
        assert trainings_of(once, (4, 1, 2)) == (4,)


def test_floors_beside_several_trainings_are_run_once(counting, village):
    specs = plan(Plan([str(counting)], ["income"], [str(village)], model_seeds=(3, 5)))
    every = with_floors(specs, open_cities(specs))
    assert [spec.model_seed for spec in every if spec.model == str(counting)] == [3, 5]
    floors = [(spec.model, spec.head) for spec in every if spec.model != str(counting)]
    assert len(floors) == len(set(floors))
    assert {spec.model_seed for spec in every if spec.model != str(counting)} == {0}


def test_every_training_has_vectors_and_a_result_of_its_own_and_goes_on_where_it_stopped(
    counting, village, tmp_path
):
    store = ResultStore(tmp_path / "kept")
    specs = [
        RunSpec(str(counting), task, str(village), head="ridge", seeds=(0,), model_seed=seed)
        for seed in (0, 1)
        for task in ("income", "gdp")
    ]
    run(specs[:3], store)
    new = []
    run(specs, store, progress=lambda result, is_new: new.append((result.cell.model_seed, is_new)))
    assert sorted(new) == [(0, False), (0, False), (1, False), (1, True)]
    seeds = [line.split()[-1] for line in (tmp_path / "embeds.log").read_text().splitlines()]
    assert seeds == ["0", "1"]
    assert len(list(store.folder.glob("*/*/*__*.json"))) == 4


class Seeded(Model):
    """Draws its vectors and says that it does not train."""

    card = ModelCard(title="Seeded", summary="Noise.", needs=("poi",), embeds=("region",), trained=False)

    def embed(self, view, *, units, seed, device):
        noise = generator(seed, "seeded").normal(size=(len(units), 3))
        return EmbeddingSpace("region", units.ids, noise.astype("float32"))


def test_a_card_that_denies_training_is_held_to_it(village):
    with pytest.raises(Conformance, match="gave other vectors for seed 1 than for seed 0"):
        check_model(Seeded(), City.open(village))
