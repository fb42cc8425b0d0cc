"""The board on a terminal: it fits, says what it leaves out, and has no markup."""

import io
import re

import pytest
from rich.cells import cell_len

from urbanbench.board import render
from urbanbench.terminal import Cell, Head, Screen, paragraph, screen_of, styled, table, widened

ESCAPE = "\x1b"


@pytest.fixture
def results(make_result):
    return [
        make_result("urbanmfm", (0.30, 0.40, 0.35), preset="small"),
        make_result("a-model-with-a-long-name", (0.50, 0.61, 0.57), preset="quick"),
        make_result("tfidf", (0.60, 0.70, 0.66), used=["poi"], floor=True, inputs="full"),
        make_result("building-stats", (0.45, 0.50, 0.48), used=["polygon"], floor=True, inputs="full"),
        make_result("上海模型", (0.10, 0.20, 0.15)),
        make_result("c", status="refused", reason="No layer. Expected one."),
    ]


def rows_of(text):
    """Lines of the first table: name to line, in order."""
    names = ("tfidf", "a-model-with-a-long-name", "building-stats", "urbanmfm", "上海模型")
    lines = text.splitlines()
    return [next(name for name in names if line.startswith(name)) for line in lines if line.startswith(names)]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_screen(results, width):
    text = render(results, format="text", screen=Screen(width))
    assert max(map(cell_len, text.splitlines())) <= width
    assert "0.65" in text


def test_there_is_no_markup_and_no_escape_where_there_are_no_colours(results):
    text = render(results, format="text")
    assert "<ins>" not in text
    assert "**" not in text
    assert "|" not in text
    assert ESCAPE not in text


def test_rows_stand_by_score_floors_among_them_and_marked(results):
    text = render(results, format="text")
    assert rows_of(text) == ["tfidf", "a-model-with-a-long-name", "building-stats", "urbanmfm", "上海模型"]
    tfidf = next(line for line in text.splitlines() if line.startswith("tfidf"))
    assert "floor" in tfidf


def test_a_better_floor_of_other_inputs_stands_above_the_model(make_result):
    results = [
        make_result("mine", (0.3, 0.4), used=["poi"], inputs="poi"),
        make_result("building-stats", (0.7, 0.8), used=["polygon"], floor=True, inputs="full"),
    ]
    text = render(results, format="text", screen=Screen(None))
    assert text.index("\nbuilding-stats  floor, other inputs") < text.index("\nmine")


def test_the_best_has_a_sign_that_is_explained(results):
    text = render(results, format="text")
    best = next(line for line in text.splitlines() if line.startswith("tfidf"))
    assert "●" in best
    assert re.search(r"● best mean", text)
    assert "◇" not in text


def _signs_and_key(results, **how):
    """Signs that are printed above the line of the key, and those that it explains."""
    lines = render(results, format="text", screen=Screen(100), **how).splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith(tuple("●○▼◇‡†")))
    end = next(place for place, line in enumerate(lines) if line.startswith("What the columns"))
    return [set("●○▼◇‡†") & set("".join(some)) for some in (lines[:at], lines[at:end])]


def test_the_key_explains_every_sign_that_is_printed_and_no_other(results, make_result):
    older = make_result("old", (0.1, 0.2, 0.3)) | {"versions": {"model": 1, "task": 1, "split": 1}}
    newer = make_result("new", (0.2, 0.3, 0.1)) | {"versions": {"model": 1, "task": 1, "split": 2}}
    own = make_result("mine", (0.1, 0.2, 0.15)) | {"own": True}
    for some in (results, [results[2], older, newer], [own, results[1]]):
        printed, explained = _signs_and_key(some)
        assert printed == explained
    assert "‡" in _signs_and_key([results[2], older, newer])[1]
    assert "†" in _signs_and_key([own, results[1]])[1]


def test_the_key_explains_a_sign_that_stands_in_a_number_of_a_pivot(results):
    printed, explained = _signs_and_key(results, pivot=True)
    assert "▼" in printed
    assert printed == explained


def test_what_has_no_room_is_named_and_wide_shows_all_with_how_to_read_it(results):
    narrow = render(results, format="text", screen=Screen(60))
    [said] = re.findall(r"Without room here: (.+?) \(--wide", " ".join(narrow.split()))
    left_out = {one.strip() for one in said.split(",")}
    assert {"dim", "inputs used"} <= left_out
    assert "R² ↑" not in left_out
    wide = render(results, format="text", screen=Screen(None))
    assert "Without room" not in wide
    head = next(line for line in wide.splitlines() if line.startswith("model "))
    assert all(title in head for title in left_out)
    assert "Nadeau and Bengio" in wide
    assert "Nadeau and Bengio" not in narrow


def test_the_effective_rank_has_a_column_where_a_row_has_one(results):
    assert "effective rank" not in render(results, format="text", screen=Screen(None))
    results[0]["model"]["effective_rank"] = 7.83
    wide = render(results, format="text", screen=Screen(None))
    assert "effective rank" in wide
    assert "7.83" in next(line for line in wide.splitlines() if line.startswith("urbanmfm"))
    assert "Effective rank is how many" in " ".join(wide.split())


def test_notes_stand_below_the_table(results):
    lines = render(results, format="text").splitlines()
    rule = next(place for place, line in enumerate(lines) if set(line) == {"─"})
    note = next(
        place for place, line in enumerate(lines) if line.startswith("  urbanmfm (small): ▼ below tfidf")
    )
    assert note > rule + 5


def test_colours_bring_no_other_words(results):
    plain, coloured = (render(results, format="text", screen=Screen(100, colour)) for colour in (False, True))
    assert ESCAPE in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colour"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
    ids=["terminal", "NO_COLOR", "dumb", "pipe"],
)
def test_colours_are_for_terminals_that_want_them(monkeypatch, stream, environment, colour):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert screen_of(stream).colour is colour


def test_a_pipe_has_a_hundred_columns_whatever_the_shell_says_and_wide_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "237")
    assert screen_of(io.StringIO()).width == 100
    assert screen_of(Terminal()).width == 237
    with widened(True):
        assert screen_of(io.StringIO()).width is None


def test_a_wide_cell_is_folded_and_numbers_are_not():
    made = table(
        [Head("name"), Head("words"), Head("score of it", number=True)],
        [[Cell("a"), Cell("one two three four five six"), Cell("0.1 ± 0.2")]],
        Screen(34),
    )
    assert made.splitlines()[-2].split("  ")[0] == "a"
    assert "0.1 ± 0.2" in made
    assert max(map(len, made.splitlines())) <= 34
    assert " ".join(re.findall(r"one|two|three|four|five|six", made)) == "one two three four five six"


def test_long_words_without_blanks_are_folded_too():
    made = table([Head("a"), Head("b")], [[Cell("x" * 90), Cell("y" * 90)]], Screen(40))
    assert max(map(len, made.splitlines())) <= 40
    assert made.count("x") == made.count("y") == 90


def test_paragraphs_hang_under_their_first_word():
    text = paragraph("word " * 12, Screen(30), first="- ")
    first, *rest = text.splitlines()
    assert first.startswith("- word")
    assert rest
    assert all(line.startswith("  word") for line in rest)
    assert paragraph("word " * 12, Screen(None), first="- ").count("\n") == 0


def test_styles_are_left_out_where_none_are_shown():
    assert styled("x", "bold", Screen(colour=False)) == "x"
    assert ESCAPE in styled("x", "bold", Screen(colour=True))
