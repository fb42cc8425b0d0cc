"""A process that is watched: it answers, or it is said how it ended, and nothing it started stays."""

from __future__ import annotations

import os
import textwrap
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from urbanbench.apart import Apart, Ended, Limits, state_kept
from urbanbench.errors import BadInput
from urbanbench.registry.probing import answer_probes


def test_limits_are_above_zero():
    for wrong in ({"seconds": 0}, {"memory_mb": -1}):
        with pytest.raises(BadInput, match="Expected a number above 0"):
            Limits(**wrong)
    assert 0 < Limits().most_mb < psutil.virtual_memory().total / 1e6


@pytest.fixture
def plugin(tmp_path):
    """Write a model file whose top holds some lines."""

    def write(lines: str):
        path = tmp_path / "guest.py"
        path.write_text(textwrap.dedent(lines), encoding="utf-8")
        return path

    return write


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def asked(path, **limits):
    helper = Apart(answer_probes, limits=Limits(**limits))
    try:
        helper.send(("model", str(path), None))
        return helper.answer([path])
    finally:
        helper.close(wait_s=0)


def test_endless_code_is_ended_at_its_line_with_all_it_started(plugin):
    path = plugin("""
        import subprocess
        from pathlib import Path
        Path(__file__).with_suffix(".pid").write_text(str(subprocess.Popen(["sleep", "1000"]).pid))
        while True:
            pass
    """)
    with pytest.raises(Ended, match=r"time limit being 4 s, at guest\.py, line [56]") as ended:
        asked(path, seconds=4)
    assert ended.value.over_limit
    pid = int(path.with_suffix(".pid").read_text())
    assert any(_has_ended(pid) or time.sleep(0.1) for _ in range(50))


def test_a_process_that_ends_says_how(plugin):
    with pytest.raises(Ended, match="exit code 0") as ended:
        asked(plugin("import os; os._exit(0)"))
    assert not ended.value.over_limit
    with pytest.raises(Ended, match=r"SIGSEGV \(a crash in compiled code\), at guest\.py, line 2"):
        asked(plugin("\nimport ctypes; ctypes.string_at(0)"))


FAMILY = """
import os, time
from pathlib import Path
for k in range(3):
    if not os.fork():
        os.setsid()
        if os.fork():
            os._exit(0)
        with open(__file__ + ".pids", "a") as out:
            out.write(f"{os.getpid()}\\n")
        time.sleep(600)
while not os.path.exists(__file__ + ".pids") or len(open(__file__ + ".pids").readlines()) < 3:
    time.sleep(0.02)
"""


@pytest.mark.parametrize(
    ("end", "said", "seconds"),
    [
        ("os._exit(3)", "exit code 3", 120),
        ("os.kill(os.getpid(), 9)", "SIGKILL", 120),
        ("time.sleep(600)", "time limit being 6 s", 6),
    ],
)
def test_what_left_its_parent_group_and_session_ends_too_and_keeps_nobody_waiting(plugin, end, said, seconds):
    path = plugin(FAMILY + end)
    with pytest.raises(Ended, match=said):
        asked(path, seconds=seconds)
    pids = [int(line) for line in path.with_suffix(".py.pids").read_text().split()]
    assert len(pids) == 3
    assert all(any(_has_ended(pid) or time.sleep(0.1) for _ in range(50)) for pid in pids)


def test_a_process_that_closes_its_pipe_is_told_as_that(plugin):
    with pytest.raises(Ended, match="it closed the pipe by which it answers"):
        asked(plugin("import os; os.closerange(3, 256)"))


def test_memory_of_children_counts_and_what_they_share_counts_once(plugin):
    eats = """
        import subprocess, sys, time
        subprocess.run([sys.executable, "-c", "x = bytearray(900_000_000); import time; time.sleep(600)"])
    """
    with pytest.raises(Ended, match=r"memory limit being 700 MB, at guest\.py, line 3") as ended:
        asked(plugin(eats), memory_mb=700, seconds=120)
    assert ended.value.over_limit
    shares = """
        import os, time
        held = bytearray(200_000_000)
        for _ in range(5):
            if not os.fork():
                time.sleep(2); os._exit(0)
        time.sleep(1)
        raise ValueError("all of one page")
    """
    assert "all of one page" in asked(plugin(shares), memory_mb=700)["fault"]


def test_an_answer_tells_what_a_file_does_while_it_loads(plugin):
    said = asked(plugin("import sys\nsys.exit(0)"))
    assert said["fault"].endswith("does not load: SystemExit: 0 (guest.py, line 2)")
    assert "sys.exit(0)" in said["trace"]


def test_shared_state_is_put_back(tmp_path, capsys):
    import random
    import sys
    import warnings

    import numpy as np

    def state():
        return (
            sys.getrecursionlimit(),
            os.environ.get("GUEST"),
            Path.cwd(),
            np.geterr()["divide"],
            np.random.get_state()[1].tolist(),  # noqa: NPY002 - the state that is shared
            random.getstate(),
            list(warnings.filters),
        )

    before = state()
    with suppress(ZeroDivisionError), state_kept():
        sys.setrecursionlimit(3000)
        os.environ["GUEST"] = "here"
        os.chdir(tmp_path)
        np.seterr(divide="raise")
        np.random.seed(1)  # noqa: NPY002 - the state that is shared
        random.seed(1)
        warnings.simplefilter("ignore")
        sys.stdout.write("hello\n")
        sys.stdout.close()
        raise ZeroDivisionError
    assert state() == before
    sys.stdout.write("still open\n")
    assert capsys.readouterr() == ("still open\n", "hello\n")
