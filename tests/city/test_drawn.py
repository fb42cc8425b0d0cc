"""Maps of the land use are masked where a task withholds it; photographs and maps without it are not."""

import json
from types import SimpleNamespace

import pytest

from urbanbench.card import ModelCard
from urbanbench.city.changing.drawn import drawn_away
from urbanbench.city.city import City
from urbanbench.run.admission import admitted_view, refusal
from urbanbench.tasks.landuse import LandUse
from urbanbench.tasks.popdensity import PopDensity

MAP = {"kind": "rendered-map"}
CARDS = {
    "needs": ModelCard(title="x", summary="x", needs=("satellite",), embeds=("region",)),
    "needs_any": ModelCard(
        title="x", summary="x", needs=(), needs_any=("satellite", "road"), embeds=("region",)
    ),
    "can_use": ModelCard(title="x", summary="x", needs=("poi",), can_use=("satellite",), embeds=("region",)),
}


def opened(folder, **entry):
    path = folder.path / "city.json"
    raw = json.loads(path.read_text())
    raw["layers"]["satellite"].pop("kind", None)
    raw["layers"]["satellite"] |= entry
    path.write_text(json.dumps(raw))
    return City.open(folder.path)


def admitted(card, task, city, asked=None):
    cell = SimpleNamespace(model="model")
    order = SimpleNamespace(
        cell=cell, model=SimpleNamespace(card=card), task=SimpleNamespace(card=task.card), asked_inputs=asked
    )
    return admitted_view(order, city, ())


@pytest.mark.parametrize(
    ("entry", "hidden"),
    [
        (MAP, True),
        (MAP | {"drawn_from": ["landuse", "roads"]}, True),
        (MAP | {"drawn_from": "buildings"}, True),
        (MAP | {"drawn_from": []}, True),
        (MAP | {"drawn_from": ["buildings", "roads"]}, False),
        ({"kind": "photograph"}, False),
        ({}, False),
    ],
)
def test_a_map_that_may_show_withheld_land_use_is_masked(folder, entry, hidden):
    city = opened(folder, **entry)
    assert drawn_away(city, ("landuse",)) == ({"satellite"} if hidden else set())
    assert drawn_away(city, ()) == drawn_away(city, ("target_building",)) == set()
    assert admitted(CARDS["can_use"], LandUse, city).has("satellite") is not hidden
    shown = {"road"} if hidden else {"road", "satellite"}
    assert admitted(CARDS["needs_any"], LandUse, city).inputs == shown
    assert admitted(CARDS["can_use"], PopDensity, city).has("satellite")


def test_a_model_that_needs_the_map_is_refused_with_the_reason(folder):
    city = opened(folder, **MAP)
    reason = refusal("urbanclip", CARDS["needs"], LandUse.card, city, None)
    assert reason.startswith(
        "Model 'urbanclip' needs input 'satellite'. Pictures of 'testville' are maps that show"
    )
    assert not refusal("urbanclip", CARDS["needs"], PopDensity.card, city, None)
    told = refusal("clip", CARDS["needs_any"], LandUse.card, city, frozenset({"satellite"}))
    assert "'satellite' or 'road'. Pictures of 'testville' are maps that show the land use" in told
    assert not refusal("clip", CARDS["needs_any"], LandUse.card, city, frozenset({"satellite", "road"}))
    assert "--inputs poi masks" in refusal("clip", CARDS["needs_any"], LandUse.card, city, frozenset({"poi"}))
