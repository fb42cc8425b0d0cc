"""Runs under faults: rows are kept somewhere, what only saves time is left out, and it is said."""

from __future__ import annotations

import errno
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

import urbanbench.spare_cache
from urbanbench.cache import EmbeddingCache, sweep_cache
from urbanbench.errors import CannotWrite
from urbanbench.home import cache_root
from urbanbench.result import OK, RunSpec
from urbanbench.run.aside import bring_home
from urbanbench.run.loop import run
from urbanbench.space import EmbeddingSpace
from urbanbench.spare_cache import usable_cache
from urbanbench.store import ResultStore


@pytest.fixture
def specs(village, counting):
    return [
        RunSpec(str(counting), task, str(village), head="knn", seeds=(0, 1)) for task in ("income", "crime")
    ]


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "runs")


def files(folder: Path) -> dict[str, bytes]:
    found = [one for one in folder.rglob("*") if one.is_file() and ".lock" not in one.parts]
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in found}


def scores(results):
    return [dict(one.scores) for one in results]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_rows_without_room_are_kept_aside_and_brought_home_by_the_same_command(
    specs, store, own_cache, refuse, number, monkeypatch, capsys
):
    refuse(store.folder, number, after=4)  # two looks whether the folder can be written, then the first row
    found = run(specs, store)
    assert [one.status for one in found] == [OK, OK]
    lost = [one for one in found if one.unsaved]
    assert lost
    assert f"It is kept in {str(own_cache / 'unsaved')!r}"[:-1] in lost[-1].unsaved
    assert list(store.folder.rglob("*.part")) == []
    monkeypatch.undo()
    monkeypatch.setenv("URBANBENCH_CACHE", str(own_cache))
    new = []
    again = run(specs, store, progress=lambda _, is_new: new.append(is_new))
    assert new == [False, False]
    assert scores(again) == scores(found)
    assert "rows that an earlier run could not write" in capsys.readouterr().err
    assert list((own_cache / "unsaved").iterdir()) == []


def test_rows_kept_aside_are_those_that_a_run_with_room_writes(specs, store, own_cache, refuse, monkeypatch):
    refuse(store.folder, errno.ENOSPC, after=1)
    run(specs, store)
    monkeypatch.undo()
    monkeypatch.setenv("URBANBENCH_CACHE", str(own_cache))
    assert bring_home(store) == 2
    kept = files(store.folder)
    assert sum(name.endswith(".json") for name in kept) == 2
    assert sum("/predictions/" in name for name in kept) == 2
    assert bring_home(store) == 0


def test_without_any_room_rows_are_still_answered(specs, store, own_cache, refuse, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    refuse(store.folder, errno.ENOSPC, after=1)
    refuse(own_cache, errno.ENOSPC)
    refuse(tmp_path / "temporary", errno.ENOSPC)
    found = run(specs, store)
    assert [one.status for one in found] == [OK, OK]
    assert all(one.unsaved and "kept in" not in one.unsaved for one in found)


def test_a_full_cache_costs_time_only(specs, store, own_cache, refuse, capsys):
    refuse(own_cache, errno.ENOSPC)
    found = run(specs, store)
    assert [(one.status, one.unsaved) for one in found] == [(OK, "")] * 2
    assert capsys.readouterr().err.count("Vectors are not kept: Cannot write") == 1


def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(specs, store, own_cache, refuse):
    refuse(store.folder.parent, errno.EROFS)
    with pytest.raises(CannotWrite, match=r"Read-only file system.*name another folder with --out"):
        run(specs, store)


@pytest.mark.parametrize("harm", ["cut short", "flipped", "no description", "unreadable"])
def test_damaged_vectors_are_said_and_made_again(specs, store, own_cache, harm, monkeypatch, capsys):
    first = run(specs[:1], store)
    [vectors], [described] = (
        list((own_cache / "embeddings").glob(f"*.{form}")) for form in ("safetensors", "json")
    )
    whole, made = vectors.read_bytes(), EmbeddingSpace.load(vectors).digest()
    if harm == "cut short":
        vectors.write_bytes(whole[:-100])
    elif harm == "flipped":
        vectors.write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    elif harm == "no description":
        described.write_text("{")
    with monkeypatch.context() as patched:
        if harm == "unreadable":
            patched.setattr("urbanbench.space.read_through", _fails)
        again = run(specs[:1], store, overwrite="always")
    assert scores(again) == scores(first)
    assert "cannot be used and are made again: " in capsys.readouterr().err
    assert EmbeddingSpace.load(vectors).digest() == made


def _fails(path):
    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))


