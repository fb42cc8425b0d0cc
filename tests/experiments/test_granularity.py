"""Granularity: a merged city beside the city, made once and again when the city changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.experiments.kinds.merge import Merge
from urbanbench.experiments.kinds.scales import scale_folder
from urbanbench.experiments.kinds.shelf import cell_of
from urbanbench.result_folders import city_of, load_results
from urbanbench.run.loop import run
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def merge():
    return Merge(
        name="m",
        title="Merge",
        item="text",
        question="?",
        splits=("random",),
        contenders=(Contender("POIs", "poi-counts"), Contender("ghost", "no-such-model")),
    )


def test_cells_of_the_merged_city_have_its_name_and_need_no_data(merge):
    specs = merge.specs(merge.settled(Choice(cities=("toyville:tiny",))))
    assert [cell_of(spec).city for spec in specs[:2]] == ["toyville:tiny", "toyville-tiny-merged"]
    assert not scale_folder("toyville:tiny", "merged").exists()


def test_the_merged_city_is_made_once_and_again_after_a_change(merge, village, tmp_path):
    city = tmp_path / "hamlet"
    shutil.copytree(village, city)
    choice = merge.settled(Choice(cities=(str(city),)))
    merge.prepare(choice)
    made = scale_folder(str(city), "merged") / "regions.parquet"
    first = made.stat().st_mtime_ns
    merge.prepare(choice)
    assert made.stat().st_mtime_ns == first
    manifest = json.loads((city / "city.json").read_text())
    (city / "city.json").write_text(json.dumps(manifest | {"title": "Other"}))
    merge.prepare(choice)
    assert made.stat().st_mtime_ns > first
    assert json.loads((made.parent / "city.json").read_text())["regions"]["count"] < 36


def test_the_change_of_the_error_is_relative(merge, answer):
    choice = merge.settled(Choice(cities=("village",), seeds=(0, 1, 2)))
    before, after, *_ = merge.specs(choice)
    results = [answer(before, (0.4, 0.5, 0.6)), answer(after, (0.2, 0.2, 0.2))]
    [table] = merge.show(results, choice).sections[0].tables
    rows = {line.entries[0].text: [entry.text for entry in line.entries[1:]] for line in table.lines}
    assert rows["POIs"][:4] == ["0.500 ± 0.100", "0.200 ± 0", "1.500 ± 0.100", "1.800 ± 0"]
    assert rows["POIs"][6] == "+20.0 %"
    assert rows["ghost"][:2] == ["not in this version"] * 2
    assert rows["ghost"][6] == ""


def test_a_row_of_a_derived_city_names_no_place_of_this_machine_and_finds_its_city_again(merge, tmp_path):
    choice = merge.settled(Choice(cities=("toyville:tiny",), models=("mean",), seeds=(0, 1), out=tmp_path))
    merge.prepare(choice)
    [_, merged, *_] = merge.specs(choice)
    [result] = run([merged], ResultStore(tmp_path))
    told = result.provenance["sources"]["city"]["path"]
    assert told == "cache:cities/merged/toyville-tiny-merged"
    [kept] = load_results(tmp_path)
    assert Path(city_of(kept)).samefile(scale_folder("toyville:tiny", "merged"))
    [again] = run([merged], ResultStore(tmp_path))
    assert again.run_id == result.run_id
