"""Conformance: honest plugins pass, and each broken promise is named."""

from __future__ import annotations

import doctest
import shutil
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import shapely

import urbanbench.model
from urbanbench.card import ModelCard, TaskCard
from urbanbench.checks import check_city, check_model, check_model_card, check_task
from urbanbench.checks.frames import frames_digest
from urbanbench.city.changing.moved import moved_view
from urbanbench.city.city import City
from urbanbench.errors import BadInput, CityFaults, Conformance, RunRefused
from urbanbench.model import Model
from urbanbench.models.poi_counts import PoiCounts
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace
from urbanbench.task import Task
from urbanbench.tasks.building_function import BuildingFunction
from urbanbench.tasks.popdensity import PopDensity
from urbanbench.units import Units


@pytest.fixture(scope="module")
def city(tiny_toyville_without_pictures):
    return City.open(tiny_toyville_without_pictures)


def card(**parts):
    return ModelCard(
        **({"title": "T", "summary": "S", "needs": (), "embeds": ("region",), "floor": True} | parts)
    )


def ones(units, **parts):
    return EmbeddingSpace(
        units.level, np.array(units.ids), np.ones((len(units), 2), dtype=np.float32), **parts
    )


@dataclass(frozen=True)
class Honest(Model):
    size: int = 3
    card = card()

    def embed(self, view, *, units, seed, device):
        return ones(units)


def test_honest_models_pass_as_class_as_instance_and_on_a_view(city):
    check_model(Honest, city)
    check_model(Honest(size=5), city.view(frozenset()), level="region")
    check_model(PoiCounts(), city)
    check_model(PoiCounts(), city.view({"poi", "polygon"}, ("landuse",)), level="building")


@dataclass(frozen=True)
class NextRow(Model):
    """Gives every region the row of the next one in the table, under its own id."""

    card = card(needs=("poi",))

    def embed(self, view, *, units, seed, device):
        every = list(view.region_ids)
        rows = PoiCounts().embed(view, units=Units("region", tuple(every)), seed=seed, device=device).vectors
        following = np.roll(rows, -1, axis=0)[[every.index(one) for one in units.ids]]
        return EmbeddingSpace("region", np.array(units.ids), following)


@dataclass(frozen=True)
class NodeVectors(Model):
    """A vector drawn for every region, as an untrained graph embedding has: content leaves no trace in it."""

    card = card(needs=("poi",))

    def embed(self, view, *, units, seed, device):
        drawn = np.random.default_rng(seed).normal(size=(len(view.region_ids), 8)).astype(np.float32)
        row_of = {one: row for row, one in enumerate(view.region_ids)}
        _ = view.pois
        return EmbeddingSpace("region", np.array(units.ids), drawn[[row_of[one] for one in units.ids]])


def test_rows_of_other_regions_under_right_ids_are_found_by_planted_twins(city):
    with pytest.raises(
        Conformance, match=r"does not tell regions by their ids: of 12 regions that were planted"
    ):
        check_model(NextRow(), city)


def test_vectors_in_which_content_leaves_no_trace_are_not_accused_of_it(city):
    told = []
    check_model(NodeVectors(), city, held=lambda _level, rule: told.append(rule))
    assert told
    assert not any("planted" in rule for rule in told)


def test_docstring_example_of_the_model_contract_conforms(city):
    names = {}
    for example in doctest.DocTestFinder(recurse=False).find(urbanbench.model.Model, "Model"):
        doctest.DocTestRunner().run(example, clear_globs=False)
        names = example.globs
    shop_counts = names["ShopCounts"]
    shop_counts.card = replace(shop_counts.card, floor=True)
    check_model(shop_counts, city)


class OtherOrder(Honest):
    def embed(self, view, *, units, seed, device):
        return ones(Units(units.level, units.ids[::-1]))


class LeavesOut(Honest):
    def embed(self, view, *, units, seed, device):
        return ones(Units(units.level, units.ids[1:]))


class OtherLevel(Honest):
    def embed(self, view, *, units, seed, device):
        return ones(Units("poi", units.ids))


class BareArray(Honest):
    def embed(self, view, *, units, seed, device):
        return np.ones((len(units), 2), dtype=np.float32)


