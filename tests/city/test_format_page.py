"""The page about the format holds code that makes a sound folder."""

import json
import re
from pathlib import Path

import pytest

from urbanbench.city.city import City
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
