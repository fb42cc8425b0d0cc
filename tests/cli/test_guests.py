"""Plugins that misbehave: their own cells fail with the reason, everybody else's go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from urbanbench.cli.app import main
from urbanbench.result import FAILED, OK

MODEL = """
import os, sys
from dataclasses import dataclass
from urbanbench.card import ModelCard
from urbanbench.model import Model
{top}

@dataclass(frozen=True)
class Guest(Model):
    words: str = {field}
    card = {card}

    def embed(self, view, *, units, seed, device):
        import numpy as np
        from urbanbench.space import EmbeddingSpace
        {body}
        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0).to_numpy()
        return EmbeddingSpace("region", np.array(units.ids), np.column_stack([counts, counts**2]).astype("float32"))
"""
CARD = 'ModelCard(title="Guest", summary="Counts.", needs=("poi",), embeds=("region",))'


@pytest.fixture
def guest(tmp_path, monkeypatch, own_cache):
    """Write a model file and return its path; the working folder is the one they lie in."""
    monkeypatch.chdir(tmp_path)

    def write(name, *, top="", body="", field="'a'", card=CARD):
        text = MODEL.format(top=top, body=body, field=field, card=card)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        return f"./{name}.py"

    return write


def words(models, village, *more):
    start = ["run", "-m", ",".join(models), "-t", "popdensity", "-c", str(village), "--head", "ridge"]
    return [*start, "--seeds", "2", "--device", "cpu", "--no-floors", "--json", *more]


def test_each_misbehaviour_is_a_failed_row_and_the_others_are_as_alone(guest, village, capfd):
    models = [
        guest("leaves", body="sys.exit(0)"),
        guest("vanishes", body="os._exit(0)"),
        guest("escapes", body="raise BaseException('bad \\udce4 day')"),
        guest("unwritable", field="frozenset('a')"),
        guest("gone-at-load", top="os._exit(0)"),
        guest("talks", top="print('loading')", body="print('embedding'); os.write(1, b'raw')"),
        "poi-counts",
    ]
    assert main(words(models, village)) == 1
    out, err = capfd.readouterr()
    rows = {row["spec"]["model"]: row for row in json.loads(out)}
    assert {name for name, row in rows.items() if row["status"] == OK} == {"talks", "poi-counts"}
    reasons = {name: row["reason"] for name, row in rows.items() if row["status"] == FAILED}
    assert reasons["leaves"] == "SystemExit: 0 (leaves.py, line 16)"
    assert "exit code 0" in reasons["vanishes"]
    assert reasons["escapes"] == "BaseException: bad \\udce4 day (escapes.py, line 16)"
    assert "Parameter 'words' of Guest is a frozenset" in reasons["unwritable"]
    assert "does not load: it ended its process with exit code 0" in reasons["gone-at-load"]
    assert all(word in err for word in ("loading", "embedding", "raw"))

    assert main(words([guest("loops", body="\n        while True: pass")], village, "--time-limit", "6")) == 1
    [row] = json.loads(capfd.readouterr().out)
    assert "time limit being 6 s" in row["reason"]
    assert rows["talks"]["model"]["checked"] == {"state": "unchecked"}
    assert "checked" not in rows["poi-counts"]["model"]

    assert main(words(["./talks.py", "poi-counts"], village, "--no-isolate", "--overwrite", "always")) == 0
    alone = {row["spec"]["model"]: row["scores"] for row in json.loads(capfd.readouterr().out)}
    assert alone == {name: rows[name]["scores"] for name in alone}


def test_a_row_of_a_plugin_that_did_not_load_goes_when_it_does(guest, village, capfd, tmp_path):
    path = guest("mended", top="1/0")
    assert main([*words([path], village), "--debug"]) == 4
    err = capfd.readouterr().err
    assert "ZeroDivisionError: division by zero (mended.py, line 6)" in err
    assert "Traceback" in err
    guest("mended")
    assert main(words([path], village)) == 0
    statuses = [json.loads(one.read_text())["status"] for one in tmp_path.glob("*/village/*/mended*.json")]
    assert statuses == [OK]


def test_check_tells_rules_and_marks_results(guest, village, capfd):
    honest = guest("honest")
    assert main(["check", honest, "-c", str(village)]) == 0
    assert "planted twins of regions are found" in capfd.readouterr().out
    assert main(words([honest], village)) == 0
    [row] = json.loads(capfd.readouterr().out)
    assert row["model"]["checked"]["state"] == "passed"
    assert row["model"]["checked"]["code"] == row["provenance"]["code_digest"]


TASK = """
import os
from urbanbench.card import TaskCard
from urbanbench.task import Task

class Leaving(Task):
    card = TaskCard(title="Leaving", question="Who stays?", label="popdensity", kind="regression")

    def targets(self, city):
        os._exit(4)
"""
SOURCE = """
import os
from dataclasses import dataclass
from urbanbench.source import CitySource

@dataclass(frozen=True)
class Leaving(CitySource):
    title = "Leaving"

    def build(self, folder):
        while True: pass
"""


def test_a_task_or_city_that_ends_its_process_or_never_ends_breaks_its_check_and_not_the_command(
    village, tmp_path, capfd, own_cache
):
    for name, text in (("leaving", TASK), ("endless", SOURCE)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path / "leaving.py"), "-c", str(village)]) == 1
    assert "leaving.py ended the check: it ended its process with exit code 4" in capfd.readouterr().out
    assert main(["check", str(tmp_path / "endless.py"), "--time-limit", "8"]) == 1
    assert "time limit being 8 s, at endless.py, line 11" in capfd.readouterr().out


def test_out_that_is_a_file_and_limits_without_a_process_are_refused_before_the_work(
    guest, village, tmp_path, capfd
):
    (tmp_path / "afile").touch()
    path = guest("honest")
    assert main(words([path], village, "--out", "afile")) == 3
    assert "Cannot write 'afile' (Not a directory)" in capfd.readouterr().err
    assert main(words([path], village, "--no-isolate", "--time-limit", "9")) == 2
    assert main(words([path], village, "--memory-limit", "much")) == 2
    assert "For example --memory-limit 4GB" in capfd.readouterr().err


def test_a_stopped_run_says_what_is_done_and_ends_its_workers(guest, village, tmp_path):
    path = guest("sleeps", body="open('here', 'w').write(str(os.getpid())); __import__('time').sleep(600)")
    line = [sys.executable, "-m", "urbanbench", *words(["poi-counts", path], village, "--out", "kept")]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    for _ in range(1200):
        if (tmp_path / "here").is_file() and (tmp_path / "here").read_text():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        "Stopped: 1 of 2 cells are done and kept in kept/. The same command goes on from there: urbanbench run"
        in said
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "here").read_text()), 0)
