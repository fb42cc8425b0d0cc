"""Damaged folders: every one is a report of faults or sound; no other error, no crash of the process, no hang, little memory."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from urbanbench.city.faults.check import check_folder

PROGRAM = Path(__file__).with_name("damage.py")
SECONDS, MIB = 60, 1500
ENDS = {"sound", "faults", "refused"}


@pytest.fixture(scope="module")
def whole(sound_folder, tmp_path_factory):
    """Give a sound folder with features as well."""
    folder = Path(shutil.copytree(sound_folder, tmp_path_factory.mktemp("whole") / "testville"))
    (folder / "features").mkdir()
    table = {"view_id": ["v0", "v1"], "vector": [[1.0, 2.0], [3.0, 4.0]], "word": ["a", "b"]}
    pd.DataFrame(table).to_parquet(folder / "features/words.parquet", index=False)
    return folder


def trimmed(source, target):
    """Copy a city with its first regions and rows, so that many copies of it can be read."""
    raw = json.loads((source / "city.json").read_text(encoding="utf-8"))
    kept, named = {}, set()
    parts = {"regions": raw["regions"], **raw["layers"]} | {
        f"labels/{name}": one for name, one in raw["labels"].items()
    }
    for name, entry in parts.items():
        table = pq.read_table(source / entry["file"])
        for key in {"region_id", "origin_id", "destination_id", "building_id", "view_id"} & set(
            table.column_names
        ):
            if key in kept:
                table = table.filter(
                    pc.is_in(table[key.replace("origin", "region")], pa.array(sorted(kept[key])))
                )
            elif key.startswith(("origin", "dest")):
                table = table.filter(pc.is_in(table[key], pa.array(sorted(kept["region_id"]))))
        table = table.slice(0, 8 if name in {"regions", "street_views"} else 150)
        if name in {"regions", "buildings", "street_views"}:
            key = "view_id" if name == "street_views" else f"{name[:-1]}_id"
            kept[key] = set(table[key].to_pylist())
        for column in {"image", "east", "south", "west", "north"} & set(table.column_names):
            named |= set(table[column].to_pylist()) - {None}
        entry |= {word: len(table) for word in ("count", "units") if word in entry}
        if isinstance(entry.get("classes"), dict):
            entry["classes"] = list(entry["classes"])
        (target / entry["file"]).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target / entry["file"])
    for path in named:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)
    (target / "city.json").write_text(json.dumps(raw), encoding="utf-8")
    assert check_folder(target) == []
    return target


@pytest.fixture(scope="module")
def toyville(tiny_toyville, tmp_path_factory):
    return trimmed(tiny_toyville, tmp_path_factory.mktemp("trimmed") / "toyville")


@pytest.fixture(scope="module")
def helsinki(tmp_path_factory):
    source = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent")) / "helsinki"
    if not (source / "city.json").is_file():
        pytest.skip("no helsinki under URBANBENCH_DATA")
    return trimmed(source, tmp_path_factory.mktemp("trimmed") / "helsinki")


def read_damaged(whole, work, first, last, mode="full"):
    """Damage and read copies in a process of its own; return what was done and how it ended, by seed."""
    words = [sys.executable, "-W", "error", str(PROGRAM), str(whole), str(work), str(first), str(last), mode]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in made.stdout.splitlines()]
    assert made.returncode == 0, (lines[-1:], made.returncode, made.stderr[-2000:])
    assert len(lines) == 2 * (last - first)
    return [{**done, **ended} for done, ended in zip(lines[::2], lines[1::2], strict=True)]


def bad(read):
    return [one for one in read if one["ended"] not in ENDS or one["seconds"] > SECONDS or one["mib"] > MIB]


def test_damaged_folders_are_told_and_nothing_else_happens(whole, tmp_path):
    assert bad(read_damaged(whole, tmp_path, 0, 25)) == []


def test_damaged_cities_are_told_shown_and_mended_and_nothing_else_happens(toyville, tmp_path):
    read = read_damaged(toyville, tmp_path, 0, 35)
    assert bad(read) == []
    assert {one["ended"] for one in read} == ENDS


def test_a_few_bytes_that_unfold_to_much_are_refused_before_memory_is_asked_for(whole, tmp_path):
    assert bad(read_damaged(whole, tmp_path, 0, 3, "heavy")) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1400, 100))
def test_many_damaged_folders_are_told_and_nothing_else_happens(whole, tmp_path, first):
    assert bad(read_damaged(whole, tmp_path, first, first + 100)) == []


@pytest.mark.slow
def test_many_small_files_that_unfold_are_refused(whole, tmp_path):
    assert bad(read_damaged(whole, tmp_path, 100, 130, "heavy")) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1150, 50))
def test_many_damaged_cities_are_told_shown_and_mended(toyville, tmp_path, first):
    assert bad(read_damaged(toyville, tmp_path, first, first + 50)) == []


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("first", range(2000, 2150, 50))
def test_many_damaged_copies_of_a_real_city_are_told_shown_and_mended(helsinki, tmp_path, first):
    assert bad(read_damaged(helsinki, tmp_path, first, first + 50)) == []
