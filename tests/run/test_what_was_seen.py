"""A run's result says how much its model used, what it lacked and whether it knows where it is, also when vectors come from the cache."""

from __future__ import annotations

import json
import textwrap

import pytest

from urbanbench.cli.app import main
from urbanbench.result import OK, RunResult, RunSpec
from urbanbench.run import Workbench, execute
from urbanbench.store import ResultStore

CHOOSY = """
from dataclasses import dataclass

import numpy as np

from urbanbench.card import ModelCard
from urbanbench.model import Model
from urbanbench.seen import saw
from urbanbench.space import EmbeddingSpace


@dataclass(frozen=True)
class Choosy(Model):
    step: int = 3
    placed: bool = False
    card = ModelCard(title="Choosy", summary="Every third POI.", needs=("poi",), can_use=("coordinates",), embeds=("region",))

    def embed(self, view, *, units, seed, device):
        if self.placed:
            view.coordinates(units)
        pois = view.pois.iloc[:: self.step]
        saw("poi", np.arange(0, len(view.pois), self.step), of=len(view.pois))
        counts = pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0)
        return EmbeddingSpace("region", np.array(units.ids), counts.to_numpy("float32")[:, None])

    def lacks(self, view):
        return ("two of three POIs",) if view.has("poi") else ()

    def knows_place(self):
        return "by its POIs" if self.step == 2 else ""
"""

SILENT = CHOOSY.replace(
    '        saw("poi", np.arange(0, len(view.pois), self.step), of=len(view.pois))\n', ""
)


@pytest.fixture
def plugin(tmp_path, own_cache):
    def write(name, text=CHOOSY):
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def run(path, village, bench=None, **settings):
    told = tuple((name, str(value)) for name, value in settings.items())
    spec = RunSpec(str(path), "popdensity", str(village), head="ridge", seeds=(0, 1), settings=told)
    result = execute(spec, bench=bench)
    assert result.status == OK, result.traceback
    return result


def test_a_result_says_how_much_was_used_and_so_does_one_whose_vectors_were_kept(plugin, village):
    path = plugin("choosy")
    first, again = run(path, village, Workbench()), run(path, village, Workbench())
    pois = first.model["saw"]["poi"]["of"]
    assert first.model["saw"] == {"poi": {"used": -(-pois // 3), "of": pois}}
    assert again.cost["embedding_cached"]
    assert again.model["saw"] == first.model["saw"]


def test_the_record_lies_with_the_vectors_and_is_read_back_from_the_result(plugin, village, tmp_path):
    result = run(plugin("choosy"), village)
    assert RunResult.from_dict(json.loads(json.dumps(result.to_dict()))).model == result.model
    sidecars = [json.loads(one.read_text()) for one in tmp_path.rglob("embeddings/*.json")]
    assert [one["facts"]["saw"] for one in sidecars] == [result.model["saw"]]


def test_a_result_says_what_its_model_lacked_and_whether_it_knows_its_place(plugin, village):
    path = plugin("choosy")
    plain, knowing, placed = run(path, village), run(path, village, step=2), run(path, village, placed="true")
    assert plain.model["lacks"] == ["two of three POIs"]
    assert [one.model["knows_place"] for one in (plain, knowing, placed)] == [
        "",
        "by its POIs",
        "coordinates",
    ]


def test_a_model_that_says_nothing_is_shown_as_not_recorded(plugin, village, tmp_path, capsys):
    store = ResultStore(tmp_path / "out")
    store.save(run(plugin("silent", SILENT), village))
    (file,) = (tmp_path / "out").rglob("silent*.json")
    assert main(["describe", str(file)]) == 0
    told = capsys.readouterr().out
    assert "not recorded" in told


def test_describe_tells_what_a_result_says(plugin, village, tmp_path, capsys):
    store = ResultStore(tmp_path / "out")
    result = run(plugin("choosy"), village)
    store.save(result)
    (file,) = (tmp_path / "out").rglob("choosy*.json")
    assert main(["describe", str(file)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    count = result.model["saw"]["poi"]
    assert f"POIs {count['used']:,} of {count['of']:,}" in told
    assert "choosy (two of three POIs)" in told
    assert "knows where it is no" in told
    assert "R² 0." in told


def test_describe_names_a_file_that_is_no_result(tmp_path, capsys):
    file = tmp_path / "other.json"
    file.write_text("{}", encoding="utf-8")
    assert main(["describe", str(file)]) == 3
    assert "other.json" in capsys.readouterr().err


def test_embed_says_what_was_used(plugin, village, tmp_path, capsys):
    words = ["embed", "-m", str(plugin("choosy")), "-c", str(village), "--out", str(tmp_path / "v.parquet")]
    assert main(words) == 0
    assert "POIs." in capsys.readouterr().err.partition("Used: ")[2].splitlines()[0]