class FillsUncovered(Honest):
    def embed(self, view, *, units, seed, device):
        return ones(units, covered=np.zeros(len(units), dtype=bool))


class Unseeded(Honest):
    def embed(self, view, *, units, seed, device):
        vectors = np.random.default_rng().normal(size=(len(units), 2)).astype(np.float32)
        return EmbeddingSpace(units.level, np.array(units.ids), vectors)


class WritesIntoCity(Honest):
    """Goes round the read-only flags."""

    card = card(needs=("polygon",))

    def embed(self, view, *, units, seed, device):
        values = view.buildings["area_m2"].array._ndarray.base
        values.flags.writeable = True
        values[:] = 0.0
        return ones(units)


class TouchesUndeclared(Honest):
    def embed(self, view, *, units, seed, device):
        len(view.buildings)
        return ones(units)


class ForgetsToAsk(Honest):
    card = card(can_use=("polygon",))

    def embed(self, view, *, units, seed, device):
        len(view.buildings)
        return ones(units)


class ForgetsToAskForALayer(Honest):
    card = card(can_use=("street_view",))

    def embed(self, view, *, units, seed, device):
        if "street_view" in view.inputs:
            len(view.street_views)
        return ones(units)


class HidesLocation(Honest):
    def embed(self, view, *, units, seed, device):
        points = shapely.centroid(view.unit_geometry(units))
        vectors = np.column_stack([shapely.get_x(points), shapely.get_y(points)]).astype(np.float32)
        return EmbeddingSpace(units.level, np.array(units.ids), vectors)


class ChangesWidth(Honest):
    def embed(self, view, *, units, seed, device):
        width = 1 + int(view.regions.total_bounds[0] // 8192) % 2
        return EmbeddingSpace(
            units.level, np.array(units.ids), np.ones((len(units), width), dtype=np.float32)
        )


class NoNumber(Honest):
    def embed(self, view, *, units, seed, device):
        return EmbeddingSpace(
            units.level, np.array(units.ids), np.full((len(units), 2), np.nan, dtype=np.float32)
        )


class TakesAStranger(Honest):
    def embed(self, view, *, units, seed, device):
        return ones(units).take(["nowhere"])


class UsesWhatNobodyCounts(Honest):
    def embed(self, view, *, units, seed, device):
        saw("pois", np.array([0]), of=1)
        return ones(units)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (NoNumber, "NoNumber.embed raised BadInput. 60 embedding rows hold NaN or infinity"),
        (TakesAStranger, "raised BadInput. The embedding space lacks 1 of 1 region ids"),
        (UsesWhatNobodyCounts, "raised UnknownName. Unknown .* 'pois'.*Did you mean 'poi'"),
        (OtherOrder, "ids in another order"),
        (LeavesOut, "ids that are not the 60 asked for"),
        (OtherLevel, "units of level 'poi'"),
        (BareArray, "returned ndarray"),
        (FillsUncovered, "filled rows of units it has no data for"),
        (Unseeded, "other vectors for the same seed 0"),
        (TouchesUndeclared, "touched the input 'polygon'.*name it under needs or can_use"),
        (ForgetsToAsk, r"touched the input 'polygon'.*ask `view.has\('polygon'\)` first"),
        (HidesLocation, "when the whole city was moved"),
        (ChangesWidth, "when the whole city was moved"),
    ],
)
def test_broken_promise_is_named(city, model, words):
    with pytest.raises(Conformance, match=words):
        check_model(model(), city)


def test_model_that_writes_into_the_city_is_named(tiny_toyville_without_pictures):
    with pytest.raises(Conformance, match="changed the view it was given"):
        check_model(WritesIntoCity(), City.open(tiny_toyville_without_pictures))


def test_location_may_be_used_by_a_model_that_declares_it(city):
    located = type("Located", (HidesLocation,), {"card": card(needs=("coordinates",))})
    check_model(located(), city)


def test_optional_layer_the_city_lacks_is_not_offered(city):
    check_model(ForgetsToAskForALayer(), city)
    with pytest.raises(Conformance, match="touched the layer 'street_views', which the city lacks"):
        check_model(ForgetsToAskForALayer(), city.view({"street_view"}))


