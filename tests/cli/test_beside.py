"""Options that do nothing alone, or beside others, are told and nothing is done."""

from __future__ import annotations

import pytest

from urbanbench.cli.app import main

RUN = ["run", "-m", "poi-counts", "-t", "popdensity", "-c", "toyville:tiny"]
GRID = ["data", "build", "town", "--regions", "grid:500", "--within", "9,48,9.01,48.01", "--dry-run"]
FILE = ["data", "build", "town", "--regions", "a.gpkg", "--id", "code", "--dry-run"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*RUN, "--nodes", "3"], "--nodes given without --dry-run"),
        (
            [*RUN, "--cores-per-node", "4", "--gpus-per-node", "1", "--price-per-hour", "2"],
            "--gpus-per-node and --cores-per-node and --price-per-hour given without --dry-run",
        ),
        ([*GRID, "--id", "code", "--layer", "x"], "--id and --layer given without a file of regions"),
        ([*GRID, "--file-crs", "EPSG:27700"], "--file-crs given without a file of regions"),
        ([*FILE, "--picture-size", "64"], "--picture-size given without --satellite"),
        ([*FILE, "--raster-embedding-law", "float"], "given without --raster-embedding,"),
        ([*FILE, "--size", "tiny", "--seed", "3"], "--size and --seed given with --regions"),
        (
            ["data", "regions", "toyville:tiny", "-o", "x", "--hexagons", "1km", "--id", "code"],
            "--id given without --polygons",
        ),
        (["data", "show", "toyville:tiny", "--label", "income"], "--label given without --map or --images"),
        (["data", "show", "toyville:tiny", "--count", "3"], "--count given without --images"),
        (["report", "--port", "8001"], "--port given without --serve"),
        (["report", "--serve", "--out", "x"], "--out given with --serve"),
    ],
)
def test_options_that_would_do_nothing_are_refused_before_anything_is_done(words, said, here, capsys):
    assert main(words) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert "would do nothing" in told.err
    assert not told.out
    assert not list(here.iterdir())


def test_a_rehearsal_of_a_generated_city_builds_nothing(here, capsys):
    assert main(["data", "build", "toyville", "--size", "tiny", "--title", "Toy", "--dry-run"]) == 2
    assert "--title and --dry-run given without regions" in capsys.readouterr().err
    assert not list(here.iterdir())
