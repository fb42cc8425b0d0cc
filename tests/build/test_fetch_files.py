"""Files from the web: fresh, gone on with after a break, refused when they are other files; all on a server of this machine."""

import hashlib
import json
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.local_web import local_web

from urbanbench.build.fetch.gather import gather
from urbanbench.build.fetch.lock import LOCK_FILE
from urbanbench.build.fetch.reading import read_recipe
from urbanbench.build.fetch.walk import Asked, download
from urbanbench.build.fetch.web import Patience
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataCorrupt, DataMissing, ExtraMissing

pytest.importorskip("pooch", reason="the extra fetch is not installed")

DATA = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def web():
    with local_web() as one:
        yield one


@pytest.fixture
def hurried():
    """Waits that a test can wait for; those before a further try are noted and left out."""
    waits = []
    return Patience(connect_s=2.0, read_s=0.3, tries=3, pause_s=1.0, sleep=waits.append), waits


def file_section(address, name="a.bin", **more):
    told = {
        "name": name,
        "what": "numbers",
        "publisher": "a test",
        "page": "https://example.org/a",
        "licence": "CC0",
        "size": len(DATA),
        "changes": "never",
    }
    if address:
        told["address"] = address
    return told | more


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


@pytest.fixture
def write(tmp_path):
    """Writes a recipe of sections and returns it."""

    def recipe(*files, more=""):
        lines = ['recipe = 1\nname = "hamlet"\ntitle = "Hamlet"\nabout = "A test."\n']
        for section in files:
            lines += ["[[files]]", *(f"{key} = {toml(value)}" for key, value in section.items())]
        path = tmp_path / "hamlet.toml"
        path.write_text(
            "\n".join(lines) + "\n" + (more or '[build]\nregions = "grid:100"\n'), encoding="utf-8"
        )
        return read_recipe(path)

    return recipe


@pytest.fixture
def fetched(write, tmp_path, hurried):
    """Fetches the files of sections into a folder, as a command does."""

    def run(*files, only=(), also=()):
        recipe = write(*files)
        asked = Asked(recipe, tmp_path / "files", only=only, also=also, go_on="GO ON", patience=hurried[0])
        return download(asked)

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".fetch.lock")


def note_of(folder, name="a.bin"):
    return json.loads((folder / LOCK_FILE).read_text())["files"][name]


def test_a_file_is_fetched_and_noted(web, fetched, tmp_path):
    address = web.add("/a", DATA)
    [path] = fetched(file_section(address))
    assert path.read_bytes() == DATA
    assert names(path.parent) == ["a.bin", LOCK_FILE]
    note = note_of(path.parent)
    assert (note["sha256"], note["size"], note["address"], note["checked"]) == (
        SHA256,
        len(DATA),
        address,
        "",
    )
    assert len(note["fetched"]) == len("2026-01-31")


def test_a_file_that_is_there_is_not_asked_for_again(web, fetched):
    section = file_section(web.add("/a", DATA))
    fetched(section)
    fetched(section)
    assert web.paths() == ["/a"]


def test_a_file_that_changed_since_it_was_fetched_is_refused(web, fetched):
    section = file_section(web.add("/a", DATA))
    [path] = fetched(section)
    path.write_bytes(DATA[:-1])
    with pytest.raises(DataCorrupt, match=r"noted on 2\d\d\d-.*Remove the file to fetch it again\."):
        fetched(section)
    path.unlink()
    assert fetched(section)[0].read_bytes() == DATA


def test_a_download_that_was_cut_goes_on_where_it_ended(web, fetched):
    [path] = fetched(file_section(web.add("/a", DATA, ["cut", "cut"])))
    assert path.read_bytes() == DATA
    assert web.ranges("/a") == ["", f"bytes={len(DATA) // 2}-", f"bytes={len(DATA) * 3 // 4}-"]
    assert names(path.parent) == ["a.bin", LOCK_FILE]


def test_a_server_without_ranges_sends_all_of_it_again(web, fetched):
    [path] = fetched(file_section(web.add("/a", DATA, ["cut, no ranges", "no ranges"])))
    assert path.read_bytes() == DATA
    assert len(web.ranges("/a")) == 2


