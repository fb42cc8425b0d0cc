"""CityFM as a model: which stages it trains where, what its vectors are made of, whom it knows, what it refuses."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import torch
from transformers import BertConfig, BertModel, BertTokenizer, ResNetConfig, ResNetModel

from urbanbench.city.city import City
from urbanbench.errors import BadInput, RunRefused, UnknownName
from urbanbench.home import fresh_cache
from urbanbench.models._cityfm.contexts import row_of_no_poi
from urbanbench.models.cityfm import CityFM
from urbanbench.seen import seeing
from urbanbench.toolkit.ground.positions import encoded
from urbanbench.toolkit.pictures.image_encoders import load_image_encoder
from urbanbench.toolkit.texts.text_encoders import load_text_encoder
from urbanbench.toolkit.training import seeded_torch
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.toolkit.training.state import TrainingState
from urbanbench.units import Units

DIM = 16
BRIEF = {
    "text_encoder": "hashing", "image_encoder": "random-efficientnet-lite0", "raster_size": "16",
    "dim": str(DIM), "max_steps": "3", "batch": "32", "chunk": "16",
}  # fmt: skip


def model(**settings):
    return CityFM.from_settings("small", BRIEF | settings)


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def bus_city(city, tmp_path_factory):
    """The same city, in which bus routes use every third road."""
    folder = shutil.copytree(city.path, tmp_path_factory.mktemp("toyville-bus") / "city")
    table = pq.read_table(folder / "roads.parquet")
    counts = np.random.default_rng(0).integers(1, 50, table.num_rows)
    tags = [
        [*one, ("bus_routes", str(counts[row]))] if row % 3 == 0 else one
        for row, one in enumerate(table.column("tags").to_pylist())
    ]
    place = table.schema.get_field_index("tags")
    column = pa.array(tags, pa.map_(pa.string(), pa.string()))
    pq.write_table(table.set_column(place, "tags", column), folder / "roads.parquet")
    return City.open(folder)


def view(city, *inputs):
    return city.view(frozenset(inputs or ("poi", "polygon", "road")))


def trained_anew(one, shown, units, seed):
    """Embed where no stage is on disk from before."""
    with fresh_cache():
        return one.embed(shown, units=units, seed=seed, device="cpu")


def names(logs):
    return [one.name for one in logs if not one.skipped]


def test_the_road_stage_is_trained_where_roads_tell_bus_routes(bus_city):
    shown = view(bus_city)
    assert model().stages_in(shown) == ("text", "shape", "road")
    assert "left out" not in model().variant(shown)
    with recording() as logs:
        model().pretrain(shown, seed=0)
    assert names(logs) == ["text", "shape", "road"]
    assert all(np.isfinite(one.steps).all() for one in logs)


def test_without_bus_routes_the_road_stage_is_left_out_and_named(city):
    assert model().variant(view(city)) == {
        "text": "hashed-words-384 (frozen)",
        "grouping": "road",
        "image": "random-efficientnet-lite0 (frozen, 16 px)",
        "left out": "road (no bus routes)",
    }
    assert names(model().pretrain(view(city), seed=0).log) == ["text", "shape"]


def test_an_untrained_model_names_no_grouping_and_looks_at_no_road(bus_city):
    shown, idle = view(bus_city), model(stages="")
    assert set(idle.variant(shown)) == {"text", "image"}
    idle.embed(shown, units=Units("region", shown.region_ids), seed=0, device="cpu")
    assert shown.touched == {"poi", "polygon"}


def test_the_unified_setting_has_no_road_branch_and_looks_at_no_road(bus_city):
    shown = view(bus_city, "poi", "polygon")
    assert model().variant(shown)["left out"] == "road (no roads)"
    assert model().variant(shown)["grouping"] == "knn"
    space = model().embed(shown, units=Units("region", shown.region_ids), seed=0, device="cpu")
    assert space.dim == 2 * DIM
    assert shown.touched == {"poi", "polygon"}


def test_without_footprints_a_region_is_its_texts(city):
    shown = view(city, "poi")
    assert model().variant(shown)["left out"] == "shape (no footprints), road (no roads)"
    space = model().embed(shown, units=Units("region", shown.region_ids), seed=0, device="cpu")
    assert space.dim == DIM


def test_a_stage_without_anchors_is_skipped_and_recorded(bus_city, monkeypatch):
    alike = "urbanbench.models._cityfm.pretrain.route_counts"
    monkeypatch.setattr(alike, lambda roads: np.full(len(roads), 4))  # one number of routes makes one pair
    with recording() as logs:
        model(stages="shape,road").pretrain(view(bus_city), seed=0)
    assert [(one.name, one.skipped) for one in logs] == [("shape", ""), ("road", "0 anchors")]


@pytest.mark.parametrize("zero", [True, False])
def test_a_region_is_the_projected_mean_of_its_texts_and_the_zero_place_beside_its_mean_footprint(city, zero):
    shown, one = view(city), model(region_zero=str(zero))
    trained = one.pretrain(shown, seed=0)
    space = one.embed(shown, units=Units("region", shown.region_ids), seed=0, device="cpu")
    places, features = trained.places, trained.texts.frozen().features
    buildings = shown.buildings
    told = sorted(set(places.building.tolist()) - {-1})
    known = []
    with torch.no_grad():
        for row, region in enumerate(shown.region_ids):
            here = [k for k in range(len(places)) if places.region[k] == row]
            text, visual = torch.zeros(DIM), torch.zeros(DIM)
            if here:
                told_texts = [features[places.text[k]] for k in here]
                none = [features[row_of_no_poi(places)]] if zero else []
                mean = torch.stack([*told_texts, *none]).sum(0) / (len(here) + zero)
                text = trained.net.encode_text(mean[None])[0]
            own = [k for k in told if buildings["region_id"].iloc[k] == region]
            if own:
                polygons = np.asarray(buildings.geometry)[own]
                drawn = trained.shapes.frozen(polygons).features
                visual = trained.net.encode_shape(drawn, trained.shapes.surface(polygons)).mean(0)
            known.append(bool(here or own))
            np.testing.assert_allclose(space.vectors[row], torch.cat([text, visual]), atol=1e-5)
    assert space.mask.tolist() == known


def test_all_buildings_enter_a_region_when_asked(city):
    shown = view(city)
    trained = model().pretrain(shown, seed=0)
    every = model(region_polygons="all").embed(
        shown, units=Units("region", shown.region_ids[:4]), seed=0, device="cpu"
    )
    buildings = shown.buildings
    with torch.no_grad():
        for row, region in enumerate(shown.region_ids[:4]):
            polygons = np.asarray(buildings.geometry)[np.asarray(buildings["region_id"] == region)]
            drawn = trained.shapes.frozen(polygons).features
            visual = trained.net.encode_shape(drawn, trained.shapes.surface(polygons)).mean(0)
            np.testing.assert_allclose(every.vectors[row, DIM:], visual, atol=1e-5)


@pytest.mark.parametrize("zero", [True, False])
def test_a_building_is_its_footprint_beside_the_texts_around_without_its_own(city, zero):
    shown, one = view(city), model(context_radius_m="40", region_zero=str(zero))
    trained = one.pretrain(shown, seed=0)
    ids = tuple(shown.buildings.index[:80])
    space = one.embed(shown, units=Units("building", ids), seed=0, device="cpu")
    places, features = trained.places, trained.texts.frozen().features
    polygons = np.asarray(shown.buildings.geometry)[:80]
    bare = 0
    with torch.no_grad():
        drawn = trained.shapes.frozen(polygons).features
        shapes = trained.net.encode_shape(drawn, trained.shapes.surface(polygons))
        for row, polygon in enumerate(polygons):
            centre = np.array(shapely.centroid(polygon).coords[0])
            near = np.hypot(*(places.xy - centre).T) <= 40
            near &= ~((np.arange(len(places)) >= places.n_points) & (places.building == row))
            bare += not near.any()
            none = [row_of_no_poi(places)] if zero or not near.any() else []
            rows = np.array([*places.text[near], *none])
            text = trained.net.encode_text(features[rows].mean(0)[None])[0]
            np.testing.assert_allclose(space.vectors[row], torch.cat([shapes[row], text]), atol=1e-5)
    assert 0 < bare < 80
    assert space.mask.all()


def test_regions_without_pois_are_not_covered_and_no_other_is_dropped(city):
    shown, units = view(city, "poi"), Units("region", tuple(city.unit_ids("region")))
    space = model().embed(shown, units=units, seed=0, device="cpu")
    peopled = set(shown.pois["region_id"])
    assert 0 < space.mask.sum() < len(units)
    assert set(space.ids[space.mask]) <= peopled
    kept = model(poi_filter="all").embed(shown, units=units, seed=0, device="cpu")
    assert set(kept.ids[kept.mask]) == peopled - {None}
    assert not space.vectors[~space.mask].any()


def test_pois_that_the_filter_drops_are_not_covered(city):
    shown = view(city)
    trained = model().pretrain(shown, seed=0)
    units = Units("poi", tuple(shown.pois.index))
    space = model().embed(shown, units=units, seed=0, device="cpu")
    kept = set(trained.places.ids[: trained.places.n_points])
    assert set(space.ids[space.mask]) == kept
    assert 0 < len(kept) < len(units)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(bus_city):
    shown = view(bus_city)
    units = Units("region", shown.region_ids)
    first, again, other = (trained_anew(model(), shown, units, seed).vectors for seed in (3, 3, 4))
    assert first.tobytes() == again.tobytes()
    assert not np.array_equal(first, other)


def test_the_position_is_appended_when_asked(city):
    shown = city.view(frozenset({"poi", "polygon", "coordinates"}))
    units = Units("region", shown.region_ids)
    plain, placed = (
        model(with_pe=word).embed(shown, units=units, seed=0, device="cpu") for word in ("false", "true")
    )
    from pyproj import Transformer

    centre = [one.centroid.coords[0] for one in shown.regions.geometry]
    to_degrees = Transformer.from_crs(shown.crs, "EPSG:4326", always_xy=True)
    degrees = np.array([to_degrees.transform(*one)[::-1] for one in centre])
    assert "coordinates" in model(with_pe="true").card.needs
    assert "coordinates" not in {*model().card.inputs, *CityFM.card.inputs}
    known = plain.mask
    np.testing.assert_array_equal(placed.vectors[:, : 2 * DIM], plain.vectors)
    np.testing.assert_allclose(placed.vectors[known, 2 * DIM :], encoded(degrees)[known] / 10, atol=1e-3)


def test_the_published_readout_is_the_default_of_both_presets():
    assert all(CityFM.from_settings(preset).region_zero for preset in ("", *CityFM.presets))


def test_a_row_says_which_stages_it_lacks_and_whether_it_knows_where_it_is(bus_city, city):
    assert model().lacks(view(bus_city)) == ()
    assert model().lacks(view(city)) == ("no stage road",)
    assert model().lacks(view(city, "poi")) == ("no stage shape", "no stage road")
    assert model(stages="text").lacks(view(city, "poi")) == ()  # asked for, not lacking
    assert (model().knows_place(), model(with_pe="true").knows_place()) == ("", "position encoding")


def test_every_footprint_is_a_place_when_asked(city):
    shown, units = view(city), Units("region", tuple(city.unit_ids("region")))
    trained = model(untagged="poi").pretrain(shown, seed=0)
    assert len(trained.places.shapes) == len(shown.buildings)
    with seeing() as strict:
        model().embed(shown, units=units, seed=0, device="cpu")
    with seeing() as every:
        model(untagged="poi").embed(shown, units=units, seed=0, device="cpu")
    few, all_ = strict.to_record(), every.to_record()
    assert all_["polygon"] == {"used": len(shown.buildings), "of": len(shown.buildings)}
    assert 0 < few["polygon"]["used"] < few["polygon"]["of"]
    assert few["poi"] == all_["poi"]


def test_what_cannot_be_done_is_refused_with_a_mend(city):
    shown = view(city, "poi")
    building = Units("building", tuple(city.unit_ids("building")[:3]))
    with pytest.raises(RunRefused, match=r"polygons cannot be seen .* Mend: --inputs poi,polygon"):
        model().embed(shown, units=building, seed=0, device="cpu")
    region = Units("region", shown.region_ids)
    with pytest.raises(RunRefused, match=r"coordinates cannot be used .* Mend: allow the input coordinates"):
        model(with_pe="true").embed(shown, units=region, seed=0, device="cpu")
    with pytest.raises(RunRefused, match=r"roads cannot be seen .* Mend: allow the input road"):
        model(grouping="road").embed(shown, units=region, seed=0, device="cpu")


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"stages": "text,shapes"}, UnknownName, "Did you mean 'shape'"),
        ({"grouping": "street"}, UnknownName, "grouping"),
        ({"region_polygons": "none at all"}, UnknownName, "region polygons"),
        ({"chunk": "1"}, BadInput, "'chunk' of CityFM is 1. Expected at least 2"),
        ({"temperature": "0"}, BadInput, "'temperature' of CityFM is 0.0. Expected a number above 0"),
        ({"route_tolerance": "2"}, BadInput, r"Expected a share in \[0, 1\]"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(settings, error, words):
    with pytest.raises(error, match=words):
        model(**settings)


def test_a_city_without_any_poi_that_is_kept_is_refused(village, tmp_path):
    import shutil

    folder = tmp_path / "village"
    shutil.copytree(village, folder)
    table = pq.read_table(folder / "pois.parquet")
    tags = pa.array([[("name", "x")]] * table.num_rows, pa.map_(pa.string(), pa.string()))
    place = table.schema.get_field_index("tags")
    pq.write_table(table.set_column(place, "tags", tags), folder / "pois.parquet")
    shown = City.open(folder).view(frozenset({"poi"}))
    with pytest.raises(RunRefused, match="no POI left after the filter 'paper'"):
        model().pretrain(shown, seed=0)


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "name", "amenity", "shop", "building", ":", ","]


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Folders of a small BERT and a small ResNet with random weights."""
    text, image = (tmp_path_factory.mktemp("weights") / name for name in ("small-bert", "small-resnet"))
    with seeded_torch(0, "small encoders"):
        sizes = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
        BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(text)
        widths = {"embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1]}
        ResNetModel(ResNetConfig(**widths, layer_type="basic")).save_pretrained(image)
    BertTokenizer(vocab={word: row for row, word in enumerate(WORDS)}).save_pretrained(text)
    return {"text_encoder": str(text), "image_encoder": str(image)}


def test_the_paper_preset_trains_each_encoder_in_its_own_stages(bus_city, encoders, own_cache, monkeypatch):
    # after two steps the weights before any training may well be the best: keep the last
    monkeypatch.setattr(TrainingState, "restore_best", lambda state: setattr(state, "done", True))
    small = {"dim": "8", "raster_size": "16", "batch": "16", "road_batch": "64", "max_steps": "2"}
    before = {
        "text": load_text_encoder(encoders["text_encoder"]).state_dict(),
        "image": load_image_encoder(encoders["image_encoder"]).state_dict(),
    }
    trains = {"text": "text", "shape": "image", "road": "text"}
    for number, stage in enumerate(trains, start=1):
        paper = CityFM.from_settings("paper", encoders | small | {"stages": ",".join([*trains][:number])})
        trained = paper.pretrain(view(bus_city), seed=0)
        assert [len(one.steps) for one in trained.log] == [2] * number
        for kind, encoder in (("text", trained.texts.encoder), ("image", trained.shapes.encoder)):
            now = {name: one.clone() for name, one in encoder.state_dict().items()}
            moved = {name for name, one in now.items() if not torch.equal(one, before[kind][name])}
            everything = {name for name, _ in encoder.named_parameters()}
            assert moved == (everything if trains[stage] == kind else set()), (stage, kind)
            before[kind] = now
    with torch.inference_mode():
        encoder = trained.texts.encoder
        wanted = encoder(encoder.tokenize(trained.places.texts[:9]))
    torch.testing.assert_close(trained.texts.frozen().features[:9], wanted, atol=1e-5, rtol=1e-4)


def test_the_paper_preset_repeats_bit_by_bit(bus_city, encoders):
    small = {"dim": "8", "raster_size": "16", "batch": "16", "road_batch": "64", "max_steps": "2"}
    paper, shown = CityFM.from_settings("paper", encoders | small), view(bus_city)
    units = Units("building", tuple(shown.buildings.index[:50]))
    first, again = (trained_anew(paper, shown, units, 1).vectors for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert json.dumps(paper.parameters())
