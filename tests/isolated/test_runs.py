"""Plugins in environments of their own, through the command: versions that clash in one run, kept rows, and limits."""

from __future__ import annotations

import json
import tempfile

import pytest

from urbanbench.apart import Keeping, plugins_apart
from urbanbench.cli.app import main
from urbanbench.result import OK, REFUSED, RunSpec
from urbanbench.run import execute
from urbanbench.run.embedding_here import embed_here, key_here
from urbanbench.run.order import resolve
from urbanbench.run.workbench import Workbench


def words(models, village, *more):
    start = ["run", "-m", ",".join(models), "-t", "popdensity", "-c", str(village), "--head", "ridge"]
    return [*start, "--seeds", "2", "--device", "cpu", "--no-floors", "--json", *more]


def rows_of(capfd):
    return {row["spec"]["model"]: row for row in json.loads(capfd.readouterr().out)}


def test_two_versions_of_one_package_serve_one_run_and_a_broken_build_is_a_refused_row(
    plugin, village, capfd, tmp_path
):
    models = [plugin("one", "tinything==1.0"), plugin("two", "tinything==2.0"), plugin("bad", "tinything==9")]
    assert main(words(models, village)) == 0
    rows = rows_of(capfd)
    assert {name: row["status"] for name, row in rows.items()} == {"one": OK, "two": OK, "bad": REFUSED}
    assert rows["one"]["scores"] != rows["two"]["scores"]
    packages = [rows[name]["model"]["environment"]["packages"] for name in ("one", "two")]
    assert packages == [{"tinything": "1.0"}, {"tinything": "2.0"}]
    assert rows["bad"]["error_type"] == "EnvironmentFaulty"
    assert "Expected what the script metadata of bad.py asks for (tinything==9)" in rows["bad"]["reason"]
    assert not rows["bad"]["traceback"]

    plugin("bad", "tinything==1.0")
    plugin("two", "tinything==1.0")
    assert main(words(["./bad.py", "./two.py"], village)) == 0
    again = rows_of(capfd)
    assert again["bad"]["scores"] == again["two"]["scores"] == rows["one"]["scores"]
    assert again["two"]["provenance"]["replaced_stale"] == ["packages of the model's environment"]
    assert len(list(tmp_path.glob("runs/village/popdensity/bad*.json"))) == 1


def test_limits_hold_in_an_environment_say_the_line_and_nothing_exchanged_stays(
    plugin, village, capfd, tmp_path_factory, monkeypatch
):
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)
    hog = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'x = bytearray(3_000_000_000); input()'])"
    models = [
        plugin("hangs", "tinything==1.0", body="import time; time.sleep(600)"),
        plugin("eats", "tinything==1.0", body=hog.replace("input()", "import time; time.sleep(600)")),
        plugin("fine", "tinything==1.0"),
    ]
    assert main(words(models, village, "--time-limit", "30", "--memory-limit", "2GB", "--jobs", "2")) == 1
    rows = rows_of(capfd)
    assert "time limit being 30 s, at hangs.py, line " in rows["hangs"]["reason"]
    assert "memory limit being 2,000 MB, at eats.py, line " in rows["eats"]["reason"]
    assert rows["fine"]["status"] == OK
    assert not list(scratch.rglob("*exchange*"))


@pytest.mark.usefixtures("kept_environments")
def test_vectors_are_those_of_the_same_plugin_here_and_are_kept_apart_by_their_environment(
    plugin, village, monkeypatch
):
    import sys
    import types

    monkeypatch.setitem(sys.modules, "tinything", types.SimpleNamespace(POWER=2.0))
    spec, bench, found = RunSpec(plugin("same", "tinything==2.0"), "", str(village)), Workbench(), {}
    for own in (True, False):
        with plugins_apart(Keeping(own=own)):
            found[own] = (*embed_here(spec, bench), key_here(spec, bench))
    (apart, told, key), (here, told_here, key_of_here) = found[True], found[False]
    assert not told_here["cached"]
    assert apart.digest() == here.digest()
    assert told["inputs_touched"] == told_here["inputs_touched"] == ["poi"]
    assert "environment" in key.parts
    assert "environment" not in key_of_here.parts
    with plugins_apart(Keeping()):
        assert embed_here(spec, Workbench())[1]["cached"]


def test_a_task_that_states_dependencies_is_refused_with_the_reason(plugin, village):
    text = """
    from urbanbench.card import TaskCard
    from urbanbench.task import Task

    class Mine(Task):
        card = TaskCard(title="Mine", question="How many?", label="popdensity", kind="regression")
    """
    task = plugin("mine", "tinything==1.0", text=text)
    with plugins_apart():
        row = execute(resolve(RunSpec("poi-counts", task, str(village))))
    assert row.status == REFUSED
    assert "only models run in an environment of their own" in row.reason