def test_a_server_that_tells_no_version_is_gone_on_with_only_where_the_hash_is_known(web, fetched):
    """A file without ETag and date may be another one by now."""
    web.faults["/a"] = ["cut no tag"]
    part = DATA[:1000]
    for name, sha256, wanted in (("known.bin", SHA256, "bytes=1000-"), ("unknown.bin", "", "")):
        section = file_section(web.add(f"/{name}", DATA, "no tag"), name, sha256=sha256)
        folder = fetched(file_section(web.add("/other", DATA), "other.bin"))[0].parent
        (folder / f"{name}.part").write_bytes(part)
        note = {"address": section["address"], "mark": "", "modified": ""}
        (folder / f"{name}.part.json").write_text(json.dumps(note))
        assert fetched(section)[0].read_bytes() == DATA
        assert web.ranges(f"/{name}") == [wanted]


def test_a_part_of_a_version_that_is_gone_is_thrown_away(web, fetched, tmp_path):
    section = file_section(web.add("/a", DATA))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.bin.part").write_bytes(b"old" * 100)
    note = {"address": section["address"], "mark": '"an old tag"', "modified": ""}
    (folder / "a.bin.part.json").write_text(json.dumps(note))
    assert fetched(section)[0].read_bytes() == DATA
    assert web.asked[0][1]["if-range"] == '"an old tag"'


