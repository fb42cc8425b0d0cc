"""Recipes: what they may say, that those which ship are sound, and that cities come out of files as their publishers shape them."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import typer
from tests.drawn_extract import draw_hamlet
from tests.local_web import local_web

from urbanbench.build.fetch.catalogue import find_recipe, recipe_names
from urbanbench.build.fetch.order import build_words, make_order
from urbanbench.build.fetch.pictures import providers
from urbanbench.build.fetch.prepared import Shelf, prepare
from urbanbench.build.fetch.reading import read_recipe
from urbanbench.build.fetch.recipe import Made, Number, Text
from urbanbench.build.fetch.tables import make_table
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.cli.app import app, main
from urbanbench.errors import BadInput, DataCorrupt, DataMissing, UnknownName

RECIPES = ("beijing", "helsinki", "new-york", "singapore")


def test_the_four_cities_have_recipes():
    assert recipe_names() == list(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_says_all_that_it_has_to(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    for source in recipe.sources:
        assert source.licence
        assert source.publisher
        addresses = [source.page, *source.addresses, *([source.checksum] if source.checksum else [])]
        assert all(urlsplit(one).scheme == "https" for one in addresses), source.name
        assert source.sha256 or source.changes or source.how
        if source.checksum:
            assert source.checksum.startswith(source.addresses[0])
    assert set(recipe.pictures) <= set(providers())


@pytest.mark.parametrize("name", RECIPES)
def test_the_build_of_a_shipped_recipe_is_accepted_with_all_its_labels(name, tmp_path):
    """The build's own reader judges every label; the files are there, and empty."""
    recipe = find_recipe(name)
    for file in [*(one.unpack or one.name for one in recipe.sources), *(one.file for one in recipe.made)]:
        (tmp_path / file).write_bytes(b"")
    order, left_out = make_order(recipe, Shelf(tmp_path))
    assert left_out == []
    assert {wish.name for wish in order.labels} == set(recipe.labels)
    for wish in order.labels:
        assert wish.unit
        assert wish.source
        assert wish.licence
        assert wish.date
    command = typer.main.get_command(app).commands["data"].commands["build"]
    taken = command.make_context("build", build_words(recipe)[2:]).params
    assert (taken["name"], taken["regions"], taken["crs"]) == (name, recipe.build.regions, recipe.build.crs)
    assert (taken["within"], taken["min_area"], taken["max_area"]) == (
        order.within,
        order.least_km2,
        order.most_km2,
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_is_shown_without_asking_anybody(name, capsys):
    assert main(["data", "fetch", name, "--dry-run"]) == 0
    out = capsys.readouterr().out
    recipe = find_recipe(name)
    for source in recipe.sources:
        assert source.name in out
        assert source.licence in out
        assert source.page in out
    for provider in recipe.pictures:
        assert providers()[provider].terms in out


def test_recipes_are_listed(capsys):
    assert main(["data", "fetch", "list"]) == 0
    head, _rule, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in (head, *lines)] == ["name", *RECIPES]
    assert main(["data", "fetch", "list", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == list(RECIPES)
    assert main(["data", "fetch", "singapur"]) == 2
    assert "Did you mean 'singapore'?" in capsys.readouterr().err


@pytest.mark.parametrize("word", sorted(providers()))
@pytest.mark.parametrize("option", ["--street-views", "--satellite"])
def test_pictures_of_providers_are_not_fetched_and_their_terms_named(
    word, option, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "fetch", "singapore", option, word]) == 2
    err = capsys.readouterr().err
    assert providers()[word].terms in err
    assert f"{option} FOLDER" in err
    assert list(tmp_path.iterdir()) == []


PLAIN = """
recipe = 1
name = "hamlet"
title = "Hamlet"
about = "A test."

[[files]]
name = "a.csv"
what = "numbers"
publisher = "a test"
page = "https://example.org/a"
licence = "CC0"
address = "https://example.org/a.csv"
changes = "never"
size = 100

[[tables]]
file = "b.csv"
from = "a.csv"
texts.id = { column = "id" }

[build]
regions = "grid:100"

[labels.income]
file = "b.csv"
id = "id"
column = "x"
unit = "euro"
"""


def test_a_plain_recipe_is_read(tmp_path):
    path = tmp_path / "hamlet.toml"
    path.write_text(PLAIN)
    assert read_recipe(path).source("b.csv").name == "a.csv"


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("recipe = 1", "recipe = 2", "the version of recipes"),
        ("recipe = 1", "", "the version of recipes"),
        ('name = "hamlet"', 'name = "../x"', "the first a letter or digit"),
        ('title = "Hamlet"', "title = 3", "Expected text"),
        ('about = "A test."', "", "does not tell 'about'"),
        ('about = "A test."', 'abuot = "x"', "Did you mean 'about'"),
        ('name = "a.csv"', 'name = "../a.csv"', r"'\.\.'"),
        ('name = "a.csv"', 'name = "/etc/a.csv"', "an absolute path"),
        ('name = "a.csv"', 'name = "C:a.csv"', "an absolute path"),
        ('name = "a.csv"', 'name = "d/a.csv"', "a path with a folder"),
        ('name = "a.csv"', 'name = "d\\\\a.csv"', "a backslash"),
        ('name = "a.csv"', 'name = ".a"', "a hidden one"),
        ('name = "a.csv"', 'name = "nul"', "a name of a device"),
        ('name = "a.csv"', 'name = "B.csv"', "every name once"),
        ('name = "a.csv"', "", "does not tell 'name'"),
        ('licence = "CC0"', "", "does not tell 'licence'"),
        ('licence = "CC0"', 'license = "CC0"', "Did you mean 'licence'"),
        ('address = "https://example.org/a.csv"', "", 'address = "https://…", or how'),
        ('address = "https://example.org/a.csv"', 'address = "ftp://example.org/a"', "an address of the web"),
        ('address = "https://example.org/a.csv"', 'address = "file:///etc/passwd"', "an address of the web"),
        (
            'address = "https://example.org/a.csv"',
            'address = "https://me:word@example.org/a"',
            "an address of the web",
        ),
        ('address = "https://example.org/a.csv"', 'address = "https:///a"', "an address of the web"),
        ('address = "https://example.org/a.csv"', 'address = "https://[/a"', "an address of the web"),
        ('page = "https://example.org/a"', 'page = "javascript:x"', "an address of the web"),
        ('changes = "never"', "", "where the publisher changes the file"),
        ('changes = "never"', 'sha256 = "abc"', "64 hexadecimal digits"),
        ("size = 100", "", "size = N"),
        ("size = 100", 'size = "100"', "Expected a number"),
        ("size = 100", "size = true", "Expected a number"),
        ("size = 100", "size = 100\noptional = 1", "true or false"),
        ("size = 100", 'size = 100\nunpack = "../x"', r"'\.\.'"),
        ("size = 100", 'size = 100\nkey = { variable = "K" }', "does not tell 'holder'"),
        (
            "size = 100",
            'size = 100\nkey = { variable = "K", holder = "h", page = "https://a.b", terms = "https://a.b", header = "x" }',
            "a header such as",
        ),
        ('from = "a.csv"', 'from = "c.csv"', "Did you mean 'a.csv'"),
        ('from = "a.csv"', 'from = "b.csv"', "Unknown file"),
        ('from = "a.csv"', 'from = "../a.csv"', "Unknown file"),
        ('texts.id = { column = "id" }', 'texts.id = { column = "id", cut = [1] }', "two places"),
        ('texts.id = { column = "id" }', 'numbers.x = { columns = "id" }', "a list of texts"),
        ('texts.id = { column = "id" }', "starts.id = 36", "Expected texts"),
        ('regions = "grid:100"', "", "does not tell 'regions'"),
        ('regions = "grid:100"', 'regions = "/etc/passwd"', "Unknown file"),
        ('regions = "grid:100"', 'regions = "grid:100"\nosm = "../x.pbf"', "Unknown file"),
        ('regions = "grid:100"', 'regions = "grid:100"\nwithin = "x.gpkg"', "Unknown file"),
        ('regions = "grid:100"', 'regions = "grid:100"\nflows = "x"', "Unknown file"),
        ('regions = "grid:100"', 'regions = "grid:100"\nout = "x"', "key of"),
        ('file = "b.csv"\nid', 'file = "/etc/passwd"\nid', "Unknown file"),
        ("[build]", "[[build]]", r"a section \[build\]"),
        ("[labels.income]", "[[labels.income]]", r"a section \[labels.income\]"),
        ("recipe = 1", "recipe = 1\nlabels = 3", "Expected|expected"),
        ("[[files]]", "[files]", r"sections \[\[files\]\]"),
        ("recipe = 1", "recipe = ", "expected a recipe in TOML"),
    ],
)
def test_a_recipe_that_says_what_it_cannot_is_refused(old, new, match, tmp_path):
    path = tmp_path / "hamlet.toml"
    assert old in PLAIN
    path.write_text(PLAIN.replace(old, new, 1))
    with pytest.raises((BadInput, UnknownName), match=match):
        read_recipe(path)


