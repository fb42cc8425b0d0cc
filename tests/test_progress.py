"""Progress where no bar can be shown: lines that say how long, how far, and how much is left."""

from __future__ import annotations

import time

from urbanbench.progress import pulse, tracking


def test_lines_tell_how_far_work_is_and_stop_with_it(capsys):
    with pulse("mine", every_s=0.05), tracking("train poi", 100) as bar:
        bar.advance(40)
        for _ in range(10):
            time.sleep(0.02)
            bar.advance(note="loss 0.5")
    said = capsys.readouterr().err
    assert "mine: 0 s so far; train poi: 4" in said
    assert "of 100, loss 0.5, about " in said
    time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_steps_of_a_checkpoint_say_nothing_of_the_speed(capsys):
    with pulse("mine", every_s=0.05), tracking("train poi", 100) as bar:
        bar.advance(90)
        time.sleep(0.12)
    assert "left of it" not in capsys.readouterr().err


def test_quiet_keeps_the_lines_back(capsys, monkeypatch):
    monkeypatch.setenv("URBANBENCH_QUIET", "1")
    with pulse("mine", every_s=0.02):
        time.sleep(0.06)
    assert capsys.readouterr().err == ""
