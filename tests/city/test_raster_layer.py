"""The layer `raster_embedding` of a city folder: its entry, its faults and notes, what a view shows of it, merged and shown cities."""

import json
import shutil
import sys

import numpy as np
import pytest
import shapely
from tests.made_rasters import NOTHING, write_raster

from urbanbench.city.changing.merge import merge_regions
from urbanbench.city.city import City
from urbanbench.city.drawing.show import describe_city
from urbanbench.city.faults.check import check_folder, check_report
from urbanbench.city.folder import limits
from urbanbench.city.folder.manifest import read_manifest
from urbanbench.cli.app import main
from urbanbench.errors import CityFaults, ExtraMissing, InputMasked, LayerMissing

pytest.importorskip("rasterio", reason="the extra raster is not installed")
pytest.importorskip("exactextract", reason="the extra raster is not installed")

SIZE = 20.0
FILES = ["raster_embedding/a.tif", "raster_embedding/b.tif"]
YEARS = {"density": "2021", "use": "about 2023", "shares": "2015-2019", "function": "not stated", "scene": ""}


def corner(folder):
    west, _, _, north = City.open(folder.path).regions.total_bounds
    return np.floor(west / SIZE) * SIZE - SIZE, np.ceil(north / SIZE) * SIZE + SIZE


def numbers(rows=120, columns=40, bands=4, seed=0):
    return np.random.default_rng(seed).integers(-127, 128, (bands, rows, columns)).astype(np.int8)


@pytest.fixture
def rastered(folder):
    """A sound folder with two files of AlphaEarth's kind over r00 and r01 and the west of r10 and r11."""
    west, north = corner(folder)
    write_raster(folder.path / FILES[0], numbers(), west, north, SIZE, nodata=-128)
    write_raster(
        folder.path / FILES[1], numbers(seed=1), west, north - 120 * SIZE, SIZE, nodata=-128, bottom_up=True
    )
    folder.json["layers"]["raster_embedding"] = {
        "files": list(FILES), "law": "alphaearth", "bands": 4, "dtype": "int8", "count": 2,
        "source": "AlphaEarth Foundations", "date": "2022", "licence": "CC-BY 4.0", "attribution": "Google",
    }  # fmt: skip
    for name, date in YEARS.items():
        folder.json["labels"][name]["date"] = date
    folder.write_json()
    return folder


def entry(rastered, **changes):
    """Change the entry; None removes a field."""
    told = rastered.json["layers"]["raster_embedding"]
    told.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del told[name]
    rastered.write_json()


def faults(rastered, **changes):
    entry(rastered, **changes)
    return check_folder(rastered.path)


def test_a_folder_with_a_raster_is_sound_and_told(rastered):
    report = check_report(rastered.path)
    assert report.faults == ()
    city = City.open(rastered.path)
    info = city.layers["raster_embedding"]
    assert (info.files, info.law, info.date, info.licence) == (
        tuple(FILES),
        "alphaearth",
        "2022",
        "CC-BY 4.0",
    )
    assert city.raster_embedding.dim == 4
    assert [one.bottom_up for one in city.raster_embedding.heads] == [False, True]


def test_regions_that_are_covered_in_part_or_not_at_all_are_noted(rastered):
    notes = [one for one in check_report(rastered.path).notes if one.startswith("raster_embedding")]
    assert (
        notes[0]
        == "raster_embedding: 2 of 4 regions lie to less than 50% under pixels with data ('r10', 'r11'); what there is stands for all."
    )
    west, north = corner(rastered)
    shutil.rmtree(rastered.path / "raster_embedding")
    stored = numbers(240, 10)
    write_raster(rastered.path / FILES[0], stored, west, north, SIZE)
    notes = check_report_of_one_file(rastered)
    assert (
        "raster_embedding: 2 of 4 regions have no pixel with data ('r10', 'r11'); they count as not covered."
        in notes
    )
    assert any("2 of 4 regions lie to less than 50%" in one and "'r00', 'r01'" in one for one in notes)


