"""An executor on a grid of this process, and the rows of a local run to hold others against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from tests.run.executors.spread_cells import HereGrid, OnGrid, rows_in

from urbanbench.result import RunSpec
from urbanbench.run.loop import run
from urbanbench.store import ResultStore


@pytest.fixture
def local_rows(tmp_path) -> Callable[[Sequence[RunSpec]], dict[str, object]]:
    """Run cells on this machine and return the rows."""

    def made(specs: Sequence[RunSpec]) -> dict[str, object]:
        run(specs, ResultStore(tmp_path / "local"))
        return rows_in(tmp_path / "local")

    return made


@pytest.fixture
def on_grid(tmp_path) -> Callable[..., tuple[OnGrid, HereGrid]]:
    """Make a grid and the executor on it."""

    def made(**more: object) -> tuple[OnGrid, HereGrid]:
        grid = HereGrid(tmp_path / "nodes", **more)
        return OnGrid(grid, tmp_path / "archives"), grid

    return made
