"""Tables in the folder `features` are read through the view, only with their input, and count in its key."""

import numpy as np
import pandas as pd
import pytest

from urbanbench.city.city import City
from urbanbench.errors import CityFaults, InputMasked, LayerMissing


@pytest.fixture
def save(folder):
    (folder.path / "features").mkdir()

    def write(name, **columns):
        pd.DataFrame(columns).to_parquet(folder.path / "features" / f"{name}.parquet", index=False)
        return City.open(folder.path)

    return write


def test_features_are_read_with_the_ids_of_their_units(save):
    city = save("scenes", view_id=["v1", "v0"], scene=["market", None])
    view = city.view({"street_view"})
    assert view.has_features("scenes")
    assert view.touched == frozenset()
    frame = view.features("scenes")
    assert frame.index.tolist() == ["v0", "v1"]
    assert frame["scene"].tolist()[1] == "market"
    assert view.touched == {"street_view"}


def test_vectors_come_as_arrays(save):
    city = save("overhead", region_id=["r01"], feature=[np.array([1, 2], dtype=np.float16)])
    made = city.view({"satellite"}).features("overhead")["feature"]["r01"]
    assert (made.tolist(), made.dtype) == ([1.0, 2.0], np.float16)


def test_features_of_a_masked_input_are_masked(save):
    city = save("scenes", view_id=["v0"], scene=["park"])
    view = city.view({"satellite"})
    assert not view.has_features("scenes")
    with pytest.raises(InputMasked, match="Input 'street_view' is masked"):
        view.features("scenes")


def test_missing_features_are_told_with_those_that_are_there(save):
    city = save("scenes", view_id=["v0"], scene=["park"])
    with pytest.raises(LayerMissing, match=r"no layer 'features/clip'.*features/scenes"):
        city.view({"street_view"}).features("clip")
    with pytest.raises(LayerMissing):
        city.view({"street_view"}).features("../scenes")


def test_features_count_in_the_key_of_views_that_may_see_them(save):
    inputs = ({"street_view"}, {"poi", "satellite"})
    first = save("scenes", view_id=["v0"], scene=["park"])
    before = [first.view(some).key for some in inputs]
    second = save("scenes", view_id=["v0"], scene=["mall"])
    after = [second.view(some).key for some in inputs]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


def test_a_folder_without_features_keeps_its_key(folder, save):
    bare = City.open(folder.path).view({"street_view"}).key
    assert save("other", poi_id=["p0"], value=[1.0]).view({"street_view"}).key == bare


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"view_id": ["v0", "v0"], "scene": ["a", "b"]}, "every id once"),
        ({"view_id": ["v9"], "scene": ["a"]}, "ids that are not there"),
        ({"view_id": ["v0", "v1"], "feature": [[1.0, 2.0], [1.0]]}, "2 finite numbers"),
        ({"view_id": ["v0", "v1"], "feature": [[1.0], [np.inf]]}, "1 finite numbers"),
        ({"view_id": [1.5], "scene": ["a"]}, "expected text in every row"),
    ],
)
def test_faults_of_features_are_told_when_read_and_by_the_check(save, columns, fault):
    city = save("scenes", **columns)
    with pytest.raises(CityFaults, match=rf"features/scenes.parquet.*{fault}"):
        city.features("scenes")
    assert [fault in one for one in city.check()] == [True]


def test_a_link_out_of_the_folder_is_no_feature_table(folder, save, tmp_path):
    city = save("scenes", view_id=["v0"], scene=["park"])
    (tmp_path / "secret.parquet").write_bytes((folder.path / "features/scenes.parquet").read_bytes())
    (folder.path / "features" / "stolen.parquet").symlink_to(tmp_path / "secret.parquet")
    assert dict(City.open(folder.path).feature_layers) == {"scenes": "street_views"}
    assert dict(city.feature_layers) == {"scenes": "street_views"}


def test_picture_digests_follow_bytes_and_order(folder):
    paths = ["satellite/r00.png", "satellite/r01.png"]
    view = City.open(folder.path).view({"satellite"})
    first = view.picture_digest(paths)
    assert view.touched == {"satellite"}
    assert first == City.open(folder.path).view({"satellite"}).picture_digest(paths)
    folder.picture("satellite/r01.png", value=121)
    changed = City.open(folder.path).view({"satellite"})
    assert changed.picture_digest(paths) != first
    assert changed.picture_digest(paths) != changed.picture_digest(paths[::-1])
    with pytest.raises(InputMasked):
        City.open(folder.path).view({"poi"}).picture_digest(paths)
