"""The srai adapter on a stand-in for the library: parameters, frames, coverage, seeds, errors."""

from __future__ import annotations

import json
import random
import sys

import numpy as np
import pytest

from urbanbench.checks import check_model
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, ExtraMissing, RunRefused, UnknownName
from urbanbench.registry import load_model, open_city
from urbanbench.toolkit.training.stage_log import recording
from urbanbench.units import Units

pytestmark = pytest.mark.usefixtures("own_cache")

OWN = '''
class Own:
    """The number of features of a region."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def transform(self, regions_gdf, features_gdf, joint_gdf):
        counts = joint_gdf.index.get_level_values("region_id").value_counts()
        return (counts * self.factor).to_frame()


class Greedy:
    def __init__(self, secret): ...

    def transform(self, regions_gdf, features_gdf, joint_gdf): ...


class Clash(Own):
    def __init__(self, keys: int = 1) -> None: ...


class Odd(Own):
    def transform(self, regions_gdf, features_gdf, joint_gdf):
        return super().transform(regions_gdf, features_gdf, joint_gdf) * float("nan")
'''


@pytest.fixture(scope="module")
def city():
    return open_city("toyville:tiny")


@pytest.fixture
def srai(stand_in_srai):
    return stand_in_srai


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "own_embedders.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / "own_embedders.py"
    sys.modules.pop("own_embedders", None)


def embedded(word, city, inputs=("poi", "polygon", "road"), *, seed=0, ids=None, **settings):
    model = load_model(word).from_settings("", settings)
    view = city.view(frozenset(inputs))
    return model.embed(view, units=Units("region", tuple(ids or view.region_ids)), seed=seed, device="cpu")


def counted(layer, region, key, values):
    return sum(
        1 for home, tags in zip(layer["region_id"], layer["tags"], strict=True)
        if home == region and dict(tags).get(key) in values
    )  # fmt: skip


def test_counts_are_those_of_the_citys_own_membership(srai, city):
    space = embedded("srai:CountEmbedder", city, keys="amenity", count_subcategories="false")
    pois = city.view(frozenset({"poi"})).pois
    every = {dict(tags).get("amenity") for tags in pois["tags"]} - {None}
    expected = [counted(pois, one, "amenity", every) for one in space.ids]
    assert space.vectors[:, 0].tolist() == expected


def test_the_filter_says_which_values_count(srai, city):
    space = embedded("srai:CountEmbedder", city, count_subcategories="false")
    pois = city.view(frozenset({"poi"})).pois
    listed = ("cafe", "restaurant", "school", "bank")
    expected = [counted(pois, one, "amenity", listed) for one in space.ids]
    assert expected in space.vectors.T.tolist()


def test_buildings_and_roads_join_when_layers_name_them(srai, city):
    few = embedded(
        "srai:CountEmbedder",
        city,
        keys="building,highway",
        layers="poi,polygon,road",
        count_subcategories="false",
    )
    view = city.view(frozenset({"polygon", "road", "poi"}))
    touching = [int(view.roads.intersects(shape).sum()) for shape in view.regions.geometry]
    expected = [
        n + counted(view.pois, one, "highway", HighwayValues())
        for n, one in zip(touching, few.ids, strict=True)
    ]
    assert expected in few.vectors.T.tolist()
    assert (
        view.buildings["region_id"].value_counts().reindex(few.ids).fillna(0).tolist()
        in few.vectors.T.tolist()
    )


class HighwayValues:
    def __contains__(self, value):
        return value is not None


def test_masked_layers_are_left_out_and_none_at_all_is_refused(srai, city):
    whole = embedded("srai:CountEmbedder", city, ("poi",), layers="poi,polygon")
    assert np.array_equal(whole.vectors, embedded("srai:CountEmbedder", city, ("poi",)).vectors)
    with pytest.raises(RunRefused, match="None of the inputs polygon"):
        embedded("srai:CountEmbedder", city, ("poi",), layers="polygon")
    with pytest.raises(RunRefused, match=r"No object of poi .* Expected tags of volcano"):
        embedded("srai:CountEmbedder", city, keys="volcano")


def test_regions_without_features_get_zeros_and_are_not_covered(srai, city):
    space = embedded("srai:ContextualCountEmbedder", city, keys="tourism")
    pois = city.view(frozenset({"poi"})).pois
    has = {
        home for home, tags in zip(pois["region_id"], pois["tags"], strict=True) if "tourism" in dict(tags)
    }
    assert space.mask.tolist() == [one in has for one in space.ids]
    assert not space.vectors[~space.mask].any()
    assert 0 < space.mask.sum() < len(space)