@pytest.mark.parametrize("note", ["", "{", '{"address": "http://elsewhere/"}', '{"strange": 1}'])
def test_a_part_that_nobody_vouches_for_is_thrown_away(note, web, fetched, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.bin.part").write_bytes(b"what is this")
    (folder / "a.bin.part.json").write_text(note)
    assert fetched(file_section(web.add("/a", DATA)))[0].read_bytes() == DATA
    assert web.ranges("/a") == [""]


def test_a_part_that_is_whole_only_has_to_be_named(web, fetched, tmp_path):
    section = file_section(web.add("/a", DATA))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.bin.part").write_bytes(DATA)
    tag = f'"{hashlib.md5(DATA).hexdigest()}"'
    (folder / "a.bin.part.json").write_text(json.dumps({"address": section["address"], "mark": tag}))
    assert fetched(section)[0].read_bytes() == DATA
    assert web.ranges("/a") == [f"bytes={len(DATA)}-"]


def test_a_part_longer_than_the_file_starts_over(web, fetched, tmp_path):
    section = file_section(web.add("/a", DATA))
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.bin.part").write_bytes(DATA + b"more")
    tag = f'"{hashlib.md5(DATA).hexdigest()}"'
    (folder / "a.bin.part.json").write_text(json.dumps({"address": section["address"], "mark": tag}))
    assert fetched(section)[0].read_bytes() == DATA


def test_a_server_that_answers_another_range_is_not_believed(web, fetched):
    [path] = fetched(file_section(web.add("/a", DATA, ["cut", "wrong range", None])))
    assert path.read_bytes() == DATA


def test_the_recipes_hash_is_checked_and_a_wrong_file_kept_aside(web, fetched, tmp_path):
    section = file_section(web.add("/a", DATA[:-1]), sha256=SHA256)
    found = hashlib.sha256(DATA[:-1]).hexdigest()
    with pytest.raises(DataMissing) as caught:
        fetched(section)
    assert f"sha256 {found} where sha256:{SHA256} was expected" in str(caught.value)
    assert "kept as a.bin.wrong" in str(caught.value)
    assert names(tmp_path / "files") == ["a.bin.wrong"]
    assert (tmp_path / "files" / "a.bin.wrong").read_bytes() == DATA[:-1]
    web.add("/a", DATA)
    assert note_of(fetched(section)[0].parent)["checked"] == "recipe"


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_the_publishers_checksum_is_checked(kind, web, fetched, tmp_path):
    digest = hashlib.new(kind, DATA).hexdigest()
    checksum = web.add("/a.sum", f"{digest}  a-230101.bin\n".encode())
    section = file_section(web.add("/a", DATA), checksum=checksum)
    [path] = fetched(section)
    assert note_of(path.parent)["checked"] == "publisher's checksum"
    path.unlink()
    web.add("/a", DATA[1:])
    with pytest.raises(DataMissing, match=f"where {kind}:{digest} was expected"):
        fetched(section)
    web.add("/a.sum", b"<html>nothing here</html>")
    with pytest.raises(DataMissing, match="holds no MD5 or SHA-256"):
        fetched(section)


@pytest.mark.parametrize(
    ("status", "match"), [(404, "status 404"), (410, "status 410"), (403, "status 403"), (204, "status 204")]
)
def test_an_address_without_a_file_is_told(status, match, web, fetched):
    section = file_section(web.add("/a", DATA, status))
    with pytest.raises(DataMissing, match=match):
        fetched(section)


def test_a_second_address_is_asked_when_the_first_has_nothing(web, fetched):
    first, second = web.add("/gone", b"", 404), web.add("/a", DATA)
    [path] = fetched(file_section(first, addresses=[second]))
    assert note_of(path.parent)["address"] == second


def test_a_server_that_hangs_is_left(web, fetched):
    began = time.monotonic()
    section = file_section(web.add("/a", DATA, "hang"))
    with pytest.raises(DataMissing, match="does not answer in time"):
        fetched(section)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("fault", ["stand still", "crawl"])
def test_a_download_that_stands_still_is_left_and_kept(fault, web, fetched, tmp_path):
    section = file_section(web.add("/a", DATA, fault))
    with pytest.raises(DataMissing, match=r"in time|next to nothing"):
        fetched(section)
    assert (tmp_path / "files" / "a.bin.part").stat().st_size > 0
    web.faults.clear()
    assert fetched(section)[0].read_bytes() == DATA
    assert web.ranges("/a")[-1] != ""


def test_a_busy_server_is_asked_again_after_the_time_it_names(web, fetched, hurried):
    [path] = fetched(file_section(web.add("/a", DATA, [(429, {"Retry-After": "7"}), 503])))
    assert path.read_bytes() == DATA
    assert hurried[1] == [7.0, 4.0]
    web.add("/b", DATA, 503)
    with pytest.raises(DataMissing, match="is busy"):
        fetched(file_section(web.address + "/b", "b.bin"))


def test_redirects_are_followed_on_the_web_only(web, fetched):
    address = web.add("/a", DATA)
    web.add("/here", b"", (302, {"Location": "/there"}))
    web.add("/there", b"", (301, {"Location": address}))
    assert fetched(file_section(web.address + "/here"))[0].read_bytes() == DATA
    for number, target in enumerate(
        ("file:///etc/hostname", "ftp://127.0.0.1/a", "//user:word@127.0.0.1/a", "")
    ):
        web.add(f"/out{number}", b"", (302, {"Location": target}))
        with pytest.raises(DataMissing, match=r"no address of the web|status 302"):
            fetched(file_section(web.address + f"/out{number}", f"{number}.bin"))
    web.add("/circle", b"", (302, {"Location": "/circle"}))
    with pytest.raises(DataMissing, match="sends in a circle"):
        fetched(file_section(web.address + "/circle", "c.bin"))


def test_an_answer_may_name_the_files_address(web, fetched):
    """As Singapore's service does, whose addresses hold for minutes: a broken download goes on at the next one."""
    web.add("/signed1", DATA, "cut")
    web.add("/signed2", DATA)
    poll = web.add("/poll", json.dumps({"code": 0, "data": {"url": web.address + "/signed1"}}).encode())
    section = file_section(poll, answer="data.url")
    web.faults["/signed1"] = ["cut", 403]
    with pytest.raises(DataMissing, match="status 403"):
        fetched(section)
    web.add("/poll", json.dumps({"data": {"url": web.address + "/signed2"}}).encode())
    [path] = fetched(section)
    assert path.read_bytes() == DATA
    assert web.ranges("/signed2") == [f"bytes={len(DATA) // 2}-"]
    assert note_of(path.parent)["address"] == poll


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"data": 3}', b'{"data": {"url": "file:///etc/hostname"}}', b"<html>"]
)
def test_an_answer_that_names_no_file_is_told(answer, web, fetched):
    with pytest.raises(DataMissing, match="names no file in its answer"):
        fetched(file_section(web.add("/poll", answer), answer="data.url"))


