"""A small library in the manner of srai, in place of the real one where that is installed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

STAND_INS = Path(__file__).parent / "stand_in_libraries"
REPLACED = ("srai", "pytorch_lightning")


@pytest.fixture
def stand_in_srai(monkeypatch):
    """Put the stand-in on Python's path and return its module of embedders; everything is as before after the test."""
    from urbanbench.models._srai import library
    from urbanbench.registry.schemes import load_by_scheme

    for name in [one for one in sys.modules if one.partition(".")[0] in REPLACED]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(STAND_INS))
    monkeypatch.setattr(library, "installed_version", {"srai": "0.10.2", "polars": "1.44.2"}.get)
    load_by_scheme.cache_clear()
    yield importlib.import_module("srai.embedders")
    load_by_scheme.cache_clear()
    for name in [one for one in sys.modules if one.partition(".")[0] in REPLACED]:
        del sys.modules[name]