def test_model_whose_input_or_level_the_city_lacks_is_refused(city):
    needy = type("Needy", (Honest,), {"card": card(needs=("satellite",))})
    with pytest.raises(RunRefused, match="it needs satellite"):
        check_model(needy(), city)
    viewer = type("Viewer", (Honest,), {"card": card(embeds=("street_view",))})
    with pytest.raises(RunRefused, match="none of its levels"):
        check_model(viewer(), city)


def test_level_that_a_model_does_not_embed_is_refused_and_one_that_the_city_lacks_too(city):
    with pytest.raises(BadInput, match=r"at level 'district'\. Expected a level that its card names: region"):
        check_model(Honest, city, level="district")
    with pytest.raises(BadInput, match="at level 'item'"):
        check_model(Honest, city, level="item")
    viewer = type("Viewer", (Honest,), {"card": card(embeds=("region", "street_view"))})
    with pytest.raises(RunRefused, match="none of its levels"):
        check_model(viewer(), city, level="street_view")


@dataclass(frozen=True)
class Callback(Honest):
    size: object = print


@dataclass(frozen=True)
class Endless(Honest):
    size: float = float("inf")


@dataclass(frozen=True)
class WrongAnnotation(Honest):
    size: str = 3


@dataclass(frozen=True)
class Settings(Honest):
    size: int | None = None
    widths: tuple[int, ...] = (256, 128)
    name: str = "a=b"
    on: bool = True
    rate: float = 1e-3
    maps: tuple[tuple[int, ...], ...] = field(default=((1, 2), (3,)))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (Callback, "not JSON-like"),
        (Endless, "not JSON-like"),
        (WrongAnnotation, "Parameter 'size' of WrongAnnotation does not survive --set"),
    ],
)
def test_parameters_that_cannot_be_written_down_are_named(model, words):
    with pytest.raises(Conformance, match=words):
        check_model_card(model())


def test_all_kinds_of_parameters_survive():
    check_model_card(Settings(size=4, widths=(), on=False, rate=0.5))


def test_model_that_is_no_frozen_dataclass_is_named():
    with pytest.raises(Conformance, match="no frozen dataclass"):
        check_model_card(Thawed())


class Thawed(Model):
    card = card()

    def __init__(self):
        self.size = 3

    def embed(self, view, *, units, seed, device):
        return ones(units)


LEARNED = {"floor": False, "paper": "A. Author, doi 10.1/1", "year": 2024}


@pytest.mark.parametrize(
    ("parts", "presets", "words"),
    [
        ({"title": ""}, {}, "empty 'title'"),
        ({"embeds": ()}, {}, "empty 'embeds'"),
        ({"floor": False, "year": 2024}, {}, "names a paper or a year, but not both"),
        (LEARNED, {"small": {}}, "lacks the preset 'paper'"),
        (LEARNED, {"small": {"sizes": 1}, "paper": {}}, "Preset 'small' of Model0 cannot be built"),
    ],
)
def test_card_that_says_too_little_is_named(parts, presets, words):
    model = type("Model0", (Honest,), {"card": card(**parts), "presets": presets})
    with pytest.raises(Conformance, match=words):
        check_model_card(model())


def test_model_without_card_is_named():
    with pytest.raises(Conformance, match="has no card"):
        check_model_card(type("Bare", (Honest,), {"card": None}))()


def test_tasks_of_toyville_conform(city):
    for task in (PopDensity, BuildingFunction()):
        check_task(task, city)


class NamesStrangers(BuildingFunction):
    def targets(self, city):
        targets = super().targets(city)
        return replace(targets, ids=np.array(["nowhere", *targets.ids[1:]]))


class ReturnsFrame(PopDensity):
    def targets(self, city):
        return city.label("popdensity")


class Unscored(PopDensity):
    def evaluate(self, space, targets, *, protocol=None, device="cpu"):
        scores = super().evaluate(space, targets, protocol=protocol, device=device)
        return replace(scores, per_seed={"r2": (float("nan"),)})


class Untold(Task):
    card = TaskCard(title="T", question="", label="popdensity", kind="regression")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (NamesStrangers, r"not in city 'toyville' \(nowhere"),
        (ReturnsFrame, "returned DataFrame"),
        (Unscored, "no finite r2"),
        (Untold, "empty 'question'"),
    ],
)
def test_broken_task_is_named(city, task, words):
    with pytest.raises(Conformance, match=words):
        check_task(task, city)


