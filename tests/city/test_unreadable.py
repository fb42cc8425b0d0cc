"""Whatever the system refuses while a city is opened is a sentence, not an error from below."""

import errno
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.errors import CityFaults, DataMissing

REFUSALS = [
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ESTALE, "Stale file handle"),
]


@pytest.fixture(params=REFUSALS, ids=lambda error: error.strerror)
def refusal(request):
    return request.param


def refuse(monkeypatch, owner, name, error, only):
    """Let a call fail for one file."""
    whole = getattr(owner, name)

    def call(*words, **named):
        if any(str(word).endswith(only) for word in words):
            raise error
        return whole(*words, **named)

    monkeypatch.setattr(owner, name, call)


def test_city_json_that_cannot_be_read(folder, monkeypatch, refusal):
    refuse(monkeypatch, Path, "read_bytes", refusal, "city.json")
    (fault,) = check_folder(folder.path)
    assert (
        fault == f"city.json: expected a readable file, found a fault ({refusal.strerror}). Make it readable."
    )
    with pytest.raises(CityFaults, match=refusal.strerror):
        City.open(folder.path)


@pytest.mark.parametrize(
    "file", ["regions.parquet", "pois.parquet", "labels/use.parquet", "features/words.parquet"]
)
def test_a_table_that_cannot_be_read(folder, monkeypatch, refusal, file):
    if file.startswith("features"):
        (folder.path / "features").mkdir()
        (folder.path / file).write_bytes((folder.path / "labels/use.parquet").read_bytes())
    refuse(monkeypatch, pq, "ParquetFile", refusal, file)
    (fault,) = [one for one in check_folder(folder.path) if one.startswith(file)]
    assert refusal.strerror in fault
    assert str(folder.path) not in fault
    assert fault.endswith((".", "Make the file readable."))


def test_a_table_that_vanishes_between_two_reads(folder, monkeypatch):
    city = City.open(folder.path)
    (folder.path / "pois.parquet").unlink()
    (folder.path / "labels/use.parquet").unlink()
    with pytest.raises(CityFaults, match=r"pois.parquet: expected a whole Parquet file"):
        _ = city.pois
    with pytest.raises(CityFaults, match=r"labels/use.parquet: expected"):
        city.label("use")
    with pytest.raises(CityFaults, match=r"pois.parquet: expected a readable file"):
        city.digest(["pois"])
    with pytest.raises(CityFaults, match=r"pois.parquet: expected a readable file"):
        _ = city.view({"poi"}).key


def test_a_folder_that_cannot_be_listed(folder, monkeypatch, refusal):
    refuse(monkeypatch, os, "listdir", refusal, folder.path.name)
    with pytest.raises(DataMissing, match=refusal.strerror):
        City.open(folder.path)
    assert refusal.strerror in check_folder(folder.path)[0]


@pytest.mark.parametrize("name", ["a" * 5000, "nul\0l", "file.txt", "nothing"])
def test_paths_that_name_no_folder(tmp_path, name):
    (tmp_path / "file.txt").write_text("no folder")
    with pytest.raises(DataMissing, match="No city folder"):
        City.open(tmp_path / name)
    assert len(check_folder(tmp_path / name)) == 1


def test_a_link_that_leads_to_itself_is_no_file(folder):
    (folder.path / "pois.parquet").unlink()
    (folder.path / "pois.parquet").symlink_to("pois.parquet")
    assert check_folder(folder.path)[0].startswith(
        "city.json: 'layers.pois.file': expected a file inside the folder"
    )


def test_a_pipe_in_a_files_place_is_not_waited_for(folder):
    (folder.path / "pois.parquet").unlink()
    os.mkfifo(folder.path / "pois.parquet")
    assert "found something that is not a file" in check_folder(folder.path)[0]
