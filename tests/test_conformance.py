"""Every registered model and task keeps its contract on the built-in city."""

import dataclasses
import shutil

import pytest

from urbanbench.checks import check_city, check_model, check_task
from urbanbench.city.city import City
from urbanbench.errors import RunRefused
from urbanbench.registry import load_model, load_task, names


@pytest.fixture(scope="module")
def city(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="module")
def captioned(city, add_captions, tmp_path_factory):
    """The same city with a layer it lacks."""
    folder = shutil.copytree(city.path, tmp_path_factory.mktemp("captioned") / "city")
    add_captions(
        folder, [(one, f"Sentence {k} of place {one}.") for one in city.regions.index for k in range(3)]
    )
    return City.open(folder)


@pytest.fixture(scope="module")
def rastered(city, add_raster, tmp_path_factory):
    """The same city with another layer it lacks."""
    folder = shutil.copytree(city.path, tmp_path_factory.mktemp("rastered") / "city")
    add_raster(folder)
    return City.open(folder)


@pytest.fixture
def seen(request, city):
    """Return the function that gives the city a model can see: the one with the layer it needs."""

    def choose(model):
        lacking = {"captions": "captioned", "raster_embedding": "rastered"}
        for name in sorted(model.card.inputs):
            if name in lacking:
                return request.getfixturevalue(lacking[name])
        return city

    return choose


def test_built_in_city_is_sound(city):
    check_city(city)


LEARNED = [name for name in names("model") if not load_model(name).card.floor]


TELLS = "it says how many of the objects it touched it used"
TOUCH_NOTHING_COUNTED = {
    "bm25",
    "coordinates",
    "flow-rows",
    "majority-answer",
    "mean",
    "minilm-captions",
    "random",
    "raster-embedding",
    "spatial-lag",
    "text-overlap",
}
"""Models that read no POIs, footprints or pictures at any level."""


def check_that_it_tells(name, *where, **words):
    """Check a model of ours, which also says how much it used."""
    held = []
    check_model(*where, held=lambda level, rule: held.append((level, rule)), **words)
    levels = {level for level, _ in held if level} - ({"region"} if name == "area" else set())
    told = {level for level, rule in held if rule == TELLS}
    assert told == (set() if name in TOUCH_NOTHING_COUNTED else levels)


CHEAPER = {
    "footprint-means": {"image_encoder": "tiny-cnn", "raster_size": 32},
    "text-codes": {"text_encoder": "hashing"},
}
"""Floors whose encoder takes most of the time, with another one: what they promise does not depend on it."""


@pytest.mark.parametrize("name", [name for name in names("model") if name not in LEARNED])
def test_floor_conforms(city, name):
    check_that_it_tells(name, load_model(name)(**CHEAPER.get(name, {})), city)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CHEAPER))
def test_floor_conforms_with_the_encoder_it_comes_with(city, name):
    check_that_it_tells(name, load_model(name)(), city)


BRIEF = {
    "epochs": 1,
    "max_steps": 1,
    "tag_epochs": 1,
    "walks": 1,
    "batch": 64,
    "road_batch": 64,
    "text_encoder": "hashing",
    "raster_size": 32,
    "size": 32,
}


OWN_WEIGHTS = {
    "clip": ("image_encoder", "clip_folder"),
    "resnet18": ("image_encoder", "resnet_folder"),
    "uge-vlm": ("weights", "vlm_folder"),
}
"""Models that name no packaged encoder, the parameter that names one, and the fixture with a small one for each."""


@pytest.fixture
def briefly_trained(request):
    """The preset `small` with one step of training and cheap encoders: promises do not depend on how much a model learns."""

    def build(name):
        model = load_model(name).from_settings("small")
        known = {one.name for one in dataclasses.fields(model)}
        changed = {field: value for field, value in BRIEF.items() if field in known}
        if "image_encoder" in known and "train_image_encoder" in known:
            changed["image_encoder"] = "tiny-cnn"  # models of pictures alone keep the packaged one
        if name in OWN_WEIGHTS:
            parameter, fixture = OWN_WEIGHTS[name]
            changed[parameter] = str(request.getfixturevalue(fixture))
        return dataclasses.replace(model, **changed)

    return build


@pytest.mark.parametrize("name", LEARNED)
def test_learned_model_conforms_for_regions_or_for_items_where_it_embeds_no_others(
    seen, briefly_trained, name
):
    model = briefly_trained(name)
    level = "region" if "region" in model.card.embeds else "item"
    check_that_it_tells(name, model, seen(model), level=level)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNED)
def test_learned_model_conforms_at_every_level(seen, briefly_trained, name):
    model = briefly_trained(name)
    check_that_it_tells(name, model, seen(model))


@pytest.mark.parametrize("name", names("task"))
def test_task_conforms_or_is_refused_for_its_label(city, name):
    task = load_task(name)
    if task.card.kind == "retrieval" or task.card.label in city.labels:
        check_task(task, city)
    else:
        with pytest.raises(
            RunRefused, match=f"has no label '{task.card.label}'. Its labels: building_function, "
        ):
            check_task(task, city)