def test_task_whose_withheld_tags_can_be_seen_is_named(city, monkeypatch):
    monkeypatch.setattr(
        "urbanbench.city.view.withhold_from_buildings", lambda buildings, withholds, targets: buildings
    )
    with pytest.raises(
        Conformance, match=r"withholds '\w+', but \d+ tags or places of it can be seen in view.buildings"
    ):
        check_task(BuildingFunction, city)


def test_task_whose_targets_hold_visible_pois_is_named(city, monkeypatch):
    monkeypatch.setattr(
        "urbanbench.city.withhold._covered", lambda points, polygons: np.zeros(len(points), dtype=bool)
    )
    with pytest.raises(Conformance, match=r"\d+ tags or places of it can be seen in view.pois"):
        check_task(BuildingFunction, city)


def test_task_without_its_label_is_refused(city):
    class Noise(Task):
        card = TaskCard(title="Noise", question="How loud?", label="noise", kind="regression")

    with pytest.raises(RunRefused, match="has no label 'noise'"):
        check_task(Noise, city)


def test_city_with_faults_is_named(city, tmp_path):
    check_city(city)
    shutil.copytree(city.path, tmp_path, dirs_exist_ok=True)
    opened = City.open(tmp_path)
    (tmp_path / "pois.parquet").write_bytes(b"broken")
    with pytest.raises(CityFaults, match=r"pois\.parquet"):
        check_city(opened)


def test_moved_view_keeps_differences_and_changes_places_and_key(city):
    view = city.view({"poi", "polygon", "road", "flow"}, ("landuse",))
    here, there = moved_view(view, (0.0, 0.0)), moved_view(view, (8192.0, -16384.0))
    assert len({view.key, here.key, there.key}) == 3
    for name in ("regions", "pois", "buildings", "roads"):
        old, new = (shapely.get_coordinates(np.asarray(getattr(one, name).geometry)) for one in (here, there))
        np.testing.assert_array_equal(new - old, np.broadcast_to([8192.0, -16384.0], old.shape))
        assert getattr(there, name).crs == getattr(view, name).crs
    original = shapely.get_coordinates(np.asarray(view.regions.geometry))
    np.testing.assert_allclose(
        shapely.get_coordinates(np.asarray(here.regions.geometry)), original, atol=1e-6
    )
    assert (there.withholds, there.inputs, there.touched) == (
        view.withholds,
        view.inputs,
        {"poi", "polygon", "road"},
    )


def test_frames_digest_sees_every_kind_of_change(city):
    def digest(change):
        fresh = City(
            city.path, city.manifest, {"regions": city.regions, "buildings": change(city.buildings.copy())}
        )
        return frames_digest(fresh.view({"polygon"}))

    same = digest(lambda frame: frame)
    assert same == digest(lambda frame: frame)
    changes = [
        lambda frame: frame.assign(height_m=frame["height_m"] + 1),
        lambda frame: frame.iloc[::-1],
        lambda frame: frame.assign(extra=1),
        lambda frame: frame.assign(tags=frame["tags"].to_numpy()[::-1]).astype({"tags": frame["tags"].dtype}),
        lambda frame: frame.set_geometry(frame.geometry.translate(1.0)),
        lambda frame: frame.assign(region_id=None),
    ]
    assert same not in {digest(change) for change in changes}


@dataclass(frozen=True)
class Boastful(Model):
    of: int = 1
    card = card(needs=("poi",))

    def embed(self, view, *, units, seed, device):
        saw("poi", np.arange(min(self.of, len(view.pois))), of=self.of)
        return ones(units)


def test_what_a_model_says_it_used_has_to_fit_the_view(city):
    with pytest.raises(
        Conformance,
        match=r"used 1 of 1 POIs, where the view shows \d+\. .*Mend: saw\('poi', rows, of=len\(view.pois\)\)",
    ):
        check_model(Boastful(), city)
    held = []
    check_model(Boastful(of=len(city.pois)), city, held=lambda _, rule: held.append(rule))
    assert "it says how many of the objects it touched it used" in held
