"""A whole city: from an extract, districts and tables to a folder that is sound, and to a score."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from tests.drawn_extract import BOX, draw_hamlet

from urbanbench.build.order import Order, read_about
from urbanbench.build.walk import build, rehearse
from urbanbench.city.city import City
from urbanbench.city.faults.check import check_folder
from urbanbench.city.folder.format import REPORT_FILE
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing, UnknownName
from urbanbench.registry import label_tasks
from urbanbench.result import RunSpec
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench


@pytest.fixture
def files(hamlet, tmp_path):
    """An extract, a GeoPackage of 16 districts, a CSV of numbers with its description."""
    folder = tmp_path / "mine"
    folder.mkdir()
    hamlet.pbf(folder / "hamlet.osm.pbf")
    hamlet.xml(folder / "hamlet.osm")
    west, south, east, north = BOX
    x, y = np.linspace(west, east, 5), np.linspace(south, north, 5)
    shapes = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(4) for j in range(4)]
    ids = [f"{k:03d}" for k in range(16)]
    districts = gpd.GeoDataFrame(
        {"code": ids, "title": [f"District {one}" for one in ids]}, geometry=shapes, crs=4326
    )
    districts.to_crs("EPSG:25832").to_file(folder / "districts.gpkg")
    rng = np.random.default_rng(2)
    pd.DataFrame({"code": ids, "pct": rng.uniform(0, 40, 16).round(2)}).to_csv(
        folder / "numbers.csv", index=False
    )
    (folder / "numbers.toml").write_text(
        '[executives]\nfile = "numbers.csv"\nid = "code"\ncolumn = "pct"\nunit = "percent"\n'
        'source = "census"\ndate = "2020"\nlicence = "CC0"\n'
    )
    return folder


def words(files, out, *more):
    return [
        *(
            "data",
            "build",
            "hamlet",
            "--osm",
            str(files / "hamlet.osm"),
            "--regions",
            str(files / "districts.gpkg"),
        ),
        *("--id", "code", "--labels", str(files / "numbers.csv"), "--out", str(out), *more),
    ]


def test_one_command_builds_a_sound_city(files, tmp_path, capsys):
    out = tmp_path / "city"
    assert main(words(files, out, "--region-name", "title", "--title", "The Hamlet")) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == str(out)
    assert "urbanbench data check" in captured.err
    assert check_folder(out) == []
    city = City.open(out)
    assert (city.title, city.crs, len(city.regions)) == ("The Hamlet", "EPSG:32632", 16)
    assert city.regions["name"].loc["007"] == "District 007"
    assert set(city.layers) == {"pois", "buildings", "roads", "landuse"}
    assert city.labels["executives"].source == "census"
    assert city.layers["pois"].licence == "ODbL 1.0"
    for name in ("pois", "buildings", "roads", "landuse"):
        assert getattr(city, name).index.is_monotonic_increasing
    assert city.buildings["height_m"].between(3, 9).all()


def test_the_labels_of_the_built_city_are_tasks(files, tmp_path):
    out = tmp_path / "city"
    assert (
        main(words(files, out, "--labels", "type=osm;unit=class;source=OSM;date=2020;licence=ODbL;least=5"))
        == 0
    )
    assert set(label_tasks(str(out))) == {"label:executives", "label:type"}
    spec = RunSpec("building-stats", "label:type", str(out), head="ridge", seeds=(0,))
    result = execute(spec, bench=Workbench(cache=None))
    assert (result.status, result.task["withholds"]) == ("ok", ["target_building"]), result.reason


def test_the_same_files_give_the_same_bytes(files, tmp_path):
    for name in ("one", "two"):
        main(words(files, tmp_path / name))
    paths = sorted(
        path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()
    )
    assert len(paths) == 8
    for path in paths:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_the_report_stays_in_the_folder_with_the_files_it_is_of(files, tmp_path, capsys):
    main(words(files, tmp_path / "city", "--json"))
    told = json.loads(capsys.readouterr().out)["report"]
    kept = json.loads((tmp_path / "city" / REPORT_FILE).read_text())
    assert kept["report"] == told
    assert set(kept["files"]) == {"hamlet.osm", "districts.gpkg", "numbers.csv"}
    assert {
        "part": "buildings",
        "deed": "kept",
        "why": "within 200 m of a region",
        "count": 24,
        "ids": [],
    } in told


def test_a_dry_run_reads_everything_and_writes_nothing(files, tmp_path, capsys):
    assert main(words(files, tmp_path / "city", "--dry-run")) == 0
    told = capsys.readouterr().err
    assert "buildings: kept 24" in told
    assert "Nothing was written" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_a_folder_that_exists_is_left_alone(files, tmp_path, capsys):
    (tmp_path / "city").mkdir()
    assert main(words(files, tmp_path / "city")) == 2
    assert "exists" in capsys.readouterr().err
    assert list((tmp_path / "city").iterdir()) == []


def test_a_fault_halfway_leaves_nothing_behind(files, tmp_path):
    (files / "numbers.csv").write_text("code,pct\nx,1\n")
    assert main(words(files, tmp_path / "city")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("regions", ["grid:250", "h3:9", "blocks"])
def test_regions_can_be_made_of_the_extract_alone(regions, files, tmp_path):
    if regions.startswith("h3"):
        pytest.importorskip("h3", reason="the extra h3 is not installed")
    build(Order("hamlet", regions, osm=files / "hamlet.osm"), tmp_path / "city")
    city = City.open(tmp_path / "city")
    assert check_folder(tmp_path / "city") == []
    assert len(city.regions) > 5
    assert city.regions.index.is_monotonic_increasing


def test_an_area_can_be_named_by_its_corners_or_a_file(files, tmp_path):
    corners = rehearse(Order("x", "grid:100", osm=files / "hamlet.osm.pbf", within="9.0,48.0,9.005,48.005"))
    gpd.GeoDataFrame(geometry=[shapely.box(9.0, 48.0, 9.005, 48.005)], crs=4326).to_file(tmp_path / "a.gpkg")
    outline = rehearse(Order("x", "grid:100", osm=files / "hamlet.osm.pbf", within=str(tmp_path / "a.gpkg")))
    assert corners.text() == outline.text()
    with pytest.raises(BadInput, match="--within W,S,E,N"):
        rehearse(Order("x", "grid:100", osm=draw_hamlet().pbf(tmp_path / "bare.osm.pbf", box=None)))
    for within in ("9,48,8,49", "9,48,x,49"):
        with pytest.raises(BadInput, match="--within got"):
            rehearse(Order("x", "grid:100", within=within))


def test_regions_the_map_does_not_show_are_dropped(files, tmp_path):
    far = gpd.GeoDataFrame(
        {"code": ["in", "half", "out"]},
        geometry=[
            shapely.box(9.0, 48.0, 9.005, 48.01),
            shapely.box(9.009, 48.0, 9.02, 48.01),
            shapely.box(10, 48, 10.1, 48.1),
        ],
        crs=4326,
    )
    far.to_file(tmp_path / "far.gpkg")
    text = rehearse(Order("x", str(tmp_path / "far.gpkg"), id_column="code", osm=files / "hamlet.osm")).text()
    assert "regions: dropped 2: less than half of it lies in the area of the map (half, out)" in text
    far[2:].to_file(tmp_path / "away.gpkg")
    with pytest.raises(BadInput, match="None of 1 regions"):
        rehearse(Order("x", str(tmp_path / "away.gpkg"), id_column="code", osm=files / "hamlet.osm"))


def test_regions_and_labels_alone_are_a_city(files, tmp_path):
    assert main([*words(files, tmp_path / "city")[:3], *words(files, tmp_path / "city")[5:]]) == 0
    assert check_folder(tmp_path / "city") == []
    assert list(City.open(tmp_path / "city").layers) == []


# pictures and flows


def picture(path, colour):
    from PIL import Image

    Image.new("RGB", (8, 8), colour).save(path)


@pytest.fixture
def views(tmp_path):
    folder = tmp_path / "views"
    (folder / "deep").mkdir(parents=True)
    picture(folder / "a.jpg", "red")
    picture(folder / "deep" / "b.png", "blue")
    (folder / "broken.jpg").write_bytes(b"no picture")
    picture(tmp_path / "secret.png", "black")
    (folder / "metadata.csv").write_text(
        "view_id,lon,lat,image,heading,location_id\n"
        "v2,9.002,48.002,a.jpg,370,p1\nv1,9.003,48.003,deep/b.png,,p2\nv3,9.004,48.004,broken.jpg,0,p3\n"
        "v4,9.005,48.005,../secret.png,0,p4\nv5,,,a.jpg,0,p5\nv1,9.006,48.006,a.jpg,0,p6\nv7,9.006,48.006,none.jpg,0,\n"
    )
    return folder


def test_street_views_are_copied_and_none_from_outside_the_folder(files, views, tmp_path):
    order = Order("x", str(files / "districts.gpkg"), id_column="code", street_views=views)
    report = build(order, tmp_path / "city")
    city = City.open(tmp_path / "city")
    assert check_folder(tmp_path / "city") == []
    assert city.street_views.index.tolist() == ["v1", "v2"]
    assert city.street_views["heading"].tolist()[1] == 10
    assert len(list((tmp_path / "city" / "street_views").iterdir())) == 2
    text = "\n".join(report.text())
    assert "pictures: a path with '..' (../secret.png)" in text
    assert "pictures: no picture (broken.jpg)" in text
    assert "dropped 1: no place" in text
    assert "dropped 1: a view_id again" in text


def test_links_out_of_the_folder_of_street_views_are_not_followed(files, views, tmp_path):
    (views / "link.png").symlink_to(tmp_path / "secret.png")
    (views / "metadata.csv").write_text("lon,lat,image\n9.002,48.002,a.jpg\n9.002,48.002,link.png\n")
    report = build(
        Order("x", str(files / "districts.gpkg"), id_column="code", street_views=views), tmp_path / "city"
    )
    assert (
        "street_views: dropped 1: pictures: a link that leads out of the folder (link.png)" in report.text()
    )


def test_views_in_four_directions(files, views, tmp_path):
    (views / "metadata.csv").write_text(
        "longitude,latitude,east,south,west,north\n9.002,48.002,a.jpg,,,deep/b.png\n"
    )
    build(Order("x", str(files / "districts.gpkg"), id_column="code", street_views=views), tmp_path / "city")
    [view] = City.open(tmp_path / "city").street_views.itertuples()
    assert (view.east, view.south, view.north) == (
        "street_views/0000000.jpg",
        None,
        "street_views/0000001.png",
    )


@pytest.mark.parametrize(
    ("table", "error", "told"),
    [
        (None, DataMissing, "metadata.csv"),
        ("lon,lat\n9,48\n", BadInput, "pictures in a column image"),
        ("lon,image\n9,a.jpg\n", BadInput, "a column lat in degrees"),
        ("lon,lat,image\n9,48,none.jpg\n", BadInput, "a row with a place and a picture"),
    ],
)
def test_street_views_without_what_they_need_are_told(table, error, told, files, views):
    (views / "metadata.csv").unlink()
    if table is not None:
        (views / "metadata.csv").write_text(table)
    with pytest.raises(error, match=told):
        rehearse(Order("x", str(files / "districts.gpkg"), id_column="code", street_views=views))


def test_satellite_pictures_are_cut_from_a_geotiff(files, tmp_path):
    rasterio = pytest.importorskip("rasterio", reason="the extra raster is not installed")
    from rasterio.transform import from_bounds

    pixels = np.zeros((3, 60, 60), dtype=np.uint8)
    pixels[0], pixels[1, :30] = 200, 100
    place = {"crs": "EPSG:4326", "transform": from_bounds(*BOX, 60, 60)}
    with rasterio.open(
        tmp_path / "s.tif", "w", driver="GTiff", width=60, height=60, count=3, dtype="uint8", **place
    ) as file:
        file.write(pixels)
    (tmp_path / "about.toml").write_text(
        '[satellite]\nlicence = "CC BY 4.0"\ndate = "2021"\n[regions]\nlicence = "CC0"\n'
    )
    more = (
        "--satellite",
        str(tmp_path / "s.tif"),
        "--picture-size",
        "32",
        "--about",
        str(tmp_path / "about.toml"),
    )
    assert main(words(files, tmp_path / "city", *more)) == 0
    city = City.open(tmp_path / "city")
    assert check_folder(tmp_path / "city") == []
    assert len(city.satellite) == 16
    assert (city.layers["satellite"].licence, city.layers["satellite"].kind) == ("CC BY 4.0", "photograph")
    report = json.loads((tmp_path / "city" / REPORT_FILE).read_text())["report"]
    assert {
        "part": "satellite",
        "deed": "kept",
        "why": "regions with a picture",
        "count": 16,
        "ids": [],
    } in report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["about.toml", "city", "mine", "s.tif"]


def test_flows_are_added_up_between_known_regions(files, tmp_path):
    (files / "od.csv").write_text(
        "from,to,count\n001,002,3\n001,002,4\n002,001,1\n001,999,8\n001,003,-2\n001,004,x\n"
    )
    report = build(
        Order("x", str(files / "districts.gpkg"), id_column="code", flows=files / "od.csv"), tmp_path / "city"
    )
    assert check_folder(tmp_path / "city") == []
    flows = City.open(tmp_path / "city").flows
    assert flows.to_numpy().tolist() == [["001", "002", 7.0], ["002", "001", 1.0]]
    assert "flows: dropped 1: a region that the city has not" in report.text()
    assert "flows: dropped 2: no number of trips, or no hour from 0 to 23" in report.text()
    (files / "od.csv").write_text(
        "origin_id,destination_id,trips,hour\n001,002,3,7\n001,002,4,8\n001,002,4,24\n"
    )
    build(
        Order("x", str(files / "districts.gpkg"), id_column="code", flows=files / "od.csv"),
        tmp_path / "hourly",
    )
    assert City.open(tmp_path / "hourly").flows["hour"].tolist() == [7, 8]
    (files / "od.csv").write_text("from,to,count\n1,2,3\n")
    with pytest.raises(BadInput, match=r"found '1'.*--id have to be the same"):
        rehearse(Order("x", str(files / "districts.gpkg"), id_column="code", flows=files / "od.csv"))


# what cannot be


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (["--min-area", "3", "--max-area", "2"], 2, "leave no region"),
        (["--reach", "-1"], 2, "0 to 50000 metres"),
        (["--crs", "EPSG:4326"], 2, "projected CRS in metres"),
        (["--about", "none.toml"], 3, "none.toml"),
        (["--osm", "none.osm.pbf"], 3, "No OpenStreetMap file"),
        (["--regions", "grid:x"], 2, "grid:500"),
        (["--regions", "none.gpkg"], 3, "none.gpkg"),
        (["--satellite", "none.tif"], 2, "not there"),
        (["--labels", "a=b"], 3, "No file"),
    ],
)
def test_mistakes_are_one_sentence_and_no_traceback(more, code, told, files, tmp_path, capsys):
    assert main(words(files, tmp_path / "city", *more)) == code
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("Error: ")
    assert told in error
    assert not (tmp_path / "city").exists()


def test_names_that_lead_elsewhere_are_refused(files):
    for name in ("../x", "/x", "", "a b"):
        with pytest.raises(BadInput, match="city's name"):
            Order(name, str(files / "districts.gpkg"))


def test_files_without_regions_say_what_is_missing(files, capsys):
    assert main(["data", "build", "x", "--osm", str(files / "hamlet.osm")]) == 2
    assert "--regions FILE --id COLUMN" in capsys.readouterr().err
    with pytest.raises(BadInput, match="needs roads"):
        Order("x", "blocks")


def test_what_is_known_of_a_part_is_checked(tmp_path):
    path = tmp_path / "about.toml"
    path.write_text('[regions]\nlicence = "CC0"\n')
    assert read_about(path) == {"regions": {"licence": "CC0"}}
    for text, error in (
        ("[region]\n", UnknownName),
        ('[regions]\nlicense = "x"\n', UnknownName),
        ("[", BadInput),
    ):
        path.write_text(text)
        with pytest.raises(error):
            read_about(path)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--street-views", "bare: expected a table metadata.csv"),
        ("--tiles", "The folder 'bare' holds no vector tiles"),
        ("--satellite", "The folder 'bare' holds no tiles"),
        ("--overture", "bare: expected GeoParquet files"),
    ],
)
def test_the_folder_one_stands_in_is_called_by_its_name(option, said, tmp_path, monkeypatch, capsys):
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path / "bare")
    words = ["--regions", "grid:500", "--within", "9,48,9.01,48.01", option, "."]
    assert main(["data", "build", "town", *words, "--dry-run"]) in {2, 3}
    assert said in capsys.readouterr().err


def test_rasters_of_the_folder_one_stands_in_are_asked_for_by_its_name(tmp_path, monkeypatch):
    from urbanbench.build.rasters.find import find_rasters

    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path / "bare")
    with pytest.raises(BadInput, match="--raster-embedding 'bare' holds no raster"):
        find_rasters(Path())