def test_a_file_far_larger_than_the_recipe_says_is_not_taken(web, fetched, tmp_path, monkeypatch):
    from urbanbench.build.fetch import download as module

    monkeypatch.setattr(module, "MIB", 1000)
    section = file_section(web.add("/a", DATA), size=10)
    with pytest.raises(DataMissing, match="more than 64,040 bytes, and the recipe says about 10"):
        fetched(section)
    assert "a.bin" not in names(tmp_path / "files")


KEY = {
    "variable": "HAMLET_KEY",
    "holder": "the hamlet",
    "page": "https://example.org/keys",
    "terms": "https://example.org/terms",
    "header": "X-Key: {key}",
}


def test_a_file_behind_a_key_is_not_asked_for_without_one(web, fetched, monkeypatch):
    monkeypatch.delenv("HAMLET_KEY", raising=False)
    section = file_section(web.add("/a", DATA), key=KEY)
    with pytest.raises(DataMissing) as caught:
        fetched(section)
    for word in ("HAMLET_KEY", "https://example.org/terms", "https://example.org/keys", "the hamlet"):
        assert word in str(caught.value)
    assert web.asked == []


def test_a_key_goes_to_its_holder_alone_and_into_no_file(web, fetched, monkeypatch):
    monkeypatch.setenv("HAMLET_KEY", "s3cret")
    with local_web() as other:
        elsewhere = other.add("/a", DATA)
        section = file_section(web.add("/a", b"", (302, {"Location": elsewhere})), key=KEY)
        [path] = fetched(section)
        assert web.asked[0][1]["x-key"] == "s3cret"
        assert "x-key" not in other.asked[0][1]
    assert not any(b"s3cret" in one.read_bytes() for one in path.parent.iterdir())


def test_without_a_network_one_message_names_every_file_and_how_to_go_on(fetched, tmp_path):
    with socket.socket() as taken:  # a port that nobody listens at
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    first = file_section(f"http://127.0.0.1:{port}/a", size=2_000_000)
    second = file_section(f"http://127.0.0.1:{port}/poll", "b.bin", answer="url")
    third = file_section("", "c.bin", size=0, how="Register there.")
    began = time.monotonic()
    with pytest.raises(DataMissing) as caught:
        fetched(first, second, third)
    assert time.monotonic() - began < 10
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 files of Hamlet are missing:"
    assert lines[1].startswith("  - a.bin (about 1.9 MiB): ")
    assert "cannot be reached" in lines[1]
    assert f"From http://127.0.0.1:{port}/a" in lines[1]
    assert lines[2].endswith("From page https://example.org/a")
    assert lines[3] == "  - c.bin: has to be fetched by hand. From page https://example.org/a Register there."
    assert str(tmp_path / "files") in lines[4]
    assert lines[4].endswith("go on with: GO ON")


def test_a_missing_extra_is_told(web, fetched, monkeypatch):
    section = file_section(web.add("/a", DATA))
    for package in ("pooch", "requests"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, package, None)
            with pytest.raises(ExtraMissing, match=r"pip install 'urbanbench\[fetch\]'"):
                fetched(section)
    assert web.asked == []


def test_passwords_in_files_of_the_user_are_not_sent(web, fetched, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password w0rd\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetched(file_section(web.add("/a", DATA)))
    assert "authorization" not in web.asked[0][1]


def test_a_host_that_does_not_answer_is_asked_once(web, fetched):
    web.faults["/a"] = web.faults["/b"] = "hang"
    with pytest.raises(DataMissing, match="2 files"):
        fetched(file_section(web.address + "/a"), file_section(web.address + "/b", "b.bin"))
    assert web.paths() == ["/a"]


def test_files_that_are_there_need_no_web(web, write, tmp_path, hurried):
    recipe = write(
        file_section(web.add("/a", DATA), sha256=SHA256), file_section("", "b.bin", size=0, how="By hand.")
    )
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "a.bin").write_bytes(DATA)
    asked = Asked(recipe, folder, web=False, go_on="GO ON", patience=hurried[0])
    with pytest.raises(DataMissing, match=r"b\.bin: has to be fetched by hand"):
        download(asked)
    (folder / "b.bin").write_bytes(b"mine")
    folder.chmod(0o555)
    try:
        assert [path.name for path in download(asked)] == ["a.bin", "b.bin"]
    finally:
        folder.chmod(0o755)
    (folder / "a.bin").write_bytes(DATA[:-1])
    with pytest.raises(DataCorrupt, match=f"Expected {SHA256}, as the recipe says"):
        download(asked)
    assert web.asked == []
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "b.bin"]