def test_the_neighbourhood_is_that_of_touching_polygons(srai, city):
    near, own = (
        embedded("srai:ContextualCountEmbedder", city, neighbourhood_distance=str(k)).vectors for k in (1, 0)
    )
    shapes = city.regions.geometry
    row = int(np.flatnonzero(own.sum(axis=1))[3])
    beside = np.flatnonzero(shapes.touches(shapes.iloc[row]).to_numpy())
    assert len(beside)
    assert np.allclose(near[row] - own[row], own[beside].sum(axis=0))


def test_fewer_units_in_another_order_are_rows_of_the_whole(srai, city):
    whole = embedded("srai:Hex2VecEmbedder", city)
    ids = whole.ids.tolist()[::-3]
    assert np.array_equal(embedded("srai:Hex2VecEmbedder", city, ids=ids).vectors, whole.take(ids).vectors)


def test_parameters_reach_constructor_and_fit(srai, city):
    words = {"encoder_sizes": "20,4", "batch_size": "7", "learning_rate": "0.5", "max_epochs": "9"}
    space = embedded("srai:Hex2VecEmbedder", city, **words)
    assert space.dim == 4
    assert (srai.SEEN["sizes"], srai.SEEN["batch_size"], srai.SEEN["learning_rate"]) == ([20, 4], 7, 0.5)
    assert srai.SEEN["trainer"]["max_epochs"] == 9


def test_defaults_are_the_embedders_own(srai, city):
    model = load_model("srai:Hex2VecEmbedder")()
    assert model.parameters()["batch_size"] == 32
    assert (model.parameters()["max_epochs"], model.parameters()["encoder_sizes"]) == (None, [])
    embedded("srai:Hex2VecEmbedder", city)
    assert "max_epochs" not in srai.SEEN["trainer"]
    assert load_model("srai:ContextualCountEmbedder")().neighbourhood_distance == 1


def test_unknown_parameters_layers_and_filters_are_named(srai, city):
    for settings in (
        {"epochs": "3"},
        {"layers": "satellite"},
        {"columns": "numbers"},
        {"osm_filter": "NO_FILTER"},
    ):
        with pytest.raises(UnknownName, match=r"NO_FILTER|epochs|satellite|numbers"):
            embedded("srai:Hex2VecEmbedder", city, **settings)


