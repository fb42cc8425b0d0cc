"""What a run lets a model see: a drawn map of land use is hidden with the land use."""

from __future__ import annotations

import json
import shutil

import pytest

from urbanbench.city.city import City
from urbanbench.datasets.toyville import Toyville
from urbanbench.errors import RunRefused
from urbanbench.registry import load_model, load_task
from urbanbench.result import RunSpec
from urbanbench.run.admission import admitted_view, refusal
from urbanbench.run.order import resolve


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toyville")
    Toyville(size="tiny").build(folder)
    return folder


@pytest.fixture(params=["rendered-map", "rendered-map of buildings and roads", "photograph"])
def city(plain, tmp_path, request):
    shutil.copytree(plain, tmp_path, dirs_exist_ok=True)
    told = json.loads((tmp_path / "city.json").read_text(encoding="utf-8"))
    told["layers"]["satellite"]["kind"] = request.param
    (tmp_path / "city.json").write_text(json.dumps(told), encoding="utf-8")
    return City.open(tmp_path)


def seen(city, model, task, inputs=""):
    order = resolve(
        RunSpec(model, task, str(city.path), preset="small", **({"inputs": inputs} if inputs else {}))
    )
    return admitted_view(order, city, ()).inputs


@pytest.mark.parametrize("task", ["landuse", "landuse-shares"])
def test_a_map_of_land_use_is_hidden_where_land_use_is_withheld(city, task):
    drawn = city.layers["satellite"].kind == "rendered-map"
    for inputs in ("", "poi,polygon,satellite"):
        assert ("satellite" in seen(city, "musecl", task, inputs)) == (not drawn)
        assert "polygon" in seen(city, "musecl", task, inputs)
    assert "satellite" in seen(city, "musecl", "popdensity")


def test_a_model_that_needs_the_map_is_refused_and_told_why(city):
    drawn = city.layers["satellite"].kind == "rendered-map"
    withheld, free = load_task("landuse").card, load_task("popdensity").card
    for model, asked in (("urbanclip", None), ("imagenet-features", frozenset({"satellite"}))):
        card = load_model(model).card
        told = refusal(model, card, withheld, city, asked)
        assert ("land use is drawn, which task 'Land use' withholds" in told) == drawn
        assert bool(told) == drawn
        assert not refusal(model, card, free, city, asked)
    assert not refusal("imagenet-features", load_model("imagenet-features").card, withheld, city, None)
    masked = refusal("resnet18", load_model("resnet18").card, withheld, city, frozenset({"poi"}))
    assert "--inputs poi masks" in masked
    if drawn:
        with pytest.raises(RunRefused, match="land use is drawn"):
            seen(city, "imagenet-features", "landuse", "satellite")