def test_vectors_that_another_process_prunes_meanwhile_are_made_again_without_a_word(
    specs, store, own_cache, monkeypatch, capsys
):
    first = run(specs[:1], store)
    read = EmbeddingCache._read

    def read_and_prune(path):
        found = read(path)
        path.with_suffix(".safetensors").unlink()
        return found

    monkeypatch.setattr(EmbeddingCache, "_read", staticmethod(read_and_prune))
    assert scores(run(specs[:1], store, overwrite="always")) == scores(first)
    assert "cannot be used" not in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_read_and_stays_as_it_is(
    specs, store, own_cache, refuse, monkeypatch, capsys
):
    run(specs[:1], store)
    (own_cache / "embeddings" / ".left.part").touch()
    before = files(own_cache)
    refuse(own_cache, errno.EROFS)
    with usable_cache():
        assert cache_root() != own_cache
        assert os.environ["URBANBENCH_CACHE"] == str(cache_root())
        assert len(EmbeddingCache().entries()) == 1
        again = run([*specs, replace(specs[0], settings=(("power", "3.0"),))], store, overwrite="always")
        assert [one.cost["embedding_cached"] for one in again] == [True, True, False]
        assert len(EmbeddingCache().entries()) == 2
    assert cache_root() == own_cache
    assert files(own_cache) == before
    said = capsys.readouterr().err
    assert f"Cannot write {str(own_cache)!r} (Read-only file system). What is kept there is used" in said
    assert "To keep it: name another folder with URBANBENCH_CACHE=/path." in said


def test_without_cache_and_temporary_folder_the_cache_is_named(own_cache, refuse, monkeypatch):
    refuse(own_cache.parent, errno.EACCES)
    monkeypatch.setattr(
        urbanbench.spare_cache.tempfile, "mkdtemp", lambda *_: (_ for _ in ()).throw(FileNotFoundError())
    )
    with pytest.raises(CannotWrite, match="Permission denied"), usable_cache():
        pass


def test_processes_that_train_together_are_not_given_a_cache_each(own_cache, refuse, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    refuse(own_cache.parent, errno.EROFS)
    with pytest.raises(CannotWrite), usable_cache():
        pass


def test_what_killed_runs_left_is_swept_by_the_next_run(specs, store, own_cache, capsys):
    run(specs, store)
    for folder in (store.folder / "village" / "income", own_cache / "embeddings"):
        (folder / ".a.json.12.part").write_text("{")
    (store.folder / "village" / "income" / "predictions" / ".b.parquet.12.part").touch()
    run(specs, store)
    assert "Removed 3 temporary files that killed processes had left." in capsys.readouterr().err
    assert [*store.folder.rglob("*.part"), *own_cache.rglob("*.part")] == []
    sweep_cache(own_cache)
    assert list(own_cache.rglob("*.lock")) == []


def test_a_clock_that_jumps_disturbs_no_run(specs, store, own_cache, monkeypatch):
    calm = scores(run(specs, ResultStore(store.folder.parent / "calm")))
    now, jumps = time.time, iter([3.2e7, -3.2e7] * 1000)
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    found = run(specs, store, overwrite="always")
    assert scores(found) == calm
    assert all(0 <= one.cost["embed_seconds"] < 600 for one in found)
    assert all(0 <= one.cost["head_seconds"] < 600 for one in found)


def test_rows_of_names_that_are_too_long_for_a_file_are_kept_apart(specs, store, own_cache):
    named = [replace(specs[0], name="ü" * 150 + end) for end in ("a", "b")]
    found = run(named, store)
    assert [(one.status, one.unsaved) for one in found] == [(OK, "")] * 2
    names = {path.name for path in store.folder.glob("*/*/*.json")}
    assert len(names) == 2
    assert all(len(name.encode()) < 240 for name in names)
    assert {one.run_id for one in store.load_all()} == {one.run_id for one in found}
    assert json.loads(next(store.folder.glob("*/*/*.json")).read_text())["spec"]["model"].startswith("ü")
