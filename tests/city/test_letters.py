"""Names of every script on maps: in a font that has their signs, else by number; no boxes and no warnings."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from PIL import Image

from urbanbench.city.city import City
from urbanbench.city.drawing.sheet import draw_sheet
from urbanbench.figures import letters
from urbanbench.figures.files import save_figure

SECRET = "\ue123"
"""A sign for private use, which no font has unless the test makes one."""


def forget():
    for one in (letters._fonts, letters._signs, letters._font_with, letters._say_once):
        one.cache_clear()


@pytest.fixture(autouse=True)
def _fresh():
    forget()
    yield
    forget()


@pytest.fixture
def secret_font(tmp_path, monkeypatch):
    """A font with one square for the secret sign."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(corner)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(SECRET): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (800, 0), "square": (800, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Secret", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    builder.setupPost()
    path = tmp_path / "secret.ttf"
    builder.save(path)
    monkeypatch.setattr(fontManager, "ttflist", list(fontManager.ttflist))
    fontManager.addfont(path)
    forget()
    return path


def drawn(tmp_path, *texts, ticks=()):
    """Save a figure with texts in its title and beside its axes, and return its bytes."""
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.set(title=texts[0], xlabel=texts[-1])
    if ticks:
        axes.set_xticks(range(len(ticks)), ticks)
    save_figure(figure, tmp_path / "map.png")
    return (tmp_path / "map.png").read_bytes()


@pytest.mark.parametrize(
    "text", ["Zürich", "Αθήνα", "Москва", "مدينة", "ירושלים", "$1 to $2", "x_y^z {", "a\nb"]
)
def test_names_of_common_scripts_and_signs_are_drawn_as_they_are(tmp_path, capsys, text):
    assert letters.drawable(text) == text
    drawn(tmp_path, text, ticks=(text, text))
    assert capsys.readouterr().err == ""


def test_a_sign_without_a_font_is_drawn_by_number_and_said_once(tmp_path, capsys):
    for _ in range(2):
        drawn(tmp_path, f"old {SECRET}", ticks=(SECRET, "b"))
    said = capsys.readouterr().err.splitlines()
    assert len([one for one in said if "old" in one]) == 1
    assert "No installed font has the signs" in said[0]
    assert letters.drawable(f"old {SECRET}") == "old \\ue123"
    assert letters.drawable(f"old {SECRET}", "old-town") == "old-town"


def test_a_number_looks_the_same_as_its_text(tmp_path):
    assert drawn(tmp_path, f"a{SECRET}", ticks=(SECRET,)) == drawn(tmp_path, "a\\ue123", ticks=("\\ue123",))


def test_an_installed_font_that_has_the_sign_is_used(tmp_path, secret_font, capsys):
    assert letters.drawable(SECRET, "id") == SECRET
    assert letters.families_for(f"a{SECRET}") == ["DejaVu Sans", "Secret"]
    assert letters.font_file(SECRET) == str(secret_font)
    assert drawn(tmp_path, f"a{SECRET}") != drawn(tmp_path, "a\\ue123")
    assert capsys.readouterr().err == ""


def test_panels_that_share_an_axis_keep_its_words(tmp_path):
    figure = Figure(figsize=(5, 3))
    grid = figure.subplots(2, 2, sharey=True)
    grid[0, 0].set_yticks(range(2), ["data", SECRET])
    save_figure(figure, tmp_path / "map.png")
    shown = [[one.get_text() for one in axes.get_yticklabels()] for axes in grid[:, 0]]
    assert shown == [["data", "\\ue123"], ["data", "\\ue123"]]


def test_control_signs_are_spaces():
    assert letters.drawable("a\tb\x1b[31m") == "a b [31m"


def test_a_font_that_cannot_be_read_is_passed_over(tmp_path, secret_font):
    secret_font.write_bytes(b"no font")
    forget()
    assert letters.drawable(SECRET, "id") == "id"


def test_a_sheet_of_a_city_with_foreign_names_is_drawn_in_their_letters(
    folder, secret_font, tmp_path, capsys
):
    import json

    told = json.loads((folder.path / "city.json").read_text(encoding="utf-8"))
    pictures = []
    for title in (f"{SECRET} مدينة", "مدينة"):
        (folder.path / "city.json").write_text(json.dumps(told | {"title": title}), encoding="utf-8")
        draw_sheet(City.open(folder.path), tmp_path / "sheet.png", count=2)
        pictures.append(Image.open(tmp_path / "sheet.png").tobytes())
    assert pictures[0] != pictures[1]
    assert capsys.readouterr().err == ""
