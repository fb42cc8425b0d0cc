"""The contact sheet: what is chosen, what is written under it, and broken pictures that are marked."""

import numpy as np
import pytest
from PIL import Image

from urbanbench.city.city import City
from urbanbench.city.drawing.sheet import COLUMNS, GAP, MARGIN, draw_sheet
from urbanbench.city.drawing.sheet_choice import sections_of
from urbanbench.city.drawing.tiles import TILE
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing, LayerMissing


def test_every_picture_of_a_small_city_is_shown_with_its_unit_and_label(folder):
    streets, above = sections_of(City.open(folder.path), count=32)
    assert [(shot.path, shot.unit, shot.told) for shot in streets.shots] == [
        ("views/v0e.png", "v0 east", "1"),
        ("views/v1e.png", "v1 east", ""),
    ]
    assert [shot.unit for shot in above.shots] == ["r00", "r01", "r10", "r11"]
    assert [shot.told for shot in above.shots] == ["0", "1.5", "3", "4.5"]
    assert (
        above.title
        == "Satellite pictures: 4 pictures of 4 regions · rendered-map · below: density, persons per km2"
    )
    assert above.credit == "Satellite pictures: tests, CC0"


@pytest.mark.parametrize(("label", "told"), [("use", "home"), ("shares", "work 75%")])
def test_a_label_can_be_chosen(folder, label, told):
    streets, above = sections_of(City.open(folder.path), count=1, label=label)
    assert above.shots[0].told == told
    assert streets.shots[0].told == told, "street views have the label of their region"
    assert f"{label} of the region" in streets.title


def test_a_label_that_is_not_there_is_refused(folder):
    with pytest.raises(DataMissing, match="no label 'noise'"):
        sections_of(City.open(folder.path), count=1, label="noise")


def test_files_that_are_not_there_come_first_and_the_rest_is_spread(folder):
    (folder.path / "satellite/r10.png").unlink()
    section = sections_of(City.open(folder.path), count=3)[1]
    assert [shot.unit for shot in section.shots] == ["r10", "r00", "r11"]
    assert "1 not there · 3 shown" in section.title


def test_a_heading_stands_beside_a_single_image(folder):
    import pyarrow as pa

    schema = {**folder.schemas["street_views"], "image": pa.string(), "heading": pa.float64()}
    for row in folder.rows["street_views"]:
        row |= {"image": row["east"], "east": None, "heading": 135.0}
    folder.rows["street_views"][1] |= {"heading": None}
    folder.save("street_views", schema=schema)
    shots = sections_of(City.open(folder.path), count=8)[0].shots
    assert [shot.unit for shot in shots] == ["v0 135°", "v1"]


def tile(sheet, place):
    left = MARGIN + place % COLUMNS * (TILE + GAP)
    return np.asarray(sheet)[:, left : left + TILE]


def test_broken_pictures_are_marked_and_counted(folder, tmp_path):
    (folder.path / "satellite/r00.png").write_bytes(b"")
    (folder.path / "satellite/r10.png").write_bytes(b"words")
    path = tmp_path / "sheet.png"
    assert draw_sheet(City.open(folder.path), path) == 2
    sheet = Image.open(path).convert("RGB")
    red = [(tile(sheet, place)[TILE + 150 :] == (179, 38, 30)).all(axis=2).sum() for place in range(4)]
    assert min(red[0], red[2]) > 500
    assert max(red[1], red[3]) == 0


def test_pictures_stand_in_their_tiles(folder, tmp_path):
    path = tmp_path / "sheet.png"
    assert draw_sheet(City.open(folder.path), path) == 0
    grey = (np.asarray(Image.open(path).convert("RGB")) == 120).all(axis=2)
    assert 0 <= grey.sum() - 6 * TILE * TILE < 200  # some pixels of letters have that grey


def test_the_same_city_gives_the_same_bytes(folder, tmp_path):
    city = City.open(folder.path)
    draw_sheet(city, tmp_path / "a.png")
    draw_sheet(city, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_other_suffixes_and_cities_without_pictures_are_refused(folder, village, tmp_path):
    with pytest.raises(BadInput, match=r"Expected \.png"):
        draw_sheet(City.open(folder.path), tmp_path / "sheet.pdf")
    with pytest.raises(LayerMissing):
        draw_sheet(City.open(village), tmp_path / "sheet.png")
    assert not list(tmp_path.glob("*.png"))


def test_the_command_writes_a_sheet_and_tells_broken_pictures(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (folder.path / "views/v0e.png").write_bytes(b"")
    assert main(["data", "show", str(folder.path), "--images"]) == 0
    assert "Sheet: testville-images.png (1 of the pictures shown cannot be opened)" in capsys.readouterr().err
    assert main(["data", "show", str(folder.path), "--out", "mine.png", "--count", "2"]) == 0
    assert {path.name for path in tmp_path.glob("*.png")} == {"testville-images.png", "mine.png"}
