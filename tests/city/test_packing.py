"""A packed city comes out as it went in, the same bytes for the same folder; everything else is refused and leaves nothing behind."""

import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import struct
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pytest

from urbanbench.city.city import City
from urbanbench.city.folder import limits
from urbanbench.city.packing import budget, reading
from urbanbench.city.packing.contents import LIST_FILE
from urbanbench.city.packing.licences import licence_lines
from urbanbench.city.packing.pack import pack
from urbanbench.city.packing.unpack import extract, unpack
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, CityFaults, DataCorrupt, DataMissing

KINDS = (".tar.zst", ".zip")
LINK, HARD, CHAR, BLOCK, FIFO = (
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


def listed(files, name="testville", **change):
    """The list of an archive, as the format says, made here."""
    entries = {
        path: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in files.items()
    }
    return json.dumps({"urbanbench_pack": 1, "name": name, "files": entries | change}).encode()


def tarred(members):
    """A tar of (name, bytes) pairs or of ready headers."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def zipped(members, method=zipfile.ZIP_DEFLATED):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return target.getvalue()


def head(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def city(sound_folder):
    return sound_folder


@pytest.fixture
def world(tmp_path):
    """Where archives are unpacked; nothing but what a test expects may be in it afterwards."""
    folder = tmp_path / "world"
    folder.mkdir()
    return folder


def refused(world, data, *, match, error=DataCorrupt):
    """Unpack bytes that are to be refused, in one or a few sentences, and look for leftovers."""
    archive = world.parent / "evil.bin"
    archive.write_bytes(data)
    with pytest.raises(error, match=match) as caught:
        unpack(archive, world / "out")
    with pytest.raises(error):
        unpack(archive, world / "new" / "below" / "out")
    assert inside(world) == []
    assert str(caught.value).count(". ") <= 2
    assert not (world.parent / "escaped").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_city_comes_out_as_it_went_in(kind, city, world):
    made = pack(city, world / f"one{kind}")
    assert made.sha256 == hashlib.sha256(made.file.read_bytes()).hexdigest()
    found = unpack(made.file, world / "back")
    assert content(found.folder) == content(city)
    layers = "buildings, captions, flows, landuse, pois, roads, satellite, street_views"
    assert found.licences[0] == f"CC0: {layers} (tests)"
    assert found.licences[1].startswith("no licence stated: labels/density, labels/function")


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_folder_gives_the_same_bytes_wherever_it_lies_and_however_old_it_is(kind, city, world):
    other = world / "elsewhere" / "renamed"
    shutil.copytree(city, other)
    for number, path in enumerate(sorted(other.rglob("*"))):
        os.utime(path, (number, number))
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert pack(city, world / f"a{kind}").sha256 == pack(other, world / f"b{kind}").sha256


def test_other_tools_read_what_was_packed(city, world):
    pack(city, world / "one.zip")
    with zipfile.ZipFile(world / "one.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    pack(city, world / "one.tar.zst")
    plain = pa.CompressedInputStream(pa.OSFile(str(world / "one.tar.zst")), "zstd").read()
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        assert archive.getnames() == names
        assert {(one.mtime, one.uid, one.gid, one.uname, one.mode) for one in archive} == {
            (0, 0, 0, "", 0o644)
        }
    assert names == [LIST_FILE, *(f"testville/{path}" for path in sorted(content(city)))]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_not_compressed_once_more(kind, city, world):
    copy = world / "city"
    shutil.copytree(city, copy)
    noise = np.random.default_rng(0).bytes(3_000_000)
    (copy / "big.jpg").write_bytes(noise)
    made = pack(copy, world / f"one{kind}")
    assert made.size < made.contents.size + 40_000
    assert noise[: 2**16] in made.file.read_bytes()


def test_hidden_files_stay_at_home_and_links_inside_become_files(city, world):
    copy = world / "city"
    shutil.copytree(city, copy)
    (copy / ".env").write_text("a secret")
    (copy / ".git").mkdir()
    (copy / ".git" / "config").write_text("another")
    (copy / "again.png").symlink_to("views/v0e.png")
    made = pack(copy, world / "one.zip")
    back = unpack(made.file, world / "back").folder
    assert made.hidden == 1
    assert set(content(back)) == set(content(city)) | {"again.png"}
    assert not (back / "again.png").is_symlink()
    assert (back / "again.png").read_bytes() == (city / "views/v0e.png").read_bytes()


def make_pipe(path):
    os.mkfifo(path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (make_pipe, "something that is not a file"),
        (make_socket, "something that is not a file"),
        (lambda path: path.symlink_to("/etc/hostname"), "a link that leads out"),
        (lambda path: path.with_name("nul.png").write_bytes(b""), "a name of a device"),
        (lambda path: path.with_name("City.JSON").write_bytes(b""), "in other letters"),
        (lambda path: (path.mkdir(), path.with_name("linked").symlink_to(path)), "is a link. Expected plain"),
    ],
)
def test_what_cannot_be_packed_is_named(make, match, city, world, monkeypatch):
    copy = world / "city"
    shutil.copytree(city, copy)
    monkeypatch.chdir(copy)
    make(copy / "odd")
    with pytest.raises((BadInput, DataCorrupt), match=match):
        pack(copy, world / "one.zip")
    assert inside(world) == ["city"]


def test_a_city_with_faults_is_not_packed(city, world):
    copy = world / "city"
    shutil.copytree(city, copy)
    (copy / "flows.parquet").write_bytes(b"no table")
    with pytest.raises(CityFaults):
        pack(copy, world / "one.zip")


@pytest.mark.parametrize(
    ("out", "match"),
    [
        ("one.rar", "ends with .tar.zst or .zip"),
        ("there.zip", "exists"),
        ("city/one.zip", "inside of the folder"),
    ],
)
def test_a_target_that_cannot_be_is_refused(out, match, city, world):
    shutil.copytree(city, world / "city")
    (world / "there.zip").write_bytes(b"mine")
    with pytest.raises(BadInput, match=match):
        pack(world / "city", world / out)
    assert (world / "there.zip").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("testville/../../escaped", "'..'"),
        ("../escaped", "'..'"),
        ("/tmp/escaped", "an absolute path"),
        ("C:/escaped", "an absolute path"),
        ("C:escaped", "an absolute path"),
        ("~/escaped", "an absolute path"),
        ("testville\\..\\escaped", "a backslash"),
        ("testville/a:stream", "a colon"),
        ("testville/./a", "'.' or two slashes"),
        ("testville//a", "'.' or two slashes"),
        ("testville/a\nb", "control characters"),
        ("testville/CON", "a device"),
        ("testville/lpt1.txt", "a device"),
        ("testville/a. ", "a blank or a dot"),
        ("testville/" + "d/" * 40 + "a", "folders inside"),
        ("testville/" + "a" * 300, "too long"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_that_is_not_plain_is_refused(kind, name, match, world):
    make = zipped if kind == ".zip" else lambda members: zstd(tarred(members))
    inner = name.partition("/")[2] or name
    files = {"city.json": b"{}", inner: b"x"}
    refused(
        world, make([(LIST_FILE, listed(files)), ("testville/city.json", b"{}"), (name, b"x")]), match=match
    )


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (LINK, "symbolic link"),
        (HARD, "hard link"),
        (CHAR, "a device"),
        (BLOCK, "a device"),
        (FIFO, "named pipe"),
    ],
)
def test_links_devices_and_pipes_are_refused(kind, match, world):
    files = {"city.json": b"{}", "odd": b""}
    odd = head("testville/odd", kind, "../../escaped")
    refused(
        world, tarred([(LIST_FILE, listed(files)), ("testville/city.json", b"{}"), (odd, b"")]), match=match
    )


def test_a_link_in_a_zip_is_refused(world):
    info = zipfile.ZipInfo("testville/odd")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    data = b"/etc/hostname"
    files = {"city.json": b"{}", "odd": data}
    refused(world, zipped([(LIST_FILE, listed(files)), (info, data)]), match="symbolic link")


def test_a_file_with_holes_is_refused(world):
    info = tarfile.TarInfo("testville/odd")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": "99999999999",
        "GNU.sparse.map": "0,1",
    }
    refused(
        world, tarred([(LIST_FILE, listed({"city.json": b"{}", "odd": b"x"})), (info, b"x")]), match="holes"
    )


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["a", "a"], "another name of it means too"),
        (["a", "A"], "in other letters"),
        (["straße", "STRASSE"], "in other letters"),
        (["\u00e9", "e\u0301"], "in other letters"),
        (["d/a", "D/b"], "written in other letters"),
        (["d", "d/a"], "folder is a file"),
        (["d/a", "d"], "is a folder too"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_collide_are_refused(kind, names, match, world):
    make = zipped if kind == ".zip" else lambda members: zstd(tarred(members))
    files = {"city.json": b"{}"} | dict.fromkeys(names, b"x")
    members = [(f"testville/{name}", b"x") for name in names]
    refused(world, make([(LIST_FILE, listed(files)), ("testville/city.json", b"{}"), *members]), match=match)


def test_an_archive_that_grows_without_end_is_refused(world, monkeypatch):
    monkeypatch.setattr(budget, "FREE_BYTES", limits.MIB)
    zeros = b"\0" * (40 * limits.MIB)
    files = {"city.json": b"{}", "a": zeros}
    members = [(LIST_FILE, listed(files)), ("testville/a", zeros)]
    for data in (zstd(tarred(members)), zipped(members), gzip.compress(tarred(members))):
        refused(world, data, match="taken for a trap")


def test_a_size_that_a_header_only_claims_is_not_believed(world, monkeypatch):
    """The zip says 10 bytes for what unfolds to millions: its own checksum, or the list, tells."""
    monkeypatch.setattr(budget, "FREE_BYTES", limits.MIB)
    zeros = b"\0" * (40 * limits.MIB)
    data = zipped([(LIST_FILE, listed({"city.json": b"{}", "a": zeros})), ("testville/a", zeros)])
    size = struct.pack("<I", len(zeros))
    assert data.count(size) == 2
    refused(world, data.replace(size, struct.pack("<I", 10)), match="damaged or truncated|other bytes")


def test_more_files_than_a_city_has_are_refused(world, monkeypatch):
    monkeypatch.setattr(budget, "MAX_PACKED_FILES", 5)
    members = [(f"testville/{n}", b"") for n in range(9)]
    files = {"city.json": b"{}"} | {str(n): b"" for n in range(9)}
    for make in (tarred, zipped):
        refused(world, make([(LIST_FILE, listed(files)), *members]), match="more than 5 files")


def test_names_that_fill_the_memory_are_refused(world):
    long = tarfile.TarInfo("a")
    long.pax_headers = {"comment": "x" * (3 * limits.MIB)}
    refused(
        world,
        zstd(tarred([(LIST_FILE, listed({"city.json": b"{}"})), (long, b"")])),
        match="taken for a trap",
    )


def test_a_list_that_fills_the_memory_is_refused(world, monkeypatch):
    from urbanbench.city.packing import contents

    monkeypatch.setattr(contents, "MAX_PACK_LIST_BYTES", 1000)
    refused(world, tarred([(LIST_FILE, b" " * 2000)]), match="a longer one")


@pytest.mark.parametrize(
    ("told", "match"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "another version"),
        (b'{"urbanbench_pack": 2}', "another version"),
        (listed({"city.json": b"{}"}, name="../x"), "no name of a city"),
        (listed({"a": b"{}"}), "no city.json"),
        (listed({"city.json": b"{}"}, a=3), "no size and hash"),
        (listed({"city.json": b"{}"}, a={"bytes": True, "sha256": "0" * 64}), "no size and hash"),
        (listed({"city.json": b"{}"}, a={"bytes": -1, "sha256": "0" * 64}), "no size and hash"),
        (listed({"city.json": b"{}"}, a={"bytes": 1, "sha256": "0" * 63}), "no size and hash"),
        (listed({"city.json": b"{}"}, a={"bytes": 10**30, "sha256": "0" * 64}), "no size and hash"),
    ],
)
def test_a_list_that_is_none_is_refused(told, match, world):
    refused(world, tarred([(LIST_FILE, told), ("testville/city.json", b"{}")]), match=match)


def test_the_list_decides(city, world):
    files = content(city)
    members = [(f"testville/{path}", data) for path, data in files.items()]
    lacking = [one for one in members if not one[0].endswith("pois.parquet")]
    changed = [(name, data[:-1] + b"!" if name.endswith("pois.parquet") else data) for name, data in members]
    short = [(name, data[:-1] if name.endswith("pois.parquet") else data) for name, data in members]
    for make in (tarred, zipped):
        front = (LIST_FILE, listed(files))
        refused(world, make([front, *lacking]), match="lacks 'pois.parquet', which its list")
        refused(world, make([front, *members, ("testville/more", b"x")]), match="its list .* does not have")
        refused(world, make([front, *members, ("beside", b"x")]), match="its list .* does not have")
        refused(world, make([front, *changed]), match="'pois.parquet' has other bytes")
        refused(world, make([front, *short]), match="'pois.parquet' has other bytes")
        refused(world, make(members), match="as its first file")
        refused(world, make([*members, front]), match="as its first file")
    refused(world, zstd(tarred([])), match="found no file")


def test_a_city_with_faults_is_not_kept(city, world):
    files = content(city) | {"flows.parquet": b"no table"}
    members = [(f"testville/{path}", data) for path, data in files.items()]
    refused(world, zipped([(LIST_FILE, listed(files)), *members]), match="flows.parquet", error=CityFaults)


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_cut_short_anywhere_is_refused(kind, city, world):
    data = pack(city, world.parent / f"whole{kind}").file.read_bytes()
    for cut in (0, 1, 100, 1000, len(data) // 2, len(data) - 1000, len(data) - 1):
        refused(world, data[:cut], match="archive|list|first file|lacks|other bytes")


@pytest.mark.parametrize("data", [b"", b"<html>Not found</html>" * 50, b"Rar!\x1a\x07", b"\x89PNG"])
def test_another_kind_of_file_is_told(data, world):
    refused(world, data, match="found another kind of file")


def test_a_file_behind_a_password_is_refused(world):
    data = bytearray(zipped([("a", b"x")]))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    refused(world, bytes(data), match="password")


def test_a_missing_archive_and_a_used_folder_are_told(city, world):
    with pytest.raises(DataMissing, match="No file"):
        unpack(world / "none.zip")
    pack(city, world / "one.zip")
    (world / "used").mkdir()
    (world / "used" / "mine").write_text("kept")
    (world / "empty").mkdir()
    (world / "link").symlink_to(world / "empty")
    for name in ("used", "link", "one.zip"):
        with pytest.raises(
            BadInput, match=r"exists\. Expected a new one or an empty one\. Choose another --to"
        ):
            unpack(world / "one.zip", world / name)
    assert unpack(world / "one.zip", world / "empty").folder == world / "empty"
    assert inside(world) == ["empty", "link", "one.zip", "used"]
    assert (world / "used" / "mine").read_text() == "kept"


def test_a_city_without_a_name_has_that_of_its_folder(city, world):
    copy = world / "plainville"
    shutil.copytree(city, copy)
    told = json.loads((copy / "city.json").read_text())
    (copy / "city.json").write_text(json.dumps({key: told[key] for key in told if key != "name"}))
    made = pack(copy, world / "one.zip")
    assert made.contents.name == "plainville"
    assert content(unpack(made.file, world / "back").folder) == content(copy)


def test_archives_of_other_people_are_unpacked_without_a_list(world):
    members = [("data/a.csv", b"1"), ("b.csv", b"2")]
    folder = tarfile.TarInfo("data/")
    folder.type = tarfile.DIRTYPE
    for number, data in enumerate(
        (
            tarred([(folder, b""), *members]),
            zipped([("data/", b""), *members]),
            gzip.compress(tarred(members)),
        )
    ):
        (world / "one").write_bytes(data)
        assert sorted(extract(world / "one", world / str(number))) == ["b.csv", "data/a.csv"]
        assert content(world / str(number)) == dict(members)
    (world / "one").write_bytes(tarred([("../escaped", b"x")]))
    with pytest.raises(DataCorrupt, match=r"'\.\.'"):
        extract(world / "one", world / "evil")


def test_a_single_compressed_file_is_counted_too(world, monkeypatch):
    (world / "a.csv.gz").write_bytes(gzip.compress(b"x" * 5000))
    assert b"".join(reading.unzipped(world / "a.csv.gz")) == b"x" * 5000
    (world / "a.csv.gz").write_bytes(gzip.compress(b"x" * 5000)[:-9])
    with pytest.raises(DataCorrupt, match="damaged or truncated"):
        list(reading.unzipped(world / "a.csv.gz"))
    monkeypatch.setattr(budget, "FREE_BYTES", 1000)
    (world / "a.csv.gz").write_bytes(gzip.compress(b"x" * 500_000))
    with pytest.raises(DataCorrupt, match="taken for a trap"):
        list(reading.unzipped(world / "a.csv.gz"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_random_corruptions_end_in_an_error_or_in_the_same_folder(kind, city, world):
    """Bytes changed, removed, doubled or exchanged, wherever chance puts them, of both kinds of archives."""
    rng = np.random.default_rng(20240 + len(kind))
    whole, wanted = pack(city, world.parent / f"whole{kind}").file.read_bytes(), content(city)
    archive, errors = world.parent / f"bad{kind}", 0
    for number in range(100):
        data = bytearray(whole)
        for _ in range(rng.integers(1, 4)):
            at, length = int(rng.integers(len(data))), int(rng.integers(1, 40))
            how = rng.integers(4)
            if how == 0:
                data[at] ^= 1 << rng.integers(8)
            elif how == 1:
                del data[at : at + length]
            elif how == 2:
                data[at:at] = data[at : at + length]
            else:
                data[at : at + length] = rng.bytes(len(data[at : at + length]))
        archive.write_bytes(data)
        target = world / str(number)
        try:
            unpack(archive, target)
        except (DataCorrupt, CityFaults):
            errors += 1
            assert not target.exists()
        else:
            assert content(target) == wanted
    assert errors > 50
    assert not [name for name in inside(world) if name.startswith(".")]


def test_the_commands_tell_hashes_and_licences(city, world, capsys, monkeypatch):
    monkeypatch.chdir(world)
    assert main(["data", "pack", str(city)]) == 0
    out, err = capsys.readouterr()
    assert out == "testville.tar.zst\n"
    assert hashlib.sha256((world / "testville.tar.zst").read_bytes()).hexdigest() in err
    assert main(["data", "unpack", "testville.tar.zst"]) == 0
    out, err = capsys.readouterr()
    assert out == "testville\n"
    assert "CC0: " in err
    assert "(tests)" in err
    assert "no licence stated: " in err
    assert main(["data", "unpack", "testville.tar.zst", "--json", "--to", "b"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == len(content(city))
    (world / "testville.tar.zst").write_bytes(b"gone")
    assert main(["data", "unpack", "testville.tar.zst", "--to", "c"]) == 3
    assert "Error: testville.tar.zst: expected a .tar.zst or .zip" in capsys.readouterr().err


def test_licences_credit_nobody_where_a_folder_says_that_none_is_needed(village):
    told = licence_lines(City.open(village).manifest)
    assert told
    assert all(line.startswith("CC0-1.0: ") and not line.endswith(")") for line in told)


def test_what_a_licence_says_cannot_steer_a_terminal(city, world):
    copy = world / "city"
    shutil.copytree(city, copy)
    told = json.loads((copy / "city.json").read_text())
    told["layers"]["pois"]["licence"] = "free\x1b[31m\nError: all is lost"
    (copy / "city.json").write_text(json.dumps(told))
    lines = pack(copy, world / "one.zip").licences
    assert "free?[31m Error: all is lost: pois (tests)" in lines
