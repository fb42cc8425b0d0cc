"""Clocks: ages that are wrong remove nothing, and dates to come are not believed."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from urbanbench.apart.child import Channel
from urbanbench.apart.limits import Limits
from urbanbench.apart.process import Apart
from urbanbench.cli.app import main

YEAR_S = 365 * 86_400


@pytest.fixture
def kept(own_cache):
    """Three things in the cache, the newest of now."""
    (own_cache / "readings").mkdir(parents=True)
    paths = [own_cache / "readings" / f"{name}.safetensors" for name in "abc"]
    for days, path in enumerate(paths):
        path.write_bytes(b"x")
        os.utime(path, (time.time() - days * 86_400 - 60,) * 2)
    return paths


def there(paths):
    return [path.exists() for path in paths]


def test_pruning_by_age_after_a_jump_of_the_clock_removes_nothing_and_says_why(kept, monkeypatch, capsys):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + YEAR_S)
    assert main(["cache", "prune", "--older-than", "30"]) == 2
    said = capsys.readouterr().err
    assert "would remove all 3 things that are kept" in said
    assert "If all shall go: urbanbench cache prune" in said
    assert there(kept) == [True] * 3
    assert main(["cache", "prune"]) == 0
    assert there(kept) == [False] * 3


def test_pruning_with_a_clock_that_went_back_keeps_what_is_of_a_day_to_come(kept, monkeypatch):
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 1.5 * 86_400)
    assert main(["cache", "prune", "--older-than", "0.1"]) == 0
    assert there(kept) == [True, True, False]


def test_pruning_by_age_removes_what_is_old(kept):
    assert main(["cache", "prune", "--older-than", "1.5"]) == 0
    assert there(kept) == [True, True, False]


def test_a_time_limit_does_not_follow_the_clock(monkeypatch):
    helper = Apart(Channel.receive, limits=Limits(seconds=3600.0))
    try:
        while not helper.pipe.poll(1):
            pass
        assert helper.receive() is None, "it has started"
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + YEAR_S)
        helper.watch()
    finally:
        helper.close(wait_s=0)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_dates_are_of_the_same_zone_everywhere(zone, kept, monkeypatch, capsys):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert main(["cache", "ls", "--json"]) == 0
    here = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert main(["cache", "ls", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == here
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_a_row_of_a_day_to_come_beats_no_other_and_is_told(village, counting, tmp_path, own_cache, capsys):
    from dataclasses import replace

    from urbanbench.gathered.merge import merge
    from urbanbench.result import RunSpec
    from urbanbench.run.loop import run
    from urbanbench.store import ResultStore

    [row] = run(
        [RunSpec(str(counting), "income", str(village), head="knn", seeds=(0, 1))],
        ResultStore(tmp_path / "a"),
    )
    coming = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    ResultStore(tmp_path / "b").save(replace(row, provenance=dict(row.provenance) | {"started_utc": coming}))
    [merged] = merge([tmp_path / "b"], tmp_path / "a")
    assert (merged.became, merged.why.rpartition(" and ")[2]) == ("kept", "an unknown day")
    words = ["results", "verify", str(tmp_path / "b"), "-m", str(counting), "-c", str(village)]
    assert main(words) == 0
    assert "has not come yet: the clock of its machine was wrong" in capsys.readouterr().out