def test_a_file_in_an_archive_does_not_lead_out_of_it(tmp_path):
    path = tmp_path / "hamlet.toml"
    text = PLAIN.replace("size = 100", 'size = 100\nunpack = "in"')
    for name, good in (("in/x.csv", True), ("in/../../x.csv", False), ("in/", False), ("other/x.csv", False)):
        path.write_text(text.replace('from = "a.csv"', f'from = "{name}"'))
        if good:
            read_recipe(path)
        else:
            with pytest.raises(UnknownName):
                read_recipe(path)


def test_a_map_or_regions_may_not_be_optional(tmp_path):
    path = tmp_path / "hamlet.toml"
    text = PLAIN.replace("size = 100", "size = 100\noptional = true")
    path.write_text(text.replace('regions = "grid:100"', 'regions = "a.csv"'))
    with pytest.raises(BadInput, match="a file that is not optional"):
        read_recipe(path)


def test_a_made_table_has_the_rows_and_columns_that_were_asked_for(tmp_path):
    rng = np.random.default_rng(5)
    codes = [f"{kind}US36{k // 3:03d}{k:04d}" for kind in ("1400000", "0500000") for k in range(30)]
    source = pd.DataFrame(
        {
            "GEO_ID": codes,
            "A": rng.integers(0, 50, 60).astype(str),
            "B": rng.integers(0, 9, 60).astype(str),
            "ALL": rng.integers(0, 100, 60).astype(str),
            "other": "x",
        }
    )
    source.loc[3, "A"], source.loc[4, "A"], source.loc[5, "A"], source.loc[6, "ALL"] = (
        "-",
        "-666666666",
        "1,000",
        "0",
    )
    source.to_csv(tmp_path / "a.dat", sep="|", index=False)
    made = Made(
        "b.csv",
        "a.dat",
        separator="|",
        starts={"GEO_ID": "1400000US36"},
        texts={"id": Text("GEO_ID", cut=(11, 14)), "whole": Text("geo_id", upper=True)},
        numbers={"share": Number(("A", "B"), over="ALL", times=100.0, nil=("-",), unknown=("-666666666",))},
    )
    make_table(made, tmp_path / "a.dat", tmp_path / "b.csv")
    found = pd.read_csv(tmp_path / "b.csv", dtype={"id": str})
    rows = source.iloc[:30]
    a = pd.to_numeric(rows["A"].replace({"-": "0", "-666666666": None, "1,000": "1000"}))
    total = pd.to_numeric(rows["ALL"])
    wanted = 100 * (a + pd.to_numeric(rows["B"])) / total.where(total > 0)
    np.testing.assert_allclose(found["share"], wanted)
    assert found["share"].isna().sum() == 2
    assert list(found["id"]) == [code[11:14] for code in codes[:30]]
    assert list(found["whole"]) == codes[:30]


