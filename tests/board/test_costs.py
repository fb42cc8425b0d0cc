"""Seconds that were computed and seconds of parts that were read."""

import csv
import io

import pytest

from urbanbench.board import render
from urbanbench.board.costs import cost_entry, costs_of, processor_text
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


def with_processors(result, **cost):
    result["cost"] |= {"embed_processor_seconds": 9.5, "head_processor_seconds": 0.75} | cost
    return result


def test_seconds_of_processors_stand_beside_those_of_the_clock(make_result):
    costs = costs_of(read_row(with_processors(make_result("a"))))
    assert (costs.seconds, costs.processor_seconds, costs.processor_misses) == (13.345, 10.25, ())
    assert processor_text(costs) == "10.2"
    tip = cost_entry(read_row(with_processors(make_result("a"), embed_units=5))).tip
    assert tip.startswith("9.5")
    assert " s of processor, " in tip
    (line, *_) = csv.DictReader(io.StringIO(render([with_processors(make_result("a"))], format="csv")))
    assert (line["embed_processor_seconds"], line["head_processor_seconds"]) == ("9.5", "0.75")


def test_what_processors_do_not_count_is_said_once(make_result):
    read = [{"part": "stage poi", "seconds": 200.0}]
    missed = {"embed_processor_misses": ["the GPU's work"], "head_processor_misses": ["the GPU's work"]}
    costs = costs_of(read_row(with_processors(make_result("a", read=read), **missed)))
    assert costs.processor_misses == ("the GPU's work", "parts read")
    assert processor_text(costs).startswith("≥ ")


@pytest.mark.parametrize("lacking", ["embed_processor_seconds", "head_processor_seconds", "both"])
def test_a_row_of_before_has_no_seconds_of_processors(make_result, lacking):
    result = with_processors(make_result("a", read=[{"part": "x", "seconds": 1.0}]))
    for name in ("embed_processor_seconds", "head_processor_seconds"):
        if lacking in (name, "both"):
            del result["cost"][name]
    costs = costs_of(read_row(result))
    assert (costs.processor_seconds, processor_text(costs)) == (None, "")
    assert costs.processor_misses == (() if lacking == "both" else ("parts read",))
