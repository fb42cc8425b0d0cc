"""UrbanMFM's macro scale: each step against scikit-learn, Shapely or a naive loop."""

import pandas as pd
import pytest

from urbanbench.city.city import City
from urbanbench.datasets.toyville import Toyville
from urbanbench.models._urbanmfm_overheads import gather_overheads


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toyville")
    Toyville(size="tiny").build(folder)
    return City.open(folder)


class Pictured:
    """As much of a view as pictures from above need."""

    def __init__(self, images):
        self.region_ids = ("a", "b", "c", "d")
        self.satellite = pd.DataFrame({"image": images}).rename_axis("region_id")

    def has(self, name):
        return name == "satellite"


def test_every_region_has_its_own_picture(city):
    view = city.view(frozenset({"satellite"}))
    overheads = gather_overheads(view)
    named = [overheads.pictures[row] for row in overheads.picture]
    assert named == [view.satellite["image"][one] for one in view.region_ids]
    assert overheads.present.all()


def test_regions_without_a_picture_and_shared_pictures_are_told_apart():
    overheads = gather_overheads(Pictured({"d": "x.png", "a": "y.png", "c": "x.png", "b": None}))
    assert overheads.pictures == ("x.png", "y.png")
    assert overheads.picture.tolist() == [1, -1, 0, 0]
    assert overheads.present.tolist() == [True, False, True, True]


def test_no_picture_at_all_is_none(city):
    assert gather_overheads(city.view(frozenset({"poi"}))) is None
    assert gather_overheads(Pictured({"a": None})) is None
