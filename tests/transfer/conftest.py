"""Two generated cities, one to learn in and one to be carried to."""

import json
import shutil

import pytest

from urbanbench.city.city import City


@pytest.fixture(scope="session")
def other_folder(tmp_path_factory):
    """A tiny generated city of another seed, called "otherville"."""
    from urbanbench.datasets.toyville import Toyville

    folder = tmp_path_factory.mktemp("cities") / "other"
    Toyville(size="tiny", seed=1).build(folder)
    renamed(folder, "otherville")
    return folder


@pytest.fixture(scope="session")
def home(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="session")
def other(other_folder):
    return City.open(other_folder)


@pytest.fixture
def changed(other_folder, tmp_path):
    """Return a function that copies the other city with a changed city.json."""

    def change(edit):
        folder = tmp_path / "changed"
        shutil.copytree(other_folder, folder)
        told = json.loads((folder / "city.json").read_text(encoding="utf-8"))
        edit(told)
        (folder / "city.json").write_text(json.dumps(told), encoding="utf-8")
        return folder

    return change


def renamed(folder, name):
    path = folder / "city.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["name"] = name
    path.write_text(json.dumps(told), encoding="utf-8")
