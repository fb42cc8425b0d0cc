"""Towns that several tests of this directory draw from."""

import pytest

from urbanbench.datasets._toyville_town import Town
from urbanbench.datasets.toyville import Toyville


@pytest.fixture(scope="session")
def tiny_town() -> Town:
    return Toyville(size="tiny").town()


@pytest.fixture(scope="session")
def large_town() -> Town:
    """Three thousand regions: drawn in memory in less than a second, nothing is written."""
    return Toyville(size="city", seed=1).town()