def test_lightning_trains_on_the_device_without_files_and_its_losses_are_kept(
    srai, city, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    with recording() as stages:
        embedded("srai:Hex2VecEmbedder", city)
    trainer = srai.SEEN["trainer"]
    assert (trainer["accelerator"], trainer["devices"]) == ("cpu", 1)
    assert {trainer[name] for name in ("logger", "enable_checkpointing", "enable_progress_bar")} == {False}
    [stage] = stages
    assert np.allclose(stage.steps, [0.7, 0.5])
    assert stage.chance == pytest.approx(np.log(2))
    assert list(tmp_path.glob("*lightning*")) == []
    assert "a bar" not in capfd.readouterr().err


def random_states():
    import torch

    return np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state().tolist()  # noqa: NPY002


def test_same_seed_same_bits_and_no_seed_is_left_behind(srai, city):
    before = random_states()
    one, again, other = (embedded("srai:Hex2VecEmbedder", city, seed=seed).vectors for seed in (0, 0, 1))
    assert one.tobytes() == again.tobytes() != other.tobytes()
    assert random_states() == before
    np.random.rand()  # noqa: NPY002
    assert embedded("srai:Hex2VecEmbedder", city).vectors.tobytes() == one.tobytes()


def test_counts_reach_the_training_in_the_order_of_the_regions(srai, city):
    embedded("srai:Hex2VecEmbedder", city)
    assert srai.SEEN["order"] == list(range(len(city.regions)))


def test_frames_are_named_and_numbered_as_srai_expects(srai, city):
    embedded("srai:CountEmbedder", city)
    regions, features, joint = (srai.SEEN[name] for name in ("regions", "features", "joint"))
    assert (regions.index.name, features.index.name) == ("region_id", "feature_id")
    assert joint.index.names == ["region_id", "feature_id"]
    assert set(joint.index.get_level_values(1)) == set(features.index)
    assert set(features.columns) == {"amenity", "shop", "geometry"}
    assert regions.crs == features.crs == city.crs


def test_roads_become_flags(srai, city):
    space = embedded("srai:Highway2VecEmbedder", city, batch_size="16")
    assert srai.SEEN["dataloader"] == {"batch_size": 16}
    columns = [name for name in srai.SEEN["features"].columns if name != "geometry"]
    assert {"oneway-True", "oneway-False", "highway-primary", "bridge-yes"} <= set(columns)
    roads = city.view(frozenset({"road"})).roads
    shape = city.regions.geometry.iloc[2]
    tags = [dict(one) for one in roads["tags"][roads.intersects(shape)]]
    share = np.mean([one.get("highway") == "residential" for one in tags])
    assert space.vectors[2, columns.index("highway-residential")] == pytest.approx(share)
    oneway = np.mean([one.get("oneway") == "yes" for one in tags])
    assert space.vectors[2, columns.index("oneway-True")] == pytest.approx(oneway)


@pytest.mark.parametrize(
    "name", ["CountEmbedder", "ContextualCountEmbedder", "Hex2VecEmbedder", "Highway2VecEmbedder"]
)
def test_adapted_embedders_keep_the_contract(srai, city, name):
    check_model(load_model(f"srai:{name}"), city)


def test_embedders_that_cannot_run_say_why(srai):
    with pytest.raises(BadInput, match="H3 hexagons"):
        load_model("srai:GeoVexEmbedder")
    with pytest.raises(UnknownName, match=r"Did you mean 'Hex2VecEmbedder'\? Known: .*Highway2VecEmbedder"):
        load_model("srai:Hex2VecEmbeder")
    with pytest.raises(UnknownName, match="Embedder"):
        load_model("srai:Embedder")


def test_polars_2_and_a_missing_lightning_are_named(srai, city, monkeypatch):
    from urbanbench.models._srai import library

    monkeypatch.setattr(library, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissing, match="trains with the package pytorch-lightning"):
        embedded("srai:Hex2VecEmbedder", city)
    monkeypatch.setattr(library, "installed_version", {"srai": "0.10.2", "polars": "2.1.0"}.get)
    with pytest.raises(
        ExtraMissing, match=r"srai 0.10.2 does not work with polars 2.1.0\. Expected polars 1"
    ):
        load_model("srai:CountEmbedder")
    monkeypatch.setattr(library, "installed_version", {"srai": "0.11.0", "polars": "2.1.0"}.get)
    assert load_model("srai:CountEmbedder")


def test_an_embedder_of_your_own_runs_and_its_code_counts(srai, city, own_module):
    space = embedded("srai:own_embedders:Own", city, factor="2", layers="polygon", keys="building")
    buildings = city.view(frozenset({"polygon"})).buildings
    assert space.vectors[:, 0].tolist() == [
        2 * int((buildings["region_id"] == one).sum()) for one in space.ids
    ]
    model = load_model("srai:own_embedders:Own")()
    assert model.card.summary == "The number of features of a region."
    first = model.variant(city.view(frozenset({"poi"})))
    own_module.write_text(OWN.replace("* self.factor", "* self.factor + 1"), encoding="utf-8")
    second = model.variant(city.view(frozenset({"poi"})))
    assert first["srai"] == "0.10.2"
    assert first["embedder"] != second["embedder"]


def test_embedders_that_do_not_fit_are_named(srai, city, own_module):
    with pytest.raises(BadInput, match="parameter 'secret' without a default"):
        load_model("srai:own_embedders:Greedy")
    with pytest.raises(BadInput, match="'keys', which is a setting of the adapter"):
        load_model("srai:own_embedders:Clash")
    with pytest.raises(UnknownName, match="Absent"):
        load_model("srai:own_embedders:Absent")
    with pytest.raises(BadInput, match="not finite"):
        embedded("srai:own_embedders:Odd", city)


def test_the_commands_run_describe_and_embed(srai, capsys, tmp_path):
    out = tmp_path / "results"
    words = ["-c", "toyville:tiny", "--set", "batch_size=5", "--device", "cpu"]
    run = ["run", "-m", "srai:Hex2VecEmbedder", "-t", "popdensity", *words, "--head", "ridge", "--seeds", "2"]
    assert main([*run, "--no-floors", "--out", str(out)]) == 0
    [path] = out.rglob("*__*.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["spec"]["model"] == "srai:Hex2VecEmbedder"
    assert told["spec"]["parameters"]["batch_size"] == 5
    assert path.name.startswith("srai-Hex2VecEmbedder")
    assert main(["describe", "srai:Hex2VecEmbedder", "--json"]) == 0
    assert '"extra": "srai"' in capsys.readouterr().out
    assert (
        main(
            ["embed", "-m", "srai:CountEmbedder", "-c", "toyville:tiny", "--out", str(tmp_path / "v.parquet")]
        )
        == 0
    )
    assert (tmp_path / "v.parquet").is_file()
