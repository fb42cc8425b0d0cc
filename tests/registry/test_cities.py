"""Cities by path, by name below the data folder, and built once into the cache."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.registry import (
    build_city,
    cities,
    city_folder,
    city_word,
    expand_cities,
    make_source,
    open_city,
)
from urbanbench.source import CitySource

BUILT: list[str] = []


@dataclass(frozen=True)
class Hamlet(CitySource):
    """A source that counts how often it builds."""

    size: str = "small"
    fails: bool = False

    title = "Hamlet"
    sizes = ("tiny", "small")

    def build(self, folder):
        import time

        BUILT.append(self.size)
        (folder / "city.json").write_text("{}")
        time.sleep(0.05)
        if self.fails:
            msg = "flood"
            raise ValueError(msg)


@pytest.fixture
def hamlet(monkeypatch, own_cache):
    monkeypatch.setattr(cities, "load_class", lambda _kind, _word: Hamlet)
    BUILT.clear()
    return own_cache


def test_city_opens_by_path_and_by_name(village, monkeypatch):
    assert open_city(str(village)).name == "village"
    monkeypatch.setenv("URBANBENCH_DATA", str(village.parent))
    assert open_city("village").path == village
    assert "village" in expand_cities("all")
    assert expand_cities("vil*") == ["village"]


def test_unknown_city_suggests_nearest(village, monkeypatch):
    monkeypatch.setenv("URBANBENCH_DATA", str(village.parent))
    with pytest.raises(UnknownName, match="Did you mean 'village'"):
        open_city("vilage")
    with pytest.raises(DataMissing, match="No city folder '/nowhere/at/all'"):
        city_word("/nowhere/at/all")


def test_unknown_size_suggests_nearest():
    with pytest.raises(UnknownName, match=r"Unknown size of toyville 'tinny'\. Did you mean 'tiny'"):
        city_word("toyville:tinny")


def test_default_size_needs_no_word():
    assert (city_word("toyville"), city_word("toyville:small"), city_word("toyville:tiny")) == (
        "toyville",
        "toyville",
        "toyville:tiny",
    )


def test_unknown_setting_of_a_source_is_refused():
    with pytest.raises(BadInput, match="no setting 'height'"):
        make_source("toyville", height=3)


def test_generated_city_is_built_once(hamlet):
    folder = city_folder("toyville:tiny")
    assert city_folder("toyville:tiny") == folder
    assert (folder.parent, BUILT) == (hamlet / "cities", ["tiny"])
    assert folder.name.startswith("hamlet-size=tiny")


def test_two_builders_at_once_build_once(hamlet):
    threads = [threading.Thread(target=city_folder, args=("toyville",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert BUILT == ["small"]


def test_failed_build_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="flood"):
        build_city(Hamlet(fails=True), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_build_refuses_a_folder_that_is_there(tmp_path):
    (tmp_path / "old").mkdir()
    with pytest.raises(BadInput, match="exists"):
        build_city(Hamlet(), tmp_path / "old")
    assert list((tmp_path / "old").iterdir()) == []


def test_cache_folder_follows_the_variable(own_cache, monkeypatch):
    from urbanbench.home import cache_root, data_roots

    assert cache_root() == own_cache
    monkeypatch.delenv("URBANBENCH_CACHE")
    assert cache_root() == Path.home() / ".cache" / "urbanbench"
    monkeypatch.setenv("URBANBENCH_DATA", "/a:/b")
    assert data_roots() == (Path("/a"), Path("/b"))
