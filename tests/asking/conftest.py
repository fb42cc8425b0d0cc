"""Toyville's smallest city with its questions, and copies of it that somebody changed."""

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from urbanbench.asking.ground import open_ground
from urbanbench.city.city import City
from urbanbench.registry import load_task


@pytest.fixture(scope="session")
def toy(tiny_toyville):
    return City.open(tiny_toyville)


@pytest.fixture(scope="session")
def ground(toy):
    return open_ground(toy)


@pytest.fixture(scope="session")
def questions(toy):
    """Give the questions of a task about toyville, made once."""
    return cache(lambda task: load_task(task).targets(toy))


@pytest.fixture
def copied(tiny_toyville, tmp_path):
    """Copy toyville; pictures are the same files, so that a copy costs little."""

    def copy():
        folder = tmp_path / "copied"
        shutil.copytree(tiny_toyville, folder, copy_function=_copied)
        return folder

    return copy


def _copied(source, target):
    link = Path(source).suffix == ".png"
    os.link(source, target) if link else shutil.copy(source, target)
