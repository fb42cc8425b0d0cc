"""Locks: one holder at a time, on file systems without locks too, and none that is dead."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from urbanbench import leases, locks
from urbanbench.errors import CannotWrite
from urbanbench.leases import Lease
from urbanbench.locks import forget_locks, locked


@pytest.fixture
def without_locks(monkeypatch):
    """A file system on which no file can be locked."""

    def refuse(_handle, _what):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(locks, "_lacking", set())


def ended_process() -> int:
    """The number of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def check_excludes(path):
    with locked(path) as first:
        assert first
        with locked(path, wait=False) as second:
            assert not second
    with locked(path, wait=False) as third:
        assert third


def test_a_lock_has_one_holder(tmp_path):
    check_excludes(tmp_path / "a" / "b.lock")


def test_a_lock_has_one_holder_where_the_file_system_has_no_locks(tmp_path, without_locks):
    check_excludes(tmp_path / "a" / "b.lock")
    assert [one.name for one in (tmp_path / "a" / ".b.lease").iterdir()] == ["00000002.free"]


def test_leases_can_be_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("URBANBENCH_LOCKS", "lease")
    check_excludes(tmp_path / "b.lock")
    assert (tmp_path / ".b.lease").is_dir()


def test_many_threads_hold_a_lease_one_after_the_other(tmp_path):
    inside, most = [], []

    def work():
        for _ in range(5):
            lease = Lease(tmp_path / "lease")
            assert lease.acquire(60)
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.002)
            inside.pop()
            lease.release()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert max(most) == 1
    assert len(most) == 30


def test_a_lease_of_an_ended_process_of_this_machine_is_free(tmp_path):
    (tmp_path / "lease").mkdir()
    told = {"machine": leases.this_machine(), "process": ended_process()}
    (tmp_path / "lease" / "00000007").write_text(json.dumps(told))
    mine = Lease(tmp_path / "lease")
    assert mine.acquire(0)
    assert [one.name for one in (tmp_path / "lease").iterdir()] == ["00000008"]
    mine.release()


def test_a_lease_of_another_machine_is_free_when_nobody_touches_it_and_dates_do_not_matter(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(leases, "DEAD_S", 0.2)
    (tmp_path / "lease").mkdir()
    theirs = tmp_path / "lease" / "00000001"
    theirs.write_text(json.dumps({"machine": "far away", "process": 1}))
    os.utime(theirs, (4e9, 4e9))  # a clock that is a century ahead
    mine = Lease(tmp_path / "lease")
    assert not mine.acquire(0), "its first look says nothing"
    assert mine.acquire(5)
    mine.release()


def test_a_lease_that_is_touched_stays_with_its_holder(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_S", 0.02)
    monkeypatch.setattr(leases, "DEAD_S", 0.5)
    holder, other = Lease(tmp_path / "lease", "machine a"), Lease(tmp_path / "lease", "machine b")
    assert holder.acquire(0)
    assert not other.acquire(1.2)
    holder.release()
    assert other.acquire(0)
    other.release()


def test_who_was_taken_for_dead_gives_nothing_back(tmp_path, monkeypatch):
    slow, quick = Lease(tmp_path / "lease", "machine a"), Lease(tmp_path / "lease", "machine b")
    assert slow.acquire(0)
    monkeypatch.setattr(leases, "DEAD_S", -1.0)
    assert quick.acquire(0)
    monkeypatch.setattr(leases, "DEAD_S", 60.0)
    slow.release()
    assert not slow.acquire(0), "the lease is the other one's"
    quick.release()


def test_what_can_be_done_without_a_lock_is_done_where_none_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    with locked(tmp_path / "file" / "a.lock", needed=False) as held:
        assert held
    with (
        pytest.raises(CannotWrite, match="Mend: name another one"),
        locked(tmp_path / "file" / "a.lock", mend="name another one"),
    ):
        pass


def test_an_error_inside_the_block_is_not_taken_for_one_of_the_lock(tmp_path):
    with pytest.raises(OSError, match="mine"), locked(tmp_path / "a.lock", needed=False):
        raise OSError("mine")


def test_files_of_locks_that_nobody_holds_are_forgotten(tmp_path):
    for name in ("a", "b"):
        with locked(tmp_path / f"{name}.lock"):
            pass
    with locked(tmp_path / "b.lock"):
        assert forget_locks(tmp_path) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["b.lock"]


def test_a_lock_outlives_no_killed_process(tmp_path):
    program = "import sys, time; from pathlib import Path; from urbanbench.locks import locked\nwith locked(Path(sys.argv[1])): print(1, flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "a.lock")], stdout=subprocess.PIPE
    )
    assert process.stdout.read(1) == b"1"
    with locked(tmp_path / "a.lock", wait=False) as held:
        assert not held
    process.kill()
    process.wait()
    process.stdout.close()
    with locked(tmp_path / "a.lock", wait=False) as held:
        assert held


def test_long_waiting_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(locks, "TOLD_AFTER_S", 0.05)
    first = locked(tmp_path / "a.lock")
    first.__enter__()
    threading.Timer(0.3, lambda: first.__exit__(None, None, None)).start()
    with locked(tmp_path / "a.lock") as held:
        assert held
    assert capsys.readouterr().err.count("Waiting for ") == 1
