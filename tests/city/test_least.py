"""A word is withheld in vain where it hides nothing; the view without it shows the same."""

import pytest
from pandas.testing import assert_frame_equal

from urbanbench.card import WITHHOLDABLE
from urbanbench.city.city import City
from urbanbench.city.exchange import write_view
from urbanbench.city.exchange.reading import read_view
from urbanbench.city.item_view import ItemView
from urbanbench.city.least import least_withholding, words_that_hide
from urbanbench.errors import InputMasked, LayerMissing
from urbanbench.inputs import INPUTS, LAYER_OF

ALL = tuple(sorted(WITHHOLDABLE))
HIDES_LANDUSE, HIDES_TARGETS = {"poi", "polygon"}, {"poi", "polygon", "coordinates"}


@pytest.fixture
def city(folder):
    return City.open(folder.path)


def without_landuse_tags(folder, *layers):
    for layer in layers:
        for row in folder.rows[layer]:
            row["tags"] = [pair for pair in row["tags"] if pair[0] != "landuse"]
        folder.save(layer)


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_a_word_hides_something_of_the_inputs_that_show_it_alone(city, name):
    expected = {"landuse": name in HIDES_LANDUSE, "target_building": name in HIDES_TARGETS}
    assert {word: word in words_that_hide(city, {name}, ALL) for word in ALL} == expected


@pytest.mark.parametrize(
    "name", sorted(set(LAYER_OF) & {"poi", "polygon", "road", "street_view", "satellite", "flow"})
)
def test_the_view_without_words_in_vain_shows_the_same_frames_and_refuses_the_same(folder, name):
    without_landuse_tags(folder, "pois")
    city = City.open(folder.path)
    view = city.view({name}, ALL, ("b0", "b1"))
    least = least_withholding(view)
    assert least.inputs == view.inputs
    assert_frame_equal(getattr(least, LAYER_OF[name]), getattr(view, LAYER_OF[name]))
    for other in set(LAYER_OF) - {name, "raster_embedding"}:
        with pytest.raises(InputMasked):
            getattr(least, LAYER_OF[other])


def test_land_use_is_withheld_of_a_layer_while_a_tag_there_tells_it(folder):
    def words(*inputs):
        return words_that_hide(City.open(folder.path), set(inputs), ("landuse",))

    without_landuse_tags(folder, "pois")
    assert [words("poi"), words("polygon"), words("poi", "polygon")] == [(), ("landuse",), ("landuse",)]
    without_landuse_tags(folder, "buildings")
    assert words("poi", "polygon") == ()
    folder.rows["pois"][0]["tags"] = [("landuse", "forest")]
    folder.save("pois")
    assert [words("poi"), words("polygon")] == [("landuse",), ()]


def test_views_that_show_the_same_have_one_key_and_others_have_not(folder):
    def keys(city, **more):
        return [least_withholding(city.view({"poi"}, words, **more)).key for words in ((), ("landuse",))]

    tagged = keys(City.open(folder.path))
    assert tagged[0] != tagged[1]
    assert tagged[0] == City.open(folder.path).view({"poi"}).key
    without_landuse_tags(folder, "pois")
    bare = keys(City.open(folder.path))
    assert bare[0] == bare[1] == City.open(folder.path).view({"poi"}).key


def test_what_is_hidden_stays_as_it_is(city):
    view = city.view({"poi"}, ALL, ("b0",))
    assert least_withholding(view) is view
    roads = least_withholding(city.view({"road"}, ALL, ("b0",)))
    assert (roads.withholds, roads.target_ids) == ((), ())
    places = least_withholding(city.view({"coordinates"}, ALL, ("b0",)))
    assert (places.withholds, places.target_ids) == (("target_building",), ("b0",))


def test_a_view_of_nothing_or_of_items_stays_as_it_is(city):
    for view in (city.view((), ALL, ("b0",)), ItemView(city, frozenset({"street_view"}), ALL)):
        assert least_withholding(view) is view


def test_keys_of_tags_are_read_without_the_layer_and_equal_those_of_the_layer(folder):
    city = City.open(folder.path)
    read = {name: city.tag_keys(name) for name in ("pois", "buildings", "roads")}
    assert read["pois"] == {"amenity", "name", "landuse"}
    assert not {"pois", "buildings", "roads"} & set(city._kept)
    assert {
        name: frozenset(key for tags in getattr(city, name)["tags"] for key, _ in tags) for name in read
    } == read
    assert {name: city.tag_keys(name) for name in read} == read
    with pytest.raises(LayerMissing):
        city.tag_keys("raster_embedding")


@pytest.mark.parametrize("damage", ["bytes", "gone"])
def test_of_a_table_that_cannot_be_read_everything_is_withheld(folder, damage):
    city = City.open(folder.path)
    file = folder.path / city.manifest.tables["pois"].file
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"PAR1 no table PAR1")
    assert city.tag_keys("pois") is None
    assert words_that_hide(city, {"poi"}, ("landuse",)) == ("landuse",)


def test_what_is_handed_to_another_process_has_nothing_left_to_hide(city, tmp_path):
    write_view(city.view({"poi", "polygon"}, ("landuse",)), tmp_path)
    there = read_view(tmp_path)
    assert least_withholding(there) is there
    assert words_that_hide(there._city, there.inputs, ("landuse",)) == ()
    whole = tmp_path / "whole"
    whole.mkdir()
    write_view(city.view({"poi", "polygon"}), whole)
    assert words_that_hide(read_view(whole)._city, {"polygon"}, ("landuse",)) == ("landuse",)
