"""A view shows the allowed inputs, minus what is withheld, and nothing else."""

import numpy as np
import pytest
import shapely

from urbanbench import hashing
from urbanbench.city import view as view_module
from urbanbench.city.city import City
from urbanbench.errors import BadInput, CityFaults, InputMasked, LayerMissing, UnknownName
from urbanbench.inputs import INPUTS
from urbanbench.units import Units

FRAMES = {
    "poi": "pois",
    "polygon": "buildings",
    "road": "roads",
    "street_view": "street_views",
    "satellite": "satellite",
    "flow": "flows",
    "captions": "captions",
}


@pytest.fixture
def city(folder):
    return City.open(folder.path)


@pytest.mark.parametrize(("name", "frame"), FRAMES.items())
def test_touching_a_masked_input_raises(city, name, frame):
    view = city.view(set(INPUTS) - {name})
    assert not view.has(name)
    with pytest.raises(InputMasked, match=rf"Input '{name}' is masked in this run. Allowed inputs: "):
        getattr(view, frame)
    assert view.touched == frozenset()


@pytest.mark.parametrize(("name", "frame"), FRAMES.items())
def test_an_allowed_input_is_shown_and_noted(city, name, frame):
    view = city.view({name})
    assert view.has(name)
    assert view.touched == frozenset()
    assert getattr(view, frame).equals(getattr(city, frame))
    assert view.touched == {name}
    view.reset_touched()
    assert view.touched == frozenset()


def test_an_allowed_layer_the_city_lacks_is_told(folder):
    del folder.json["layers"]["flows"]
    folder.write_json()
    view = City.open(folder.path).view({"flow", "poi"})
    assert not view.has("flow")
    with pytest.raises(LayerMissing, match="has no layer 'flows'"):
        _ = view.flows


def test_a_view_without_an_input_is_the_view_that_never_had_it(city):
    wide, narrow = city.view({"poi", "polygon", "coordinates"}), city.view({"poi"})
    assert wide.without("polygon", "coordinates").key == narrow.key
    assert wide.without("satellite").key == wide.key
    with pytest.raises(InputMasked):
        _ = wide.without("polygon").buildings
    _ = wide.without("polygon").pois
    assert wide.touched == frozenset()
    with pytest.raises(UnknownName, match="Did you mean 'polygon'"):
        wide.without("polygons")


def test_regions_are_always_visible(city):
    view = city.view(frozenset())
    assert view.region_ids == ("r00", "r01", "r10", "r11")
    assert view.regions.equals(city.regions)
    assert (view.city_name, view.crs, view.touched) == ("testville", "EPSG:32632", frozenset())


def test_coordinates_are_centroids_in_metres(city):
    view = city.view({"coordinates"})
    units = Units("region", ("r11", "r00"))
    expected = [(one.x, one.y) for one in city.regions.geometry.loc[["r11", "r00"]].centroid]
    np.testing.assert_allclose(view.coordinates(units), expected)
    assert view.coordinates(units).dtype == np.float64
    assert view.coordinates(Units("building", ("b3",))).shape == (1, 2)
    assert view.touched == {"coordinates"}
    with pytest.raises(InputMasked):
        city.view({"poi"}).coordinates(units)


def test_unit_geometry_keeps_the_order_asked_for(city):
    view = city.view({"polygon"})
    shapes = view.unit_geometry(Units("region", ("r10", "r00")))
    assert [one.equals(city.regions.geometry[i]) for one, i in zip(shapes, ("r10", "r00"), strict=True)] == [
        True,
        True,
    ]
    assert view.touched == frozenset()
    assert view.unit_geometry(Units("building", ("b2",)))[0].equals(city.buildings.geometry["b2"])
    assert view.touched == {"polygon"}
    with pytest.raises(InputMasked):
        view.unit_geometry(Units("poi", ("p0",)))
    with pytest.raises(BadInput, match=r"1 of 2 region ids are not in layer 'regions' \(zz"):
        view.unit_geometry(Units("region", ("r00", "zz")))


def test_unknown_inputs_and_words_are_refused(city):
    with pytest.raises(UnknownName, match="Did you mean 'poi'"):
        city.view({"pois"})
    with pytest.raises(UnknownName, match="withheld part"):
        city.view({"poi"}, ("roof",))
    with pytest.raises(UnknownName):
        city.view({"poi"}).has("landuse")
    with pytest.raises(BadInput, match=r"1 target ids are no buildings of 'testville' \(zz"):
        city.view({"poi"}, ("target_building",), ("b0", "zz"))


def test_withholding_landuse_removes_its_tags_and_nothing_else(city):
    view = city.view({"poi", "polygon"}, ("landuse",))
    for seen, whole in ((view.pois, city.pois), (view.buildings, city.buildings)):
        expected = [[pair for pair in tags if pair[0] != "landuse"] for tags in whole["tags"]]
        assert [list(tags) for tags in seen["tags"]] == expected
        assert seen.drop(columns="tags").equals(whole.drop(columns="tags"))
    assert any(key == "landuse" for tags in city.pois["tags"] for key, _ in tags)


