"""Plugins by name, by path and from other packages; broken ones are visible and say why."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from urbanbench.errors import BadInput, DataMissing, PluginBroken, UnknownName
from urbanbench.model import Model
from urbanbench.registry import (
    broken,
    expand,
    expand_words,
    listing,
    load_model,
    load_task,
    names,
    plain_name,
    plugins,
)
from urbanbench.task import Task

TWO_CLASSES = """
from urbanbench.model import Model

class A(Model):
    def embed(self, view, **more): ...

class B(A): ...

class _C(A): ...
"""

HEAVY = {"torch", "pandas", "geopandas", "sklearn", "scipy", "transformers", "lightgbm", "matplotlib"}


@pytest.fixture
def fresh():
    """Forget what the registry has found, before and after."""
    for one in (plugins._sources, plugins._loaded):
        one.cache_clear()
    yield
    for one in (plugins._sources, plugins._loaded):
        one.cache_clear()


@pytest.fixture
def entry_points(monkeypatch, fresh):
    """Pretend that installed packages offer these models."""
    offered: list[EntryPoint] = []

    def found(group):
        return [point for point in offered if point.group == group]

    monkeypatch.setattr(plugins, "entry_points", found)
    return lambda name, value: offered.append(EntryPoint(name, value, "urbanbench.models"))


def test_names_are_file_stems_with_dashes_and_no_private_files():
    assert {"mean", "poi-counts", "spatial-lag"} <= set(names("model"))
    assert {"popdensity", "building-function"} <= set(names("task"))
    assert "toyville" in names("city")
    assert not [
        name for kind in ("model", "task", "city") for name in names(kind) if name.startswith(("-", "_"))
    ]


def test_both_spellings_give_the_same_class():
    assert load_model("poi-counts") is load_model("poi_counts")
    assert issubclass(load_model("poi-counts"), Model)
    assert isinstance(load_task("landuse_shares"), Task)


def test_unknown_model_suggests_nearest():
    with pytest.raises(
        UnknownName, match=r"Unknown model 'tfidff'\. Did you mean 'tfidf'\? Known: .*poi-counts"
    ):
        load_model("tfidff")


def test_listing_imports_nothing_heavy():
    import subprocess

    code = (
        "import sys; from urbanbench.registry import listing; "
        "rows = [one for kind in ('model', 'task', 'city') for one in listing(kind)]; "
        "assert rows; print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_every_registered_plugin_loads():
    assert {kind: broken(kind) for kind in ("model", "task", "city")} == {"model": {}, "task": {}, "city": {}}


def test_path_plugin_is_named_after_its_file(counting):
    model = load_model(str(counting))
    assert model.card.title == "Counting"
    assert plain_name("model", str(counting)) == "counting"
    assert load_model(str(counting)) is model


def test_path_plugin_is_read_again_when_it_changes(counting):
    import os

    first = load_model(str(counting))
    counting.write_text(counting.read_text().replace('title="Counting"', 'title="Other"'))
    os.utime(counting, ns=(1, 1))
    assert (first.card.title, load_model(str(counting)).card.title) == ("Counting", "Other")


def test_path_into_the_plugin_folder_is_the_registered_plugin():
    from urbanbench.registry import source_file

    mean = load_model("mean")
    assert load_model(str(source_file(mean))) is mean
    assert plain_name("model", str(source_file(mean))) == "mean"


def test_other_file_with_a_registered_name_is_refused(counting):
    path = counting.rename(counting.with_name("poi_counts.py"))
    with pytest.raises(BadInput, match="would be kept under 'poi-counts'"):
        plain_name("model", str(path))


def test_missing_plugin_file_is_told(tmp_path):
    with pytest.raises(DataMissing, match=r"No plugin file .*none\.py"):
        load_model(str(tmp_path / "none.py"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("x = (", "SyntaxError"),
        ("x = 1", r"defines 0 public Model subclasses \(none\)"),
        (
            TWO_CLASSES,
            r"defines 2 public Model subclasses \(A, B\)",
        ),
        (
            "from urbanbench.model import Model\nclass A(Model):\n    def embed(self, view, **more): ...",
            r"has no card.*got NoneType. Mend: card = ModelCard\(title",
        ),
        (
            "from urbanbench.card import ModelCard\nModelCard('T', 'S', needs='poi', embeds=('region',))",
            r"needs='poi'. Expected a tuple of words, got str. Mend: needs=\('poi',\). \(odd.py, line 2\)",
        ),
        ("import sys; sys.exit(0)", r"does not load: SystemExit: 0 \(odd.py, line 1\)"),
    ],
)
def test_broken_plugin_file_says_why(tmp_path, text, reason):
    path = tmp_path / "odd.py"
    path.write_text(text)
    with pytest.raises(PluginBroken, match=reason):
        load_model(str(path))


def test_entry_point_of_another_package_is_found(entry_points):
    entry_points("my_model", "urbanbench.models.mean:Mean")
    assert load_model("my-model") is load_model("mean")
    assert next(one for one in listing("model") if one.name == "my-model").origin == "entry point"


def test_entry_point_that_fails_is_a_row_with_the_reason(entry_points):
    entry_points("sunken", "no_such_package.models:Sunken")
    row = next(one for one in listing("model") if one.name == "sunken")
    assert row.card is None
    assert "No module named 'no_such_package'" in str(row.error)
    with pytest.raises(PluginBroken, match="'sunken' does not load"):
        load_model("sunken")


def test_broken_plugin_is_left_out_of_globs_but_not_when_named(entry_points):
    entry_points("sunken", "no_such_package.models:Sunken")
    assert "sunken" not in expand("model", "all")
    assert "sunken" in broken("model")
    with pytest.raises(PluginBroken):
        expand("model", "mean,sunken")


def test_entry_point_cannot_take_a_built_in_name(entry_points):
    entry_points("mean", "urbanbench.models.area:Area")
    assert load_model("mean").__name__ == "Mean"
    assert any(one.error is not None and "name 'mean' is taken" in one.error for one in listing("model"))


def test_expand_reads_lists_globs_and_groups(counting):
    assert expand("model", ["mean,tfidf", "mean", "poi_counts"]) == ["mean", "tfidf", "poi-counts"]
    assert expand("model", "poi-*") == ["poi-counts", "poi-shares"]
    assert expand("model", "all") == names("model")
    words = ("floors", "attribution", "learned", "retrieval")
    floors, attribution, learned, retrieval = (expand("model", word) for word in words)
    assert "mean" in floors
    assert attribution == [
        "footprint-means",
        "neighbour-counts",
        "places-counts",
        "poi-shares",
        "random-codes",
        "text-codes",
    ]
    assert retrieval == ["bm25", "majority-answer", "nearest-image", "text-overlap"]
    assert sorted(floors + attribution + learned + retrieval) == names("model")
    assert expand("model", str(counting)) == [str(counting)]
    assert expand("task", "landuse*") == ["landuse", "landuse-shares"]


def test_expand_refuses_what_fits_nothing():
    with pytest.raises(UnknownName, match=r"Unknown model 'zz\*'"):
        expand("model", "zz*")
    with pytest.raises(UnknownName, match="Did you mean 'ridge'"):
        expand_words("head", "rigde", ["mlp", "ridge"])


def test_expand_words_keeps_order_and_drops_repeats():
    assert expand_words("head", ["ridge,mlp", "r*"], ["mlp", "ridge", "rf"]) == ["ridge", "mlp", "rf"]