def check_report_of_one_file(rastered):
    entry(rastered, files=[FILES[0]], count=1)
    report = check_report(rastered.path)
    assert report.faults == ()
    return report.notes


def test_years_of_labels_that_are_not_that_of_the_raster_are_noted(rastered):
    def dates():
        return [one for one in check_report(rastered.path).notes if "pictures of" in one or "no year" in one]

    assert len(dates()) == 1
    assert dates()[0].startswith(
        "raster_embedding: made of pictures of 2022, which is more than 1 year from 1 of 5 labels: shares (2015 to 2019)."
    )
    entry(rastered, date="2019")
    assert "2 of 5 labels: density (2021), use (2023)." in dates()[0]
    entry(rastered, date="2016 and 2023")
    assert dates() == []
    for unknown in ("", "summer"):
        entry(rastered, date=unknown)
        assert 'names no year. Write "date"' in dates()[0]


ENTRIES = {
    "no law": ({"law": None}, "'layers.raster_embedding.law': expected one of alphaearth, linear, pixel-scale, float, found none."),
    "another law": ({"law": "tessera"}, "found 'tessera'. Name how stored numbers become values (alphaearth: int8 numbers q"),
    "no files": ({"files": None}, "'layers.raster_embedding.files': expected a list of 1 to 10000 different paths in the folder, found none."),
    "empty list": ({"files": [], "count": 0}, "different paths in the folder, found []"),
    "a file twice": ({"files": [FILES[0], FILES[0]]}, "Name each GeoTIFF once."),
    "a number for a file": ({"files": [1]}, "different paths in the folder, found [1]"),
    "file and files": ({"file": FILES[0]}, "'layers.raster_embedding.file': expected `file` or `files`, found both."),
    "outside": ({"files": ["../up.tif", FILES[1]]}, "expected a file inside the folder, found a path with '..' ('../up.tif')."),
    "not there": ({"files": [*FILES, "c.tif"], "count": 3}, "found no such file ('c.tif'). Put the file there, or correct the path."),
    "count": ({"count": 3}, "'layers.raster_embedding.count': expected 2, the number of files, found 3."),
    "bands as text": ({"bands": "64"}, "'layers.raster_embedding.bands': expected a count, found '64'. Write a number."),
    "too many bands": ({"bands": 5000}, "'layers.raster_embedding.bands': expected at most 4096, found 5000."),
    "bands": ({"bands": 64}, "raster_embedding/a.tif and 1 more: expected 64 bands as city.json has, found 4. Leave files of another model or version out."),
    "dtype": ({"dtype": "uint8"}, "raster_embedding/a.tif and 1 more: expected numbers of type uint8 as city.json says, found int8."),
    "scale of another law": ({"scale": 2}, "'layers.raster_embedding.scale': expected none for the law 'alphaearth', found 2. Leave it out, or write \"law\": 'linear'."),
    "scales of another law": ({"scales": ["s.tif"]}, "'layers.raster_embedding.scales': expected none for the law 'alphaearth'"),
    "scale of 0": ({"law": "linear", "scale": 0}, "expected numbers other than 0, found 0."),
    "scale as text": ({"law": "linear", "scale": "a"}, "'layers.raster_embedding.scale': expected a number or a list, found text. Write numbers."),
    "too few offsets": ({"law": "linear", "offset": [1, 2]}, "'layers.raster_embedding.offset': expected a finite number, or one for each band, found [1, 2]."),
    "huge scale": ({"law": "linear", "scale": 10**400}, "expected a finite number, or one for each band"),
    "nodata as text": ({"nodata": "NaN"}, "'layers.raster_embedding.nodata': expected a number, found text. Leave it out for NaN"),
    "no scales": ({"law": "pixel-scale"}, "'layers.raster_embedding.scales': expected a list of 1 to 10000 different paths"),
    "too few scales": ({"law": "pixel-scale", "scales": [FILES[0]]}, "expected 2 files, as many as `files`, found 1."),
    "source as number": ({"source": 7}, "'layers.raster_embedding.source': expected text, found a number. Put it in quotes."),
    "law that needs other numbers": ({"law": "float", "dtype": None}, "raster_embedding/a.tif and 1 more: expected floating-point numbers for the law 'float', found int8. Name their law"),
}  # fmt: skip