def test_withholding_targets_empties_them_and_removes_their_pois(city, folder):
    targets = ("b0", "b1")
    view = city.view({"poi", "polygon"}, ("target_building",), targets)
    boxes = [city.buildings.geometry[one] for one in targets]
    inner = [one for one, point in city.pois.geometry.items() if any(box.covers(point) for box in boxes)]
    assert inner == ["p0", "p6"]
    assert list(view.pois.index) == [one for one in city.pois.index if one not in inner]
    whole = {i: list(tags) for i, tags in city.buildings["tags"].items()}
    assert {i: list(tags) for i, tags in view.buildings["tags"].items()} == whole | {"b0": [], "b1": []}
    assert whole["b0"]
    assert view.buildings["height_m"].equals(city.buildings["height_m"])
    with pytest.raises(BadInput):
        view.unit_geometry(Units("poi", ("p0",)))


def test_withheld_pois_have_no_geometry_even_before_the_frame_is_touched(city):
    view = city.view({"poi", "coordinates"}, ("target_building",), ("b0",))
    with pytest.raises(BadInput, match=r"1 of 1 poi ids are not in layer 'pois' \(p0"):
        view.unit_geometry(Units("poi", ("p0",)))
    with pytest.raises(BadInput):
        view.coordinates(Units("poi", ("p0",)))


def test_a_poi_on_the_wall_of_a_target_is_removed(folder):
    folder.rows["pois"][0]["geometry"] = shapely.Point(9.002, 48.002)
    folder.save("pois")
    city = City.open(folder.path)
    assert "p0" not in city.view({"poi"}, ("target_building",), ("b0",)).pois.index
    assert "p0" in city.view({"poi"}, ("target_building",), ("b1",)).pois.index


def test_withholding_agrees_with_brute_force_on_a_crowded_city(folder):
    rng = np.random.default_rng(4)
    homes = [shapely.Point(*at).buffer(0.0005) for at in rng.uniform((9.0, 48.0), (9.02, 48.02), (60, 2))]
    spots = [shapely.Point(*at) for at in rng.uniform((9.0, 48.0), (9.02, 48.02), (400, 2))]
    tags = [[("landuse", "x")] * int(k % 3 == 0) + [("name", str(k))] * int(k % 2) for k in range(400)]
    folder.rows["buildings"] = [
        {"building_id": f"b{k}", "tags": tags[k], "height_m": None, "geometry": home}
        for k, home in enumerate(homes)
    ]
    folder.rows["pois"] = [
        {"poi_id": f"p{k}", "tags": tags[k], "geometry": spot} for k, spot in enumerate(spots)
    ]
    folder.save("buildings")
    folder.save("pois")
    city = City.open(folder.path)
    targets = [f"b{k}" for k in range(0, 60, 2)]
    view = city.view({"poi", "polygon"}, ("target_building", "landuse"), targets)
    shapes = city.buildings.geometry.loc[targets]
    kept = {
        one: [pair for pair in city.pois["tags"][one] if pair[0] != "landuse"]
        for one, spot in city.pois.geometry.items()
        if not any(shape.intersects(spot) for shape in shapes)
    }
    assert 200 < len(kept) < 399
    assert {one: list(found) for one, found in view.pois["tags"].items()} == kept


def test_the_key_is_stable_and_follows_inputs_and_withholding(city, folder):
    def key(*words, **more):
        return City.open(folder.path).view({*words}, **more).key

    assert key("poi") == city.view({"poi"}).key
    keys = [
        key("poi"),
        key("poi", "road"),
        key("poi", withholds=("landuse",)),
        key("poi", withholds=("target_building",), target_ids=("b0",)),
        key("poi", withholds=("target_building",), target_ids=("b1",)),
        key("coordinates"),
        key(),
    ]
    assert len(set(keys)) == len(keys)
    assert key("poi", withholds=("target_building", "landuse"), target_ids=("b0", "b1")) == key(
        "poi", withholds=("landuse", "target_building"), target_ids=("b1", "b0")
    )


def test_the_key_follows_what_can_be_seen_and_nothing_else(folder):
    def keys():
        city = City.open(folder.path)
        return {
            "poi": city.view({"poi"}).key,
            "road": city.view({"road"}).key,
            "satellite": city.view({"satellite"}).key,
            "hidden": city.view({"poi"}, ("target_building",), ("b0",)).key,
        }

    def changed():
        before, now = seen[0], keys()
        seen[0] = now
        return {name for name in now if now[name] != before[name]}

    seen = [keys()]
    assert changed() == set()
    folder.rows["pois"][0]["tags"] = [("amenity", "pub")]
    folder.save("pois")
    assert changed() == {"poi", "hidden"}
    folder.rows["labels/density"][0]["value"] = 77.0
    folder.save("labels/density")
    folder.rows["landuse"][0]["tags"] = []
    folder.save("landuse")
    assert changed() == set()
    folder.rows["buildings"][0]["height_m"] = 50.0
    folder.save("buildings")
    assert changed() == {"hidden"}
    folder.picture("satellite/r00.png", value=3)
    assert changed() == {"satellite"}
    folder.rows["regions"][0]["name"] = "Elsewhere"
    folder.save("regions")
    assert changed() == {"poi", "road", "satellite", "hidden"}


