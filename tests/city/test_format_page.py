"""The page about the format holds code that makes a sound folder."""

import json
import re
from pathlib import Path

import pytest

from urbanbench.city import pictures
from urbanbench.city.city import City
from urbanbench.city.faults import fit, overlap
from urbanbench.city.folder import limits
from urbanbench.city.folder.format import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "city_format.md"

pytestmark = pytest.mark.skipif(not PAGE.is_file(), reason="docs are not there")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_recipe_makes_a_sound_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), names)
    said = [line.partition("# ")[2] for line in blocks("python")[-1].splitlines() if "# " in line]
    assert capsys.readouterr().out.splitlines() == said
    assert City.open(tmp_path / "my_city").pois["region_id"].tolist() == ["r1", "r2"]


def test_the_example_of_city_json_fits_the_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], str(PAGE), "exec"), {})
    example = blocks("json")[0]
    assert json.loads(example)["format"] == 1
    (tmp_path / "my_city" / "city.json").write_text(example, encoding="utf-8")
    assert City.open(tmp_path / "my_city").check() == []


def test_every_table_and_column_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name, schema in TABLES.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        for column in schema.columns:
            assert column.name == "geometry" or f"`{column.name}`" in line, (name, column.name)
            assert (f"*`{column.name}`*" in line) == (not column.required), (name, column.name)


def test_geopandas_opens_what_the_recipe_makes(tmp_path, monkeypatch):
    import geopandas as gpd

    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], str(PAGE), "exec"), {})
    pois = gpd.read_parquet(tmp_path / "my_city" / "pois.parquet")
    assert pois["tags"].tolist() == [[("shop", "books")], [("shop", "bakery"), ("name", "Korn")]]
    assert len(gpd.read_parquet(tmp_path / "my_city" / "regions.parquet")) == 2


def test_every_limit_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    rows = limits.MAX_ROWS
    for words in (
        f"{limits.MAX_JSON_BYTES // limits.MIB} MiB, {limits.MAX_DEPTH} lists",
        f"{rows['regions']:,} regions; {rows['flows']:,} trips; {rows['']:,} in any other",
        f"rows of a table with geometry, above {limits.FREE_ROWS:,}",
        f"{limits.FREE_BYTES // limits.MIB} MiB and {limits.BYTES_PER_ROW // 1024} KiB for each row",
        f"of a table of features {limits.BYTES_PER_FEATURE_ROW // 1024} KiB for each row",
        f"{limits.MAX_TEXT_BYTES // limits.MIB} MiB; a key or value of a tag {limits.MAX_TAG_BYTES // 1024} KiB",
        f"{limits.MAX_NUMBER:.0e}; a height {limits.MAX_HEIGHT_M:,.0f} m".replace("e+", "e"),
        f"{pictures.MAX_PIXELS // 10**6} million pixels; above {pictures.FREE_PIXELS // 10**6} million at most {pictures.PIXELS_PER_BYTE} for each byte",
        f"{pictures.MAX_TOTAL_PIXELS // 10**6:,} million pixels",
        f"{limits.MAX_RASTER_FILES:,} files of up to {limits.MAX_RASTER_BANDS} bands, {limits.MAX_RASTER_NUMBERS:.0e} numbers in all",
        f"in parts of up to {limits.MAX_RASTER_BLOCK_BYTES // limits.MIB} MiB",
        f"share at most {overlap.OVERLAP_SHARE * 100:.0f} % of the smaller one; an overlap below {overlap.OVERLAP_M2:.0f} m²",
        f"within {fit.LENGTH_TOLERANCE * 100:.0f} % on average and {fit.SHAPE_TOLERANCE * 100:.0f} % in any direction",
        f"at most {fit.AREA_MARGIN:.0f} degrees beside it",
    ):
        assert words in text, words
