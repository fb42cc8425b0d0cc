"""Seconds that were computed and seconds of parts that were read."""

import csv
import io

import pytest

from urbanbench.board import render
from urbanbench.board.costs import cost_entry
from urbanbench.board.rows import read_row


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (None, "12.3", 12.345),
        ([], "12.3", 12.345),
        (
            [{"part": "stage poi", "seconds": 200.0}, {"part": "text", "seconds": 31.0}],
            "12.3 + 231 read",
            243.345,
        ),
        (
            [{"part": "stage poi", "seconds": 200.0}, {"part": "x", "seconds": None}],
            "12.3 + 200 and 1 part read",
            212.345,
        ),
        ([{"part": "x", "seconds": None}] * 2, "12.3 + 2 parts read", 12.345),
        ([{"part": "x", "seconds": 0.0}], "12.3 + 0 read", 12.345),
        ("nonsense", "12.3", 12.345),
    ],
)
def test_a_cost_tells_computed_seconds_from_read_ones(make_result, read, text, value):
    entry = cost_entry(read_row(make_result("a", read=read)))
    assert (entry.text, entry.value) == (text, pytest.approx(value))


def test_a_cost_that_nobody_measured_stays_empty(make_result):
    result = make_result("a")
    result["cost"] = {}
    assert cost_entry(read_row(result)).text == ""


def test_the_footer_explains_read_seconds_only_where_there_are_some(make_result):
    read = [{"part": "stage poi", "seconds": 200.0}]
    assert "parts kept from earlier runs" in render([make_result("a", read=read)], format="md")
    assert "parts kept from earlier runs" not in render([make_result("a")], format="md")


def test_csv_has_both_kinds_of_seconds(make_result):
    read = [{"part": "stage poi", "seconds": 200.0}]
    (line, *_) = csv.DictReader(io.StringIO(render([make_result("a", read=read)], format="csv")))
    assert (line["embed_seconds"], line["embed_read_seconds"]) == ("12.345", "200.0")
    assert "stage poi" in line["embed_read"]


def test_what_a_row_cost_besides_seconds_can_be_looked_up(make_result):
    result = make_result("a")
    result["cost"] |= {"peak_rss_mb": 640.0, "weights": {"trained": 1200, "frozen": 0}, "embed_units": 500}
    tip = cost_entry(read_row(result)).tip
    assert tip == "40.5 units/s, 640 MB, 64 bytes a unit, 1200 weights trained, 0 weights of frozen encoders"
    assert "40.5 units/s, 640 MB" in render([result], format="html")
