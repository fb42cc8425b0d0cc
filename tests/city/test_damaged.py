"""Damaged folders: every one is a report of faults or sound; no other error, no crash of the process, no hang, little memory."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

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


def read_damaged(whole, work, first, last, mode="light"):
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
    read = read_damaged(whole, tmp_path, 0, 30)
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
