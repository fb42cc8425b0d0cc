"""One tiny toyville folder for all tests of this directory."""

from pathlib import Path

import pytest

from urbanbench.datasets._toyville_town import Town
from urbanbench.datasets.toyville import Toyville


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toyville")
    Toyville(size="tiny").build(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_town() -> Town:
    return Toyville(size="tiny").town()


@pytest.fixture(scope="session")
def large_town() -> Town:
    """Three thousand regions: drawn in memory in less than a second, nothing is written."""
    return Toyville(size="city", seed=1).town()
