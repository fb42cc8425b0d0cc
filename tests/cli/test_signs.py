"""Output in what a stream can hold: every command, every encoding, no traceback and nothing lost."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from urbanbench.cli import printing, signs
from urbanbench.cli.app import main
from urbanbench.store import ResultStore


def stream(encoding, monkeypatch, name="stdout"):
    made = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    monkeypatch.setattr(sys, name, made)
    return made


def written(made):
    made.flush()
    return made.buffer.getvalue()


@pytest.mark.parametrize(
    "encoding", ["ascii", "cp1252", "latin-1", "cp437", "koi8-r", "shift_jis", "utf-8", "utf-16"]
)
def test_any_text_can_be_written_in_any_encoding(encoding, monkeypatch):
    made = stream(encoding, monkeypatch)
    signs.make_streams_safe()
    printing.say("R² ↑ 0.5 ± 0.1 ▼ … 上海 مدينة \udc80 é")
    text = written(made).decode(encoding)
    assert "0.5" in text
    assert text.replace("\r", "").endswith("\n")


def test_own_signs_are_spelled_and_letters_of_names_keep_their_number():
    assert signs.plain("R² ↑ ± ▼ ↓ ·") == "R^2 ^ +/- (v) v -"
    assert signs.plain("São") != signs.plain("Sao")
    assert signs.plain("上海").encode().decode("unicode_escape") == "上海"


def test_a_stream_that_holds_a_sign_gets_it(monkeypatch):
    made = stream("cp1252", monkeypatch)
    signs.make_streams_safe()
    printing.say("0.5 ± 0.1 ▼")
    assert written(made).decode("cp1252").strip() == "0.5 ± 0.1 (v)"


def test_json_stays_exact(monkeypatch):
    made = stream("ascii", monkeypatch)
    signs.make_streams_safe()
    printing.print_json({"name": "上海 ±"})
    assert json.loads(written(made).decode("ascii")) == {"name": "上海 ±"}


def test_a_page_says_the_same_in_ascii(monkeypatch):
    made = stream("latin-1", monkeypatch)
    printing.say_page("<p>±▼é</p>")
    assert written(made).decode("ascii").strip() == "<p>&#177;&#9660;&#233;</p>"


def test_notes_reach_a_stderr_of_any_encoding(monkeypatch):
    made = stream("ascii", monkeypatch, "stderr")
    signs.make_streams_safe()
    printing.note("toyville · popdensity")
    assert written(made).decode("ascii").strip() == "toyville - popdensity"


@pytest.fixture
def results(tmp_path, village, own_cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("URBANBENCH_QUIET", "1")
    words = ["run", "-m", "area", "-t", "popdensity", "-c", str(village), "--head", "ridge", "--seeds", "2"]
    assert main([*words, "--no-floors", "--out", "kept"]) == 0
    return "kept"


COMMANDS = (
    ("leaderboard kept", 0),
    ("leaderboard kept -f html", 0),
    ("leaderboard kept -f tex", 0),
    ("leaderboard kept -f csv", 0),
    ("list models", 0),
    ("describe urbanmfm", 0),
    ("describe paper:mvure", 0),
    ("doctor", 0),
    ("data check VILLAGE", 0),
    ("data show VILLAGE", 0),
    ("run -m area -t popdensity -c VILLAGE --head ridge --seeds 2 --no-floors --out kept", 0),
    ("describe ▼上海", 2),
)


def test_commands_end_as_in_utf_8_whatever_the_encoding(results, village, monkeypatch):
    for encoding in ("ascii", "cp1252", "latin-1"):
        for line, code in COMMANDS:
            out, err = (stream(encoding, monkeypatch, name) for name in ("stdout", "stderr"))
            assert main([str(village) if word == "VILLAGE" else word for word in line.split()]) == code, line
            assert (written(out) + written(err)).decode(encoding).strip(), line


def test_files_are_utf_8_whatever_stdout_is(results, tmp_path, monkeypatch):
    stream("ascii", monkeypatch)
    stream("ascii", monkeypatch, "stderr")
    assert main(["leaderboard", results, "-o", "board.md"]) == 0
    assert "±" in (tmp_path / "board.md").read_text(encoding="utf-8")
    assert len(ResultStore(results).load_all()) == 1


def spoken(tmp_path, redirect, *words):
    """Run a command in a shell with its stdout sent somewhere."""
    line = f'"{sys.executable}" -m urbanbench {" ".join(words)} {redirect}'
    env = os.environ | {"URBANBENCH_CACHE": str(tmp_path / "cache")}
    return subprocess.run(
        ["bash", "-c", line + "; echo ends ${PIPESTATUS[0]} >&2"],
        capture_output=True,
        text=True,
        check=False,
        env=env,
        cwd=tmp_path,
    )


@pytest.mark.skipif(os.name != "posix", reason="needs a shell with pipes")
@pytest.mark.parametrize(
    ("redirect", "said"),
    [
        ("| true", ""),
        (">&-", ""),
        (
            "> /dev/full",
            "Error: Cannot write 'stdout' (No space left on device). Expected a place that can be written. Mend: send it to a terminal, a pipe or a file with room.",
        ),
    ],
)
def test_a_stdout_that_takes_nothing_ends_without_a_traceback(tmp_path, redirect, said):
    if "/dev/full" in redirect and not os.path.exists("/dev/full"):  # noqa: PTH110 - a device
        pytest.skip("no /dev/full")
    done = spoken(tmp_path, redirect, "list", "splits")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stderr.partition("ends ")[0].strip() == said
