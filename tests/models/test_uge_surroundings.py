"""Regions from UGE: neither labels nor what a task withholds reaches a graph, a caption or a way, wherever it was planted."""

import pandas as pd
import pyarrow as pa
import pytest

from urbanbench.city.city import City
from urbanbench.graph.build import build_graph
from urbanbench.graph.words import what
from urbanbench.models._uge.surroundings import items_of
from urbanbench.registry import load_task

INPUTS = frozenset({"street_view", "graph", "poi", "road"})
ANSWER = "answerland"
TAGS = pd.ArrowDtype(pa.map_(pa.string(), pa.string()))


@pytest.fixture
def city(tiny_toyville):
    """Tiny toyville with some of its pictures, where land use of POIs and of areas is one word that says the answer, and every POI is nothing else."""
    opened = City.open(tiny_toyville)
    opened._kept["street_views"] = opened.street_views.iloc[::8]
    for layer in ("pois", "landuse"):
        frame = getattr(opened, layer).copy()
        frame["tags"] = pd.Series([[("landuse", ANSWER)]] * len(frame), index=frame.index, dtype=TAGS)
        opened._kept[layer] = frame
    return opened


def told(items):
    """All words that a model may read: of nodes, lessons and items."""
    sides = [side for one in items.lessons for side in (one.anchor, one.positive)]
    sides += list(items.items.values())
    nodes = {text for name in items.items for text in items.graph(name).text}
    return nodes | {word for one in sides for word in (one.text, one.instruction, one.image, one.graph)}


@pytest.mark.parametrize("task", ["landuse", "landuse-shares"])
def test_a_land_use_that_a_task_asks_for_stands_in_no_node_caption_or_way(city, task):
    withheld = load_task(task).card.withholds
    assert withheld == ("landuse",)
    assert any(ANSWER in text for text in told(items_of(city.view(INPUTS, ()))))  # it would be found
    words = told(items_of(city.view(INPUTS, withheld)))
    assert not any(ANSWER in text for text in words)
    assert any("a place" in text for text in words)  # POIs are still there


def test_areas_of_land_use_are_in_no_graph_whatever_a_task_withholds(city):
    whole = build_graph(city)
    assert any(ANSWER in what(whole, int(row)) for row in whole.nodes.rows("area"))
    city._kept["pois"] = City.open(city.path).pois
    assert not any(ANSWER in text for text in told(items_of(city.view(INPUTS, ()))))


def test_no_label_and_no_masked_layer_is_opened_for_a_graph_of_a_region(city, monkeypatch):
    """Regions that a split holds out are no others to it, since it never sees whose label is kept from the head."""

    def opened(*_):
        pytest.fail("a label or a layer that is no input was opened")

    monkeypatch.setattr(City, "label", opened)
    for layer in ("landuse", "buildings", "satellite", "captions", "flows"):
        monkeypatch.setattr(City, layer, property(opened))
    for fewer in (INPUTS, INPUTS - {"poi"}, INPUTS - {"road"}):
        view = city.view(fewer, ("landuse",))
        assert len(items_of(view).items) == len(city.street_views)
        assert view.touched <= fewer
