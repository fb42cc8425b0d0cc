"""Every registered model and task keeps its contract on the built-in city."""

import pytest

from urbanbench.checks import check_city, check_model, check_task
from urbanbench.city.city import City
from urbanbench.datasets.toyville import Toyville
from urbanbench.registry import load_model, load_task, names


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toyville")
    Toyville(size="tiny").build(folder)
    return City.open(folder)


def test_built_in_city_is_sound(city):
    check_city(city)


LEARNED = [name for name in names("model") if not load_model(name).card.floor]


@pytest.mark.parametrize("name", [name for name in names("model") if name not in LEARNED])
def test_floor_conforms(city, name):
    check_model(load_model(name), city)


@pytest.mark.parametrize("name", LEARNED)
def test_learned_model_conforms(city, name):
    check_model(load_model(name), city, level="region")


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNED)
def test_learned_model_conforms_at_every_level(city, name):
    check_model(load_model(name), city)


@pytest.mark.parametrize("name", names("task"))
def test_task_conforms(city, name):
    task = load_task(name)
    if task.card.label not in city.labels:
        pytest.skip(f"toyville has no label {task.card.label!r}")
    check_task(task, city)