@pytest.mark.parametrize("case", ENTRIES)
def test_a_wrong_entry_is_told_with_its_mend(rastered, case):
    changes, said = ENTRIES[case]
    found = faults(rastered, **changes)
    assert any(said in one for one in found), found
    with pytest.raises(CityFaults):
        _ = City.open(rastered.path).raster_embedding.dim


def test_an_entry_that_is_no_object_is_told(rastered):
    rastered.json["layers"]["raster_embedding"] = ["a.tif"]
    rastered.write_json()
    assert check_folder(rastered.path) == [
        'city.json: \'layers.raster_embedding\': expected an object, found a list. Write {"files": [...], "law": ...}.'
    ]


def test_one_file_may_be_named_as_in_other_layers(rastered):
    assert faults(rastered, files=None, count=None, file=FILES[0]) == []


def rotated(path, west, north):
    import rasterio
    from affine import Affine

    kind = {"driver": "GTiff", "width": 40, "height": 120, "count": 4, "dtype": "int8", "crs": "EPSG:32632"}
    with rasterio.open(path, "w", transform=Affine(18, 4, west, 4, -18, north), **kind) as file:
        file.write(numbers())


def nowhere(path, west, north):
    import rasterio

    kind = {"driver": "GTiff", "width": 40, "height": 120, "count": 4, "dtype": "int8", "crs": "EPSG:32632"}
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(path, "w", **kind) as file:
        file.write(numbers())


def write_scaled(path, west, north):
    import rasterio

    write_raster(path, numbers(), west, north, SIZE)
    with rasterio.open(path, "r+") as file:
        file.scales = [0.01] * 4


