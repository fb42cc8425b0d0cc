"""Files: refused writes say what was refused, temporary files of killed processes go, those of living ones stay."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from urbanbench.atomic import replacing, spared, swept, write_text
from urbanbench.city.folder.new_folder import new_folder
from urbanbench.errors import CannotWrite

NUMBERS = np.arange(200_000, dtype=np.float64)


@pytest.fixture
def short_files():
    """Files end at 100,000 bytes, for every library in this process."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


WRITERS = {
    "plain": lambda path: path.write_bytes(NUMBERS.tobytes()),
    "safetensors": lambda path: save_file({"a": NUMBERS}, path),
    "parquet": lambda path: pq.write_table(pa.table({"a": np.random.default_rng(0).random(100_000)}), path),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_that_does_not_fit_leaves_the_old_one_and_nothing_else(writer, tmp_path, short_files):
    path = tmp_path / "there"
    write_text(path, "old")
    with pytest.raises(CannotWrite, match="File too large"), replacing(path) as part:
        WRITERS[writer](part)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "choose a folder that you may write to"),
        (errno.EROFS, "choose a folder that you may write to"),
        (errno.ENOTDIR, "a file stands where one of its folders would be"),
        (errno.ENAMETOOLONG, "choose a shorter name"),
        (errno.EIO, "choose another folder"),
    ],
)
def test_what_to_do_follows_from_why_a_file_cannot_be_written(number, mend, tmp_path):
    said = str(CannotWrite(tmp_path / "a", OSError(number, os.strerror(number))))
    assert mend in said
    assert ("free some space" in said) == (number == errno.ENOSPC)


def test_a_folder_in_the_place_of_a_file_is_named_as_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (tmp_path, Path()):
        with pytest.raises(CannotWrite, match="name a file in this folder"):
            write_text(place, "x")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_what_was_needed_and_what_is_free(number, tmp_path):
    with pytest.raises(CannotWrite) as caught, replacing(tmp_path / "a", size=2_500_000):
        raise OSError(number, "words of a library")
    said = str(caught.value)
    assert os.strerror(number) in said
    assert "some 2.5 MB needed" in said
    assert f"free in {str(tmp_path)!r}" in said
    assert caught.value.full


def test_no_room_for_further_files_is_told_as_such(tmp_path, monkeypatch):
    found = os.statvfs(tmp_path)
    fields = list(found)
    fields[7] = 0
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    assert "can hold no further file" in str(CannotWrite(tmp_path / "a", OSError(errno.ENOSPC, "")))


def test_numpy_says_in_its_own_words_that_there_is_no_room(tmp_path):
    with pytest.raises(CannotWrite, match="No space left on device"), replacing(tmp_path / "a"):
        raise OSError("1000000 requested and 131056 written")


def test_what_can_be_spared_is_said_once_and_not_raised(tmp_path, capsys):
    for name in "ab":
        with spared("Features are not kept"):
            raise CannotWrite(tmp_path / name, OSError(errno.EROFS, "Read-only file system"))
    assert capsys.readouterr().err.count("Features are not kept: Cannot write") == 1


def test_a_new_folder_without_room_is_told_and_leaves_nothing(tmp_path):
    def refuse(_):
        raise OSError(errno.ENOSPC, "")

    with pytest.raises(CannotWrite, match="No space left"), new_folder(tmp_path / "deep" / "city") as part:
        refuse((part / "a").write_text("x" * 1000))
    assert list(tmp_path.iterdir()) == []


def test_other_errors_while_a_folder_is_made_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "city"):
        (tmp_path / "nowhere").read_bytes()


def test_what_living_processes_write_stays_and_what_killed_ones_left_goes(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from urbanbench.atomic import replacing; from urbanbench.city.folder.new_folder import new_folder\n"
        "with replacing(Path(sys.argv[1]) / 'a') as part, new_folder(Path(sys.argv[1]) / 'b') as city:\n"
        "    (city / 'c').touch(); print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.read(1) == b"1"
    assert swept(tmp_path) == 0
    process.kill()
    process.wait()
    process.stdout.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert swept(tmp_path, tmp_path / "nowhere") == 2
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_a_file_system_takes_is_written(tmp_path):
    path = tmp_path / ("ü" * 120)
    write_text(path, "x")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