def test_captions_enter_the_keys_of_views_that_show_them_and_no_others(folder):
    def keys():
        city = City.open(folder.path)
        inputs = ({"captions"}, {"captions", "poi"}, {"poi", "satellite"}, {"coordinates"})
        return [city.view(one, ("landuse",)).data_key for one in inputs]

    before = keys()
    folder.rows["captions"][1]["caption"] = "A pond."
    folder.save("captions")
    changed = keys()
    assert [old == new for old, new in zip(before, changed, strict=True)] == [False, False, True, True]
    del folder.json["layers"]["captions"]
    folder.write_json()
    without = keys()
    assert without[2:] == before[2:]
    assert not City.open(folder.path).view({"captions"}).has("captions")


def test_nothing_is_withheld_of_captions(city):
    whole = city.view({"captions"}).captions
    shown = city.view({"captions"}, ("landuse", "target_building"), ("b0",)).captions
    assert shown.equals(whole)
    assert whole["caption"].tolist() == ["Two shops.", "A school."]
    shown.loc[0, "caption"] = "gone"
    assert city.view({"captions"}).captions["caption"].tolist() == ["Two shops.", "A school."]


@pytest.mark.parametrize(
    "name", ["view", "withhold", "load", "feature_tables", "folder/tags", "folder/membership", "folder/read"]
)
def test_the_key_follows_the_code_that_decides_what_is_seen(city, monkeypatch, name):
    parsed, before, data = hashing._parsed, city.view({"poi"}).key, city.view({"poi"}).data_key

    def edited(path, mtime):
        digest, needed = parsed(path, mtime)
        return ("edited" if path.as_posix().endswith(f"/city/{name}.py") else digest), needed

    monkeypatch.setattr(hashing, "_parsed", edited)
    monkeypatch.setattr(view_module, "view_code", view_module.view_code.__wrapped__)
    assert city.view({"poi"}).key != before
    assert city.view({"poi"}).data_key == data


def test_a_model_that_writes_into_frames_changes_nothing(city):
    before = city.view({"poi", "polygon"})
    pois, buildings, regions = before.pois, before.buildings, before.regions
    pois.loc["p0", "region_id"] = "gone"
    pois["extra"] = 1
    pois.index = [f"x{k}" for k in range(len(pois))]
    buildings["height_m"] = np.float32(0)
    buildings["geometry"] = None
    regions.loc["r00", "area_km2"] = -1.0
    for view in (before, city.view({"poi", "polygon"})):
        assert view.pois["region_id"].iloc[0] == "r00"
        assert "extra" not in view.pois
        assert "p1" in view.pois.index
        assert view.buildings["height_m"].iloc[0] == 5.0
        assert view.buildings.geometry.notna().all()
        assert view.regions["area_km2"].min() > 0


@pytest.mark.parametrize("frame", ["pois", "buildings", "regions"])
def test_buffers_of_handed_out_frames_are_closed(city, frame):
    table = getattr(city.view({"poi", "polygon"}), frame)
    for name in table.columns:
        if name != "tags":
            with pytest.raises(ValueError, match="read-only"):
                table[name].array[0] = table[name].iloc[1]


def test_pictures_open_as_rgb_and_are_noted(city):
    view = city.view({"satellite", "street_view"})
    picture = view.open_image("satellite/r00.png")
    assert (picture.mode, picture.size, picture.getpixel((0, 0))) == ("RGB", (4, 4), (120, 120, 120))
    assert view.touched == {"satellite"}
    view.open_image("views/v0e.png")
    assert view.touched == {"satellite", "street_view"}


def test_masked_and_unnamed_pictures_do_not_open(city, folder):
    view = city.view({"satellite"})
    with pytest.raises(InputMasked, match="'street_view' is masked"):
        view.open_image("views/v0e.png")
    for path in ("../secret.png", "/etc/passwd", "regions.parquet", "satellite/other.png", ""):
        with pytest.raises(BadInput, match="names the picture"):
            view.open_image(path)
    assert view.touched == frozenset()
    (folder.path / "satellite/r00.png").write_bytes(b"no picture")
    with pytest.raises(
        CityFaults, match=r"satellite/r00.png: expected a picture \(PNG, JPEG or WebP\), found no picture"
    ):
        view.open_image("satellite/r00.png")
