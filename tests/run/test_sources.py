"""Two things of one name never become one result."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from urbanbench.errors import BadInput
from urbanbench.registry import plain_name
from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


def copied(village: Path, folder: Path, name: str | None = None, shift: float = 0.0) -> Path:
    shutil.copytree(village, folder)
    if name:
        told = json.loads((folder / "city.json").read_text(encoding="utf-8"))
        (folder / "city.json").write_text(json.dumps(told | {"name": name}), encoding="utf-8")
    table = pd.read_parquet(folder / "labels/income.parquet")
    table.assign(value=table["value"] + shift).to_parquet(folder / "labels/income.parquet", index=False)
    return folder


def spec(model: object, city: Path, task: str = "income", **more: object) -> RunSpec:
    return RunSpec(str(model), task, str(city), head="ridge", seeds=(0,), **more)


def test_folders_of_one_name_go_by_their_names_in_city_json(village, counting, store, tmp_path):
    cities = [
        copied(village, tmp_path / "a/city", "rome"),
        copied(village, tmp_path / "b/city", "paris", shift=9),
    ]
    for city in cities:
        run([spec(counting, city)], store)
    results = run([spec(counting, city) for city in cities], store)
    assert [one.cell.city for one in results] == ["rome", "paris"]
    assert len(store.load_all()) == 2


def test_two_folders_with_one_name_in_city_json_are_refused_with_both_paths(
    village, counting, store, tmp_path
):
    one, two = copied(village, tmp_path / "2019/city"), copied(village, tmp_path / "2021/city", shift=9)
    with pytest.raises(
        BadInput, match=r"Two cities would share.*'village'.*2019/city.*2021/city.*city\.json"
    ):
        run([spec(counting, one), spec(counting, two)], store)
    assert not store.folder.exists()


@pytest.mark.parametrize("change", ["city", "model", "task"])
def test_a_result_of_another_source_is_not_replaced_by_a_later_command(
    village, counting, store, tmp_path, change
):
    task = "from urbanbench.card import TaskCard\nfrom urbanbench.task import Task\nclass T(Task):\n    card = TaskCard(title='{}', question='?', label='income', kind='regression')\n"
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one/ask.py").write_text(task.format("one"))
    (tmp_path / "two/ask.py").write_text(task.format("two"))
    shutil.copy(counting, tmp_path / "two/counting.py")
    (tmp_path / "two/counting.py").write_text(counting.read_text() + "\nX = 1\n")
    first = {
        "model": counting,
        "city": copied(village, tmp_path / "one/city"),
        "task": tmp_path / "one/ask.py",
    }
    second = {
        "model": tmp_path / "two/counting.py",
        "city": copied(village, tmp_path / "two/city", shift=9),
        "task": tmp_path / "two/ask.py",
    }
    [kept] = run([spec(**{name: str(part) for name, part in first.items()})], store)
    other = spec(**{name: str(part) for name, part in (first | {change: second[change]}).items()})
    with pytest.raises(BadInput, match=rf"holds a result of another {change} named .*--overwrite always"):
        run([other], store)
    assert store.load_all()[0].provenance["started_utc"] == kept.provenance["started_utc"]
    run([other], store, overwrite="always")


def test_a_moved_folder_with_the_same_content_is_the_same_city(village, counting, store, tmp_path):
    before = copied(village, tmp_path / "before/city")
    [first] = run([spec(counting, before)], store)
    moved = tmp_path / "after" / "city"
    moved.parent.mkdir()
    before.rename(moved)
    [again] = run([spec(counting, moved)], store)
    assert again.provenance["started_utc"] == first.provenance["started_utc"]


def test_an_edited_folder_at_its_place_is_computed_again(village, counting, store, tmp_path):
    city = copied(village, tmp_path / "city")
    run([spec(counting, city)], store)
    table = pd.read_parquet(city / "labels/income.parquet")
    table.assign(value=table["value"] + 1).to_parquet(city / "labels/income.parquet", index=False)
    [result] = run([spec(counting, city)], store)
    assert result.provenance["replaced_stale"]


def test_a_folder_is_not_kept_under_the_name_of_a_known_city(village, tmp_path, monkeypatch):
    known = copied(village, tmp_path / "data/village")
    monkeypatch.setenv("URBANBENCH_DATA", str(known.parent))
    assert plain_name("city", str(known)) == "village"
    assert plain_name("city", str(copied(village, tmp_path / "mine"))) == "mine"
    with pytest.raises(BadInput, match="which is another city"):
        plain_name("city", str(copied(village, tmp_path / "x/village")))


def test_named_sources_leave_no_paths_in_results(village, store, tmp_path, monkeypatch):
    copied(village, tmp_path / "data/village")
    monkeypatch.setenv("URBANBENCH_DATA", str(tmp_path / "data"))
    [result] = run([RunSpec("poi-counts", "income", "village", head="ridge", seeds=(0,))], store)
    assert "sources" not in result.provenance
    assert str(tmp_path) not in store.path_of(result.cell).read_text()
