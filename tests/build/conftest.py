"""A hand-made extract, empty or of a hamlet."""

import pytest
from tests.drawn_extract import Drawing, draw_hamlet


@pytest.fixture
def drawing():
    pytest.importorskip("osmium", reason="the extra osm is not installed")
    return Drawing()


@pytest.fixture
def hamlet(drawing):
    """Sixteen streets' crossings, buildings with types, a park with a pond, a school, a bus line."""
    return draw_hamlet()