def test_optional_files_come_when_they_are_asked_for(web, fetched):
    sections = [
        file_section(web.add("/a", DATA)),
        file_section(web.add("/b", DATA), "b.bin", optional=True),
        file_section(web.add("/c", DATA), "c.bin", optional=True),
    ]
    assert [path.name for path in fetched(*sections, only=("b.bin",))] == ["b.bin"]
    assert [path.name for path in fetched(*sections)] == ["a.bin"]
    assert [path.name for path in fetched(*sections, also=("all",))] == ["a.bin", "b.bin", "c.bin"]
    assert sorted(web.paths()) == ["/a", "/b", "/c"]
    with pytest.raises(LookupError, match=r"Did you mean 'b\.bin'"):
        fetched(*sections, only=("b.bim",))


def test_two_commands_do_not_fetch_into_one_folder(web, write, tmp_path, hurried):
    from filelock import FileLock

    folder = tmp_path / "files"
    folder.mkdir()
    recipe = write(file_section(web.add("/a", DATA)))
    with FileLock(folder / ".fetch.lock"), pytest.raises(BadInput, match="Another command fetches into"):
        gather(recipe, folder, recipe.sources, web=True, patience=hurried[0])


def test_a_fetch_that_is_killed_goes_on(web, write, tmp_path):
    data = DATA * 4
    recipe = write(file_section(web.add("/a", data, ["slow", None]), size=len(data)))
    words = ["data", "fetch", str(recipe.path), "--files", str(tmp_path / "files"), "--only", "a.bin"]
    with subprocess.Popen([sys.executable, "-m", "urbanbench", *words], stderr=subprocess.DEVNULL) as process:
        part = tmp_path / "files" / "a.bin.part"
        while process.poll() is None and not (part.is_file() and part.stat().st_size > 50_000):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert 50_000 < part.stat().st_size < len(data)
    assert main(words) == 0
    assert (tmp_path / "files" / "a.bin").read_bytes() == data
    assert web.ranges("/a")[1].startswith("bytes=")
    assert names(tmp_path / "files") == ["a.bin", LOCK_FILE]


def test_the_command_says_what_it_would_fetch_and_asks_nobody(web, write, tmp_path, capsys):
    recipe = write(
        file_section(web.add("/a", DATA), key=KEY), file_section(web.add("/b", DATA), "b.bin", optional=True)
    )
    assert main(["data", "fetch", str(recipe.path), "--dry-run", "--files", "x", "--to", "y"]) == 0
    out = capsys.readouterr().out
    for word in (
        web.address + "/a",
        "CC0",
        "0.3 MiB",
        "HAMLET_KEY",
        "optional",
        "Files go to x, the city to y.",
    ):
        assert word in out
    assert main(["data", "fetch", str(recipe.path), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["wanted"], one["bytes"]) for one in told["files"]] == [
        ("a.bin", True, len(DATA)),
        ("b.bin", False, len(DATA)),
    ]
    assert web.asked == []


def test_the_command_to_go_on_can_be_pasted(web, write, tmp_path, capsys):
    recipe = write(file_section(web.add("/a", DATA, 404)))
    folder = tmp_path / "my files"
    assert main(["data", "fetch", str(recipe.path), "--files", str(folder), "--only", "a.bin"]) == 3
    words = shlex.split(capsys.readouterr().err.strip().rpartition("go on with: ")[2])
    assert words[:3] == ["urbanbench", "data", "fetch"]
    folder.mkdir(exist_ok=True)
    (folder / "a.bin").write_bytes(DATA)
    assert words[-2:] == ["--only", "a.bin"]
    assert main(words[1:]) == 0
    assert Path(capsys.readouterr().out.strip()).samefile(folder / "a.bin")