def test_a_made_table_adds_up_rows_with_the_same_texts(tmp_path, monkeypatch):
    import pyarrow.csv as pa_csv

    rng = np.random.default_rng(6)
    blocks = rng.integers(0, 40, (20_000, 2))
    source = pd.DataFrame(
        {
            "w": [f"3606100{b:02d}00{k % 10}" for k, (b, _) in enumerate(blocks)],
            "h": [f"3606100{b:02d}00{k % 7}" for k, (_, b) in enumerate(blocks)],
            "n": rng.integers(1, 5, 20_000),
        }
    )
    source.to_csv(tmp_path / "a.csv", index=False)
    small = pa_csv.ReadOptions(block_size=50_000)
    real = pa_csv.open_csv
    monkeypatch.setattr(pa_csv, "open_csv", lambda *words, **more: real(*words, read_options=small, **more))
    texts = {"origin_id": Text("h", cut=(0, 9)), "destination_id": Text("w", cut=(0, 9))}
    made = Made("b.csv", "a.csv", texts=texts, numbers={"trips": Number(("n",))}, add_up=True)
    make_table(made, tmp_path / "a.csv", tmp_path / "b.csv")
    found = (
        pd.read_csv(tmp_path / "b.csv", dtype=str)
        .set_index(["origin_id", "destination_id"])["trips"]
        .astype(float)
    )
    wanted = source.groupby([source["h"].str[:9], source["w"].str[:9]])["n"].sum()
    assert len(found) == len(wanted)
    assert (found.to_numpy() == wanted.to_numpy()).all()
    assert list(found.index) == list(wanted.index)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("id,x\n1,2\n", "no column 'n'"),
        ("id,n\n", "found none among 0"),
        ("id,n\n1,2\n1,2,3\n", "found a fault"),
        ("", "no column 'id'"),
    ],
)
def test_a_table_that_cannot_be_made_is_told(text, match, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    made = Made("b.csv", "a.csv", texts={"id": Text("id")}, numbers={"n": Number(("n",))})
    with pytest.raises(BadInput, match=match):
        make_table(made, tmp_path / "a.csv", tmp_path / "b.csv")


# ---- Whole cities ----


def hamlet_at(west, south):
    """The hamlet somewhere else on earth."""
    drawing = draw_hamlet()
    drawing.nodes = [
        (number, lon - 9.0 + west, lat - 48.0 + south, tags) for number, lon, lat, tags in drawing.nodes
    ]
    return drawing, (west, south, west + 0.01, south + 0.01)


def cells(box, count=4):
    west, south, east, north = box
    x, y = np.linspace(west, east, count + 1), np.linspace(south, north, count + 1)
    return [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(count) for j in range(count)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to stand in, and files beside it."""
    pytest.importorskip("osmium", reason="the extra osm is not installed")
    folder = tmp_path / "given"
    folder.mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def values(city, label):
    frame = pd.read_parquet(Path(city) / "labels" / f"{label}.parquet")
    return frame.set_index(frame.columns[0])["value"]


def area_km2(shapes, crs):
    return gpd.GeoSeries(shapes, crs=4326).to_crs(crs).area.to_numpy() / 1e6


def test_singapore_comes_out_of_files_as_its_publishers_shape_them(place, capsys):
    drawing, box = hamlet_at(103.85, 1.30)
    drawing.pbf(place / "malaysia-singapore-brunei-latest.osm.pbf", box=(99.0, 0.0, 120.0, 8.0))
    shapes, names = cells(box), [f"SUBZONE {k}" for k in range(16)]
    zones = {"SUBZONE_N": names, "SUBZONE_C": [f"S{k:02d}" for k in range(16)], "PLN_AREA_N": "BEDOK"}
    gpd.GeoDataFrame(zones, geometry=shapes, crs=4326).to_file(place / "subzones-2019.geojson")
    rows = ["Number,Total_Total,Total_0_4", "Total,3000,9", "Bedok - Total,3000,9"]
    rows += [f"Subzone {k},{'-' if k == 3 else 200 + k},1" for k in range(16)]
    (place / "census-2020-subzones.csv").write_text("\n".join(rows))
    assert main(["data", "fetch", "singapore", "--from", str(place)]) == 0
    err = capsys.readouterr().err
    assert "Label 'landuse' was left out" in err
    found = values("singapore", "popdensity")
    persons = np.array([0 if k == 3 else 200 + k for k in range(16)])
    wanted = pd.Series(persons / area_km2(shapes, 3414) / 1000, names)
    np.testing.assert_allclose(found, wanted.reindex(found.index), rtol=1e-6)
    city = City.open(Path("singapore"))
    assert city.labels["popdensity"].licence == "Singapore Open Data Licence 1.0"
    assert len(city.pois) > 0
    uses = ["RESIDENTIAL", "ROAD", "BUSINESS 1 - WHITE", "PARK"]
    plots = gpd.GeoDataFrame({"LU_DESC": [uses[k % 4] for k in range(16)]}, geometry=shapes, crs=4326)
    plots.to_file(place / "landuse-2019.geojson")
    assert main(["data", "fetch", "singapore", "--from", str(place), "--to", "again"]) == 0
    assert set(values("again", "landuse")) == {"residential", "transport", "business", "outdoor"}


def test_new_york_comes_out_of_files_as_its_publishers_shape_them(place):
    drawing, box = hamlet_at(-73.98, 40.75)
    drawing.pbf(place / "new-york-latest.osm.pbf", box=(-80.0, 40.0, -71.0, 45.0))
    shapes, ids = cells(box), [f"36061{k:06d}" for k in range(16)]
    tracts = gpd.GeoDataFrame({"geoid": ids, "ntaname": "Here"}, geometry=shapes, crs=4326)
    tracts.to_file(place / "tracts-2020.geojson")

    def survey(table, columns):
        head = ["GEO_ID", *(f"{table}_{kind}{n}" for n in columns for kind in "EM")]
        lines = ["|".join(head), "|".join(["0400000US36", *["7"] * (len(head) - 1)])]
        for k, one in enumerate([*ids, "36001000100"]):
            lines.append(
                "|".join([f"1400000US{one}", *[str(column(k)) for column in columns.values() for _ in "EM"]])
            )
        (place / f"acsdt5y2021-{table.lower()}.dat").write_text("\n".join(lines) + "\n")

    survey("B01003", {"001": lambda k: 1000 + k})
    survey("B19013", {"001": lambda k: -666666666 if k == 2 else 50_000 + k})
    survey("B15003", {"001": lambda k: 100 if k else 0, **{f"0{n}": lambda k: k for n in (22, 23, 24, 25)}})
    survey("B17001", {"001": lambda _: 200, "002": lambda k: k})
    spots = pd.DataFrame({"cmplnt_num": range(5), "longitude": box[0] + 0.001, "latitude": box[1] + 0.001})
    spots.to_csv(place / "complaints-2019.csv", index=False)
    jobs = ["w_geocode,h_geocode,S000,createdate"]
    jobs += [f"{ids[0]}{1000 + k},{ids[1]}{2000 + k},{k},20231016" for k in range(1, 4)]
    jobs += [f"360010001001000,{ids[1]}2000,9,20231016"]
    (place / "ny_od_main_JT00_2021.csv.gz").write_bytes(gzip.compress("\n".join(jobs).encode()))
    assert main(["data", "fetch", "new-york", "--from", str(place), "--with", "all"]) == 0
    areas = area_km2(shapes, 32618)
    np.testing.assert_allclose(
        values("new-york", "popdensity"), (1000 + np.arange(16)) / areas / 1000, rtol=1e-6
    )
    income = values("new-york", "income")
    assert ids[2] not in income.index
    assert income[ids[3]] == pytest.approx(50.003)
    bachelor = values("new-york", "bachelor")
    assert ids[0] not in bachelor.index
    assert bachelor[ids[5]] == pytest.approx(20.0)
    assert values("new-york", "poverty")[ids[5]] == pytest.approx(2.5)
    crime = values("new-york", "crime")
    assert crime[ids[0]] == pytest.approx(5 / areas[0], rel=1e-6)
    assert crime.drop(ids[0]).eq(0).all()
    flows = pd.read_parquet("new-york/flows.parquet")
    assert flows.to_dict("records") == [{"origin_id": ids[1], "destination_id": ids[0], "trips": 6.0}]


def test_helsinki_comes_out_of_files_as_its_publishers_shape_them(place):
    drawing, box = hamlet_at(24.94, 60.17)
    drawing.pbf(place / "finland-latest.osm.pbf", box=(19.0, 59.0, 32.0, 70.0))
    shapes = [*cells(box), shapely.box(25.2, 59.95, 25.205, 59.952)]
    grid = gpd.GeoDataFrame({"index": range(700, 717), "asukkaita": range(10, 27)}, geometry=shapes, crs=4326)
    grid.to_file(place / "population-grid-2020.geojson")
    west, south, east, north = box
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    paavo = gpd.GeoDataFrame(
        {"postinumeroalue": ["00100", "00120"], "hr_mtu": [20_000, 30_000]}, geometry=halves, crs=4326
    )
    paavo.to_file(place / "paavo-2024.geojson")
    assert main(["data", "fetch", "helsinki", "--from", str(place)]) == 0
    density = values("helsinki", "popdensity")
    assert len(density) == 16
    np.testing.assert_allclose(density, np.arange(10, 26) / area_km2(shapes[:16], 3067) / 1000, rtol=1e-6)
    assert sorted(set(values("helsinki", "income").round(3))) == [20.0, 30.0]
    assert set(values("helsinki", "building_function")) == {"apartments", "retail"}


def test_beijing_comes_out_of_files_as_its_publishers_shape_them(place):
    rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
    drawing, box = hamlet_at(116.40, 39.90)
    drawing.pbf(place / "beijing-latest.osm.pbf", box=(115.4, 39.4, 117.6, 41.1))
    step = 1 / 120
    transform = rasterio.transform.from_origin(116.3, 40.0, step, step)
    for name, value, crs in (
        ("chn_ppp_2020_1km_Aggregated.tif", 5000.0, 4326),
        ("gdp-2020.tif", 300.0, 4326),
    ):
        told = {"driver": "GTiff", "width": 30, "height": 30, "count": 1, "dtype": "float32", "crs": crs}
        with rasterio.open(place / name, "w", transform=transform, nodata=-99999, **told) as file:
            file.write(np.full((1, 30, 30), value, dtype=np.float32))
    assert main(["data", "fetch", "beijing", "--from", str(place)]) == 0
    density = values("beijing", "popdensity")
    cell = area_km2([shapely.box(box[0], box[1], box[0] + step, box[1] + step)], 32650)[0]
    assert len(density) > 4
    np.testing.assert_allclose(density, 5000 / cell / 1000, rtol=2e-3)
    np.testing.assert_allclose(values("beijing", "gdp"), 3.0)


TINY = """
recipe = 1
name = "hamlet"
title = "Hamlet"
about = "A test."

[[files]]
name = "map.osm.pbf"
what = "the map"
publisher = "a test"
page = "https://example.org/map"
licence = "ODbL 1.0"
attribution = "© OpenStreetMap contributors"
address = "WEB/map"
checksum = "WEB/map.md5"
changes = "every day"
size = 10000

[[files]]
name = "districts.zip"
what = "districts"
publisher = "the hamlet's council"
page = "https://example.org/districts"
licence = "CC BY 4.0"
attribution = "the council"
date = "2024"
address = "WEB/districts"
sha256 = "SHA"
size = 10000
unpack = "districts"

[[files]]
name = "people.csv"
what = "people"
publisher = "the hamlet's council"
page = "https://example.org/people"
licence = "CC0"
date = "2023"
address = "WEB/poll"
answer = "data.url"
changes = "once a year"
size = 1000

[[tables]]
file = "counted.csv"
from = "people.csv"
texts.code = { column = "district" }
numbers.persons = { columns = ["men", "women"] }
add_up = true

[build]
osm = "map.osm.pbf"
regions = "districts/in/districts.shp"
id = "code"
crs = "EPSG:32632"

[labels.persons]
file = "counted.csv"
how = "table"
id = "code"
column = "persons"
unit = "persons"
"""


@pytest.fixture
def tiny(place):
    """A whole recipe on a web of its own: the web, the recipe's path and the content of all its files."""
    drawing, box = hamlet_at(9.0, 48.0)
    made = place.parent / "made"
    made.mkdir()
    drawing.pbf(made / "map.osm.pbf", box=box)
    (made / "in").mkdir()
    codes = [f"{k:03d}" for k in range(16)]
    gpd.GeoDataFrame({"code": codes}, geometry=cells(box), crs=4326).to_file(made / "in" / "districts.shp")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted((made / "in").iterdir()):
            archive.write(path, f"in/{path.name}")
    people = "district,men,women\n" + "\n".join(
        f"{code},{k},{k + 1}" for k, code in enumerate([*codes, *codes])
    )
    files = {
        "map.osm.pbf": (made / "map.osm.pbf").read_bytes(),
        "districts.zip": packed.getvalue(),
        "people.csv": people.encode(),
    }
    with local_web() as web:
        web.add("/map", files["map.osm.pbf"])
        web.add("/map.md5", hashlib.md5(files["map.osm.pbf"]).hexdigest().encode() + b"  map.osm.pbf\n")
        web.add("/districts", files["districts.zip"])
        web.add("/signed", files["people.csv"])
        web.add("/poll", json.dumps({"data": {"url": web.address + "/signed"}}).encode())
        text = TINY.replace("WEB", web.address).replace(
            "SHA", hashlib.sha256(files["districts.zip"]).hexdigest()
        )
        recipe = place.parent / "hamlet.toml"
        recipe.write_text(text, encoding="utf-8")
        yield web, recipe, files


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def test_a_city_comes_from_the_web_to_a_checked_folder(tiny, place, own_cache, capsys):
    pytest.importorskip("pooch", reason="the extra fetch is not installed")
    web, recipe, files = tiny
    assert main(["data", "fetch", str(recipe)]) == 0
    out, err = capsys.readouterr()
    assert out == "hamlet\n"
    assert "City folder 'hamlet' is sound." in err
    assert check_folder(Path("hamlet")) == []
    assert values("hamlet", "persons")["005"] == 2 * 5 + 2 * 21 + 2
    told = json.loads(Path("hamlet/city.json").read_text(encoding="utf-8"))
    assert told["regions"]["licence"] == "CC BY 4.0"
    assert told["regions"]["source"] == "the hamlet's council: districts"
    assert told["labels"]["persons"]["date"] == "2023"
    assert told["layers"]["pois"]["licence"] == "ODbL 1.0"
    kept = own_cache / "downloads" / "hamlet"
    assert {name: (kept / name).read_bytes() for name in files} == files
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["hamlet"]
    # The same files from a folder give the same bytes, and ask nobody.
    asked = len(web.asked)
    for name, data in files.items():
        (place / name).write_bytes(data)
    assert main(["data", "fetch", str(recipe), "--from", str(place), "--to", "again"]) == 0
    assert len(web.asked) == asked
    assert content("again") == content("hamlet")
    assert content(place) == files
    # And fetching again finds all there.
    assert main(["data", "fetch", str(recipe), "--to", "third"]) == 0
    assert len(web.asked) == asked


def test_a_used_folder_is_told_before_anything_is_fetched(tiny, capsys):
    web, recipe, _ = tiny
    Path("hamlet").mkdir()
    assert main(["data", "fetch", str(recipe)]) == 2
    assert "The folder 'hamlet' exists. Expected a new one. Choose another --to" in capsys.readouterr().err
    assert web.asked == []


@pytest.mark.parametrize(
    ("name", "match"),
    [("../escaped.shp", r"'\.\.'"), ("/tmp/escaped.shp", "an absolute path"), ("in/a\\b", "a backslash")],
)
def test_an_archive_made_to_do_harm_is_refused(name, match, tiny, place, capsys):
    _, recipe, files = tiny
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    text = recipe.read_text(encoding="utf-8")
    sha256 = hashlib.sha256(files["districts.zip"]).hexdigest()
    recipe.write_text(text.replace(sha256, hashlib.sha256(packed.getvalue()).hexdigest()), encoding="utf-8")
    for one, data in (files | {"districts.zip": packed.getvalue()}).items():
        (place / one).write_bytes(data)
    with pytest.raises(DataCorrupt, match=match):
        prepare(read_recipe(recipe), place, place.parent / "work")
    assert main(["data", "fetch", str(recipe), "--from", str(place)]) == 3
    assert list(Path.cwd().iterdir()) == []
    assert not (place.parent / "escaped.shp").exists()


def test_a_folder_without_the_files_is_told(tiny, place, capsys):
    web, recipe, files = tiny
    assert main(["data", "fetch", str(recipe), "--from", "nowhere"]) == DataMissing.exit_code
    assert "No folder 'nowhere'" in capsys.readouterr().err
    (place / "people.csv").write_bytes(files["people.csv"])
    assert main(["data", "fetch", str(recipe), "--from", str(place)]) == DataMissing.exit_code
    err = capsys.readouterr().err
    assert "2 files of Hamlet are missing" in err
    assert "map.osm.pbf" in err
    assert "districts.zip" in err
    assert "people.csv" not in err
    assert main(["data", "fetch", str(recipe), "--from", str(place), "--files", "x"]) == 2
    assert web.asked == []


def test_pictures_of_the_user_go_in(tiny, place):
    from PIL import Image

    _, recipe, files = tiny
    for name, data in files.items():
        (place / name).write_bytes(data)
    pictures = place.parent / "pictures"
    pictures.mkdir()
    Image.new("RGB", (8, 8), "red").save(pictures / "a.png")
    (pictures / "metadata.csv").write_text("lon,lat,image,heading\n9.005,48.005,a.png,90\n")
    words = ["data", "fetch", str(recipe), "--from", str(place), "--street-views", str(pictures)]
    assert main(words) == 0
    assert len(City.open(Path("hamlet")).street_views) == 1
    shutil.rmtree("hamlet")
