"""Freed memory goes back to the system, and a training gives it back from time to time."""

import platform
import subprocess
import sys

import pytest
import torch
from torch import nn

from urbanbench.toolkit.training import fit, train_stage
from urbanbench.toolkit.training.heap import give_back
from urbanbench.toolkit.training.schedule import Schedule

PROGRAM = """
from pathlib import Path
from urbanbench.toolkit.training.heap import give_back

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

blocks = [bytearray(100_000) for _ in range(2000)]
del blocks[:-1:2]  # every second one, so that none of the holes lies at the heap's end
before = pages()
give_back()
print(before - pages())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc gives back what lies inside its heap"
)
def test_holes_in_the_heap_go_back_to_the_system():
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(told.stdout) * 4096 > 50e6


@pytest.mark.parametrize("system", ["darwin", "win32", "linux"])
def test_where_the_library_cannot_nothing_happens(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    give_back()


class Shrinking:
    """Brings a vector to nothing."""

    name, n_anchors = "shrinking", 40

    def __init__(self):
        self.layer = nn.Linear(1, 3)

    def parameter_groups(self):
        return [{"params": list(self.layer.parameters()), "lr": 0.1}]

    def modules(self):
        return (self.layer,)

    def loss(self, anchors, rng):
        del anchors, rng
        return self.layer(torch.ones(1, 1)).square().mean()


@pytest.mark.parametrize(("seconds", "times"), [(0.0, 7), (3600.0, 0)])
def test_a_training_gives_back_when_it_is_time(monkeypatch, seconds, times):
    given = []
    monkeypatch.setattr(fit, "GIVE_BACK_EVERY_S", seconds)
    monkeypatch.setattr(fit, "give_back", lambda: given.append(1))
    train_stage(Shrinking(), Schedule(batch=8, epochs=9, max_steps=7), seed=0)
    assert len(given) == times
