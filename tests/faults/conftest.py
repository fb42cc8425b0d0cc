"""A system that refuses: new files below a folder cannot be made, from the first one on or after some."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

Refuse = Callable[..., None]


@pytest.fixture
def refuse(monkeypatch) -> Refuse:
    """Call it with a folder, an error number and how many files are still made."""
    made, places = tempfile.mkstemp, {}

    def asked(*words, **named):
        for place, (number, left) in places.items():
            if Path(named["dir"]).is_relative_to(place):
                places[place] = (number, left - 1)
                if left <= 0:
                    raise OSError(number, os.strerror(number))
        return made(*words, **named)

    def refuse(folder: Path, number: int, *, after: int = 0) -> None:
        places[folder] = (number, after)

    monkeypatch.setattr(tempfile, "mkstemp", asked)
    return refuse


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("URBANBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