RASTERS = {
    "another number of bands": (
        lambda path, west, north: write_raster(path, numbers(bands=5), west, north, SIZE),
        {"bands": None},
        "raster_embedding/b.tif: expected 4 bands as raster_embedding/a.tif has, found 5. Leave files of another model or version out.",
    ),
    "another type": (
        lambda path, west, north: write_raster(path, numbers().astype(np.int16), west, north, SIZE),
        {"dtype": None},
        "raster_embedding/b.tif: expected numbers of type int8 as raster_embedding/a.tif has, found int16. Store all files alike.",
    ),
    "unsigned bytes": (
        lambda path, west, north: write_raster(path, numbers().view(np.uint8), west, north, SIZE),
        {"dtype": None},
        "raster_embedding/b.tif: expected int8 numbers for the law 'alphaearth', found uint8.",
    ),
    "no CRS": (
        lambda path, west, north: write_raster(path, numbers(), west, north, SIZE, crs=None),
        {},
        "raster_embedding/b.tif: expected a CRS, found none. Mend: gdal_edit.py -a_srs EPSG:CODE b.tif",
    ),
    "rotated": (
        rotated, {},
        "raster_embedding/b.tif: expected a raster whose rows run from west to east, found one that is rotated, sheared or mirrored. Mend: gdalwarp b.tif straight.tif",
    ),
    "mirrored": (
        lambda path, west, north: write_raster(path, numbers(), west, north, -SIZE, SIZE),
        {},
        "found one that is rotated, sheared or mirrored. Mend: gdalwarp b.tif straight.tif",
    ),
    "nowhere": (nowhere, {}, "raster_embedding/b.tif: expected a place, found none. Mend: gdal_edit.py -a_ullr WEST NORTH EAST SOUTH b.tif"),
    "tiny pixels": (
        lambda path, west, north: write_raster(path, numbers(), west, north, 1e-12),
        {},
        "raster_embedding/b.tif: expected pixels of a size that a map has, found pixels of 1e-12 by 1e-12",
    ),
    "complex numbers": (
        lambda path, west, north: write_raster(path, numbers().astype(np.complex64), west, north, SIZE),
        {"dtype": None},
        "raster_embedding/b.tif: expected real numbers of one type in all bands, found complex64.",
    ),
    "its own scale": (
        write_scaled,
        {"law": "linear", "scale": 0.5},
        "raster_embedding/b.tif: expected the scale of city.json (0.5), found that the file states 0.01 itself.",
    ),
    "text": (lambda path, west, north: path.write_text("no raster"), {}, "raster_embedding/b.tif: expected a GeoTIFF, found a file that cannot be read ("),
    "cut off": (lambda path, west, north: path.write_bytes(path.read_bytes()[:3000]), {}, "raster_embedding/b.tif: expected readable pixels, found a fault ("),
    "points elsewhere": (
        lambda path, west, north: path.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>'),
        {},
        "raster_embedding/b.tif: expected a GeoTIFF, found a file that cannot be read (",
    ),
    "empty": (lambda path, west, north: path.write_bytes(b""), {}, "raster_embedding/b.tif: expected a GeoTIFF, found a file that cannot be read ("),
    "an undeclared number for no data": (
        lambda path, west, north: write_raster(path, np.where(numbers() > 90, np.float32(-3.4e38), 1).astype(np.float32), west, north, SIZE),
        {"files": [FILES[1]], "count": 1, "law": "float", "dtype": "float32"},
        "raster_embedding/b.tif: expected the values of an embedding, found -3.4e+38. If it stands for no data, say so:",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RASTERS)
def test_a_wrong_file_is_told_with_its_mend(rastered, case):
    make, changes, said = RASTERS[case]
    west, north = corner(rastered)
    make(rastered.path / FILES[1], west, north - 120 * SIZE)
    found = faults(rastered, **changes)
    assert any(said in one for one in found), found
    raster = City.open(rastered.path).raster_embedding  # other models of the city are not kept from it
    with pytest.raises(CityFaults) as error:
        raster.zonal(np.asarray(City.open(rastered.path).regions.geometry))
    assert any(said in one for one in error.value.faults)


@pytest.mark.parametrize("way", ["size", "place", "bands", "crs"])
def test_scales_that_do_not_lie_on_the_pixels_are_told(rastered, way):
    west, north = corner(rastered)
    scales = np.ones((2 if way == "bands" else 1, 119 if way == "size" else 120, 40), dtype=np.float32)
    place = (west + (1 if way == "place" else 0), north, SIZE)
    write_raster(rastered.path / "s.tif", scales, *place, crs="EPSG:32633" if way == "crs" else "EPSG:32632")
    found = faults(rastered, law="pixel-scale", files=[FILES[0]], scales=["s.tif"], count=1)
    assert len(found) == 1
    assert found[0].startswith(
        "s.tif: expected one band on the pixels of raster_embedding/a.tif (40 x 120 at"
    )


def test_a_raster_of_another_place_is_told_with_the_distance(rastered):
    west, north = corner(rastered)
    for k, name in enumerate(FILES):
        write_raster(rastered.path / name, numbers(), west + 30_000, north - k * 2400, SIZE)
    [told] = check_folder(rastered.path)
    assert told.startswith(
        "raster_embedding/a.tif and 1 more: expected a raster that covers the regions, found one 28 km away."
    )
    box = City.open(rastered.path).regions.total_bounds
    assert f"it is {box[0]:.0f} to {box[2]:.2f}, " in told


def test_a_raster_without_data_in_the_regions_is_told(rastered):
    west, north = corner(rastered)
    for k, name in enumerate(FILES):
        write_raster(rastered.path / name, np.full((4, 120, 40), NOTHING), west, north - k * 2400, SIZE)
    assert check_folder(rastered.path) == [
        'raster_embedding/a.tif and 1 more: expected pixels with data in the regions, found none. Take files of this place, and check "nodata" in city.json.'
    ]


def test_rasters_and_parts_that_are_too_large_are_refused_unread(rastered, monkeypatch):
    from urbanbench.city.rasters import heads, together

    monkeypatch.setattr(together, "MAX_RASTER_NUMBERS", 120 * 40 * 4 + 1)
    [told] = check_folder(rastered.path)
    assert "expected at most 2e+04 numbers in all files, found 3.84e+04. Cut them to the city's box" in told
    monkeypatch.setattr(heads, "MAX_RASTER_NUMBERS", 1000)
    assert (
        "raster_embedding/a.tif: expected at most 4096 bands and 1e+03 numbers, found 4 bands of 40 x 120 pixels."
        in check_folder(rastered.path)[0]
    )
    monkeypatch.setattr(heads, "MAX_RASTER_NUMBERS", limits.MAX_RASTER_NUMBERS)
    monkeypatch.setattr(heads, "MAX_RASTER_BLOCK_BYTES", 2000)
    assert (
        "expected a raster stored in parts of at most 0 MiB, found parts of 0 MiB. Mend: gdal_translate -of COG a.tif out.tif"
        in check_folder(rastered.path)[0]
    )


def test_what_lies_beside_a_file_is_not_read(rastered):
    """A sidecar enters no digest, so it must not change a number."""
    shapes = np.asarray(City.open(rastered.path).regions.geometry)
    before = City.open(rastered.path).raster_embedding.zonal(shapes)
    (rastered.path / f"{FILES[0]}.aux.xml").write_text(
        '<PAMDataset><SRS>EPSG:32633</SRS><GeoTransform>0, 1, 0, 0, 0, -1</GeoTransform><PAMRasterBand band="1"><NoDataValue>5</NoDataValue></PAMRasterBand></PAMDataset>'
    )
    (rastered.path / "raster_embedding/a.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    after = City.open(rastered.path).raster_embedding.zonal(shapes)
    assert after.mean.tobytes() == before.mean.tobytes()


def test_a_view_shows_the_raster_where_it_is_allowed(rastered):
    city = City.open(rastered.path)
    view = city.view({"raster_embedding"})
    assert view.has("raster_embedding")
    assert view.touched == frozenset()
    assert view.raster_embedding.info.law == "alphaearth"
    assert view.touched == {"raster_embedding"}
    masked = city.view({"poi", "satellite"})
    assert not masked.has("raster_embedding")
    with pytest.raises(InputMasked, match="Input 'raster_embedding' is masked"):
        _ = masked.raster_embedding
    del rastered.json["layers"]["raster_embedding"]
    rastered.write_json()
    bare = City.open(rastered.path).view({"raster_embedding"})
    assert not bare.has("raster_embedding")
    with pytest.raises(LayerMissing, match="has no layer 'raster_embedding'"):
        _ = bare.raster_embedding


def test_the_raster_enters_the_keys_of_views_that_show_it_and_no_others(rastered):
    def keys():
        inputs = ({"raster_embedding"}, {"raster_embedding", "poi"}, {"poi", "satellite"}, {"coordinates"})
        return [City.open(rastered.path).view(some).data_key for some in inputs]

    before = keys()
    west, north = corner(rastered)
    write_raster(rastered.path / FILES[1], numbers(seed=9), west, north - 120 * SIZE, SIZE)
    after = keys()
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, True, True]
    entry(rastered, date="2023")
    assert [one == other for one, other in zip(after, keys(), strict=True)] == [False, False, True, True]


def test_nothing_is_withheld_of_the_raster(rastered):
    city = City.open(rastered.path)
    view = city.view({"raster_embedding", "polygon"}, ("landuse", "target_building"), ("b0",))
    shapes = np.asarray(city.regions.geometry)
    assert (
        view.raster_embedding.zonal(shapes).mean.tobytes()
        == city.raster_embedding.zonal(shapes).mean.tobytes()
    )


def test_merged_regions_keep_the_raster_and_have_the_means_of_their_parts(rastered, tmp_path):
    city = City.open(rastered.path)
    merged = City.open(merge_regions(city, tmp_path / "merged", seed=1))
    assert merged.check() == []
    for file in FILES:
        assert (merged.path / file).read_bytes() == (city.path / file).read_bytes()
    parts, whole = (one.raster_embedding.zonal(np.asarray(one.regions.geometry)) for one in (city, merged))
    area = city.regions.geometry.area.to_numpy() * parts.share
    for row, name in enumerate(merged.regions.index):
        rows = [city.regions.index.get_loc(one) for one in name.split("+")]
        np.testing.assert_allclose(
            whole.mean[row], np.average(parts.mean[rows], axis=0, weights=area[rows]), rtol=1e-4, atol=1e-6
        )


def test_shown_facts_tell_files_bands_and_ground(rastered, capsys):
    facts = describe_city(City.open(rastered.path))["layers"]["raster_embedding"]
    assert (facts["files"], facts["bands"], facts["law"], facts["date"]) == (2, 4, "alphaearth", "2022")
    assert facts["coverage"] == 1.0
    assert 0.5 < facts["covered_area"] < 0.9
    assert main(["data", "show", str(rastered.path)]) == 0
    assert "alphaearth" in capsys.readouterr().out


def test_without_the_packages_other_layers_open_and_the_check_says_what_it_left_out(rastered, monkeypatch):
    monkeypatch.setitem(sys.modules, "exactextract", None)
    report = check_report(rastered.path)
    assert report.faults == ()
    assert any(
        one.startswith(
            "raster_embedding: not looked into. An embedding raster needs the package exactextract"
        )
        for one in report.notes
    )
    city = City.open(rastered.path)
    assert len(city.pois)
    with pytest.raises(ExtraMissing, match=r"pip install 'urbanbench\[raster\]'"):
        city.raster_embedding.zonal(np.array([shapely.box(0, 0, 1, 1)]))


def test_the_command_tells_faults_and_notes(rastered, capsys):
    assert main(["data", "check", str(rastered.path)]) == 0
    assert "raster_embedding: made of pictures of 2022" in capsys.readouterr().err
    entry(rastered, bands=64)
    assert main(["data", "check", str(rastered.path)]) == 3
    assert "expected 64 bands" in capsys.readouterr().err


def test_rasters_that_no_layer_names_are_left_alone(rastered):
    told = json.loads((rastered.path / "city.json").read_text())
    del told["layers"]["raster_embedding"]
    rastered.write_json(json.dumps(told))
    (rastered.path / FILES[0]).write_text("no raster")
    assert check_folder(rastered.path) == []


ODD = [
    None,
    True,
    -1,
    0,
    3,
    10**400,
    1.5,
    "",
    "x",
    "/x",
    "../x",
    "linear",
    [],
    ["a"],
    ["a", "a"],
    [1],
    [""],
    {},
    {"a": 1},
]


def test_what_the_schema_forbids_of_an_entry_is_refused(rastered):
    import jsonschema

    from urbanbench.city.schema.document import part_of_schema

    judge, forbidden = jsonschema.Draft202012Validator(part_of_schema("city.json")), 0
    judge.validate(rastered.json)
    sound = dict(rastered.json["layers"]["raster_embedding"])
    for field in (
        "files",
        "file",
        "law",
        "scale",
        "offset",
        "scales",
        "nodata",
        "bands",
        "dtype",
        "date",
        "count",
    ):
        for value in ODD:
            rastered.json["layers"]["raster_embedding"] = {**sound, field: value}
            rastered.write_json()
            if not judge.is_valid(rastered.json):
                forbidden += 1
                assert read_manifest(rastered.path)[1], (field, value)
    assert forbidden > 100


def test_a_packed_city_keeps_its_raster(rastered, tmp_path):
    archive = tmp_path / "city.zip"
    assert main(["data", "pack", str(rastered.path), "--out", str(archive)]) == 0
    assert main(["data", "unpack", str(archive), "--to", str(tmp_path / "again")]) == 0
    for file in FILES:
        assert (tmp_path / "again" / file).read_bytes() == (rastered.path / file).read_bytes()
    assert check_folder(tmp_path / "again") == []


def test_a_mended_city_keeps_its_raster_and_its_paths_are_turned(rastered, tmp_path):
    entry(rastered, files=[one.replace("/", "\\") for one in FILES])
    assert main(["data", "check", str(rastered.path), "--fix", "--to", str(tmp_path / "mended")]) == 0
    assert check_folder(tmp_path / "mended") == []
    assert City.open(tmp_path / "mended").layers["raster_embedding"].files == tuple(FILES)
