"""How much of its objects a row used, what it lacks, and whether it knows where it is: said where the numbers stand."""

import csv
import io
import json

import pytest

from urbanbench.board import render
from urbanbench.board.blocks import make_groups
from urbanbench.board.knowing import parts_of
from urbanbench.board.labels import row_label
from urbanbench.board.marks import above_floor
from urbanbench.board.rows import read_row, read_rows
from urbanbench.board.used import saw_text


def told(result, *, saw=None, lacks=None, place=None):
    """Give a result what rows of today say of themselves."""
    said = {"saw": saw, "lacks": lacks, "knows_place": place}
    result["model"] |= {name: value for name, value in said.items() if value is not None}
    return result


def counts(**kinds):
    return {kind: {"used": used, "of": of} for kind, (used, of) in kinds.items()}


def table_lines(text):
    return [" ".join(line.replace("\xa0", " ").split()) for line in text.splitlines() if line.startswith("|")]


def test_a_gap_stands_beside_the_numbers_in_every_format(make_result):
    saw = counts(poi=(25_999, 38_986), poi_with_footprint=(3_900, 38_986), polygon=(8_678, 108_473))
    results = [told(make_result("urbanmfm", preset="small"), saw=saw, lacks=[], place="")]
    said = "POIs 67 % (10 % with their footprint), footprints 8 %"
    for style in ("md", "html"):
        assert said in render(results, format=style).replace("\xa0", " ")
    assert said.replace("%", "\\%") in render(results, format="tex").replace("\xa0", " ")
    assert "8,678 of 108,473 footprints" in render(results, format="html")
    (line, *_) = csv.DictReader(io.StringIO(render(results, format="csv")))
    assert json.loads(line["saw"])["polygon"] == {"used": 8_678, "of": 108_473}


@pytest.mark.parametrize(
    ("saw", "used", "wanted"),
    [
        (counts(poi=(9, 9)), ["poi"], "all"),
        (counts(poi=(0, 9)), ["poi"], "POIs 0 %"),
        (counts(poi=(1, 999), polygon=(998, 999)), ["poi", "polygon"], "POIs <1 %, footprints >99 %"),
        (counts(poi=(9, 9), satellite=(1, 2)), ["poi", "satellite"], "satellite pictures 50 %"),
        (counts(poi=(9, 9)), ["poi", "street_view"], "street views not recorded"),
        (counts(poi=(9, 9), poi_with_footprint=(3, 9)), ["poi"], "POIs 100 % (33 % with their footprint)"),
        ({}, ["coordinates", "road"], ""),
        ({}, ["poi"], "not recorded"),
        (None, ["poi", "polygon"], "not recorded"),
        (None, [], ""),
        ({"poi": {"used": 5, "of": 2}, "polygon": 7}, ["poi"], "not recorded"),
    ],
)
def test_shares_are_said_of_what_was_used_in_part(make_result, saw, used, wanted):
    row = read_row(told(make_result("a", used=used), saw=saw))
    assert saw_text(row).replace("\xa0", " ") == wanted


def test_vectors_of_which_nobody_says_what_they_were_made_of_are_not_recorded(make_result):
    given = told(make_result("mine", used=(), allowed=("given",), inputs="given"), saw={})
    assert saw_text(read_row(given)) == "not recorded"


def test_old_rows_say_that_they_were_not_recorded_and_a_table_of_old_rows_has_no_column(make_result):
    old = make_result("hgi")
    text = render([old], format="md")
    assert "| saw " not in text
    assert '"not recorded". Tables of such rows alone lack the column saw.' in text
    mixed = render(
        [old, told(make_result("tfidf", (0.1, 0.2), floor=True), saw=counts(poi=(9, 9)))], format="md"
    )
    by_name = {line.split(" | ")[0]: line for line in table_lines(mixed)}
    assert " | not recorded | " in by_name["| hgi"]


def test_what_a_row_lacks_is_part_of_its_name(make_result):
    lacking = told(make_result("cityfm", preset="small"), lacks=["no stage road"])
    old = make_result("musecl")
    old["model"]["variant"] = {"left out": "street views"}
    rows = read_rows([lacking, old])
    assert [row_label(row, rows) for row in rows] == [
        "cityfm (small, no stage road)",
        "musecl (left out: street views)",
    ]


def test_a_positional_encoding_is_part_of_the_name(make_result):
    placed = told(
        make_result("cityfm", settings={"with_pe": True}, parameters={"with_pe": True}),
        lacks=["no stage road"],
    )
    (row,) = read_rows([placed])
    assert row_label(row, [row]) == "cityfm (+pe, no stage road)"


def test_rows_that_lack_a_part_or_were_not_trained_are_not_counted_among_the_learned(make_result):
    untrained = make_result("start", (0.8, 0.8)) | {"training": [{"name": "poi", "skipped": "no pictures"}]}
    results = [
        make_result("tfidf", (0.5, 0.5), floor=True),
        told(make_result("a", (0.6, 0.6)), lacks=[]),
        told(make_result("b", (0.4, 0.4)), lacks=[]),
        told(make_result("c", (0.9, 0.9)), lacks=["no stage road"]),
        told(make_result("still", (0.7, 0.7)) | {"training": []}, lacks=[]),
        told(untrained, lacks=[]),
        make_result("theirs", (0.5, 0.5), model_file_digest="f" * 16) | {"training": []},
    ]
    ((block,),) = [group.blocks for group in make_groups(read_rows(results))]
    assert above_floor(block, block.models) == (2, 3)
    kinds = {row.name: row.kind for row in block.scored}
    assert {name for name, kind in kinds.items() if kind == "frozen"} == {"still", "start"}
    assert {name for name, kind in kinds.items() if kind == "learned"} == {"a", "b", "c", "theirs"}
    elsewhere = [make_result("d", task="gdp"), make_result("tfidf", task="gdp", floor=True)]
    text = render([*results, *elsewhere], format="md")
    assert any(line.endswith("| 2 of 3 |") for line in table_lines(text))
    assert "not counted among the learned models" in text


def test_without_a_floor_nothing_is_counted(make_result):
    ((block,),) = [group.blocks for group in make_groups(read_rows([told(make_result("a"), lacks=[])]))]
    assert above_floor(block, block.models) is None


def placed(make_result):
    return [
        told(make_result("a", (0.6, 0.6)), place="", lacks=[]),
        told(make_result("a2", (0.5, 0.5)), place="", lacks=[]),
        told(make_result("geo", (0.9, 0.9)), place="walks between near objects", lacks=[]),
        told(make_result("hgi", (0.8, 0.8)), place="graph of neighbouring regions", lacks=[]),
        make_result("older", (0.7, 0.7)),
        make_result("tfidf", (0.75, 0.75), floor=True),
        make_result("coordinates", (0.85, 0.85), used=("coordinates",), floor=True),
    ]


def test_rows_that_know_where_they_are_stand_in_a_table_of_their_own(make_result):
    text = render(placed(make_result), format="md")
    tables = [one for one in text.split("\n### ") if one.startswith("Inputs: ")]
    first, second, third = (
        [line.split(" | ")[0].removeprefix("| ") for line in table_lines(one)[2:]] for one in tables
    )
    assert first == ["tfidf", "a ▼", "a2 ▼"]
    assert second == ["geo", "coordinates", "hgi ▼"]
    assert third == ["older ▼"]
    assert (
        "rows that know where they are (walks between near objects; graph of neighbouring regions)"
        in tables[1]
    )
    assert "**<ins>0.750 ± 0</ins>**" in tables[0]
    assert "**<ins>0.900 ± 0</ins>**" in tables[1]
    assert "**0.850 ± 0**" not in tables[1]


def test_floors_that_no_model_of_their_table_can_be_held_against_are_not_told_again(make_result):
    placed, wide = "position encoding", "poi,polygon,coordinates"
    knows = told(
        make_result("b", (0.6, 0.6), inputs=wide, used=("poi", "coordinates")), place=placed, lacks=[]
    )
    floors = [
        make_result("tfidf", (0.75, 0.75), floor=True),
        make_result("coordinates", (0.3, 0.3), used=("coordinates",), floor=True),
    ]

    def shown(*results):
        tables = [
            one
            for one in render([*results, *floors], format="md").split("\n### ")
            if one.startswith("Inputs: ")
        ]
        return [[line.split(" | ")[0].removeprefix("| ") for line in table_lines(one)[2:]] for one in tables]

    assert shown(knows) == [["tfidf"], ["b ▼", "coordinates"]]
    plain = told(make_result("a", (0.5, 0.5)), place="", lacks=[])
    assert shown(knows, plain) == [["tfidf", "a ▼", "coordinates"], ["b ▼", "coordinates"]]
    refused = make_result("cityfm", inputs=wide, status="refused", reason="No layer.")
    assert shown(knows, plain, refused)[1] == ["tfidf", "cityfm"]


def test_a_block_is_whole_where_only_floors_know_where_they_are(make_result):
    results = [
        told(make_result("a"), place=""),
        make_result("older"),
        make_result("coordinates", used=("coordinates",), floor=True),
    ]
    ((block,),) = [group.blocks for group in make_groups(read_rows(results))]
    (part,) = parts_of(block)
    assert part.block is block


def test_no_row_is_lost_or_doubled_by_the_parts(make_result):
    refused = make_result("cityfm", status="refused", reason="No layer.")
    ((block,),) = [group.blocks for group in make_groups(read_rows([*placed(make_result), refused]))]
    parts = parts_of(block)
    names = [row.name for part in parts for row in (*part.block.shown, *part.block.unscored)]
    assert sorted(names) == sorted(row.name for row in (*block.shown, *block.unscored))


def test_the_csv_says_what_a_row_lacks_and_knows(make_result):
    result = told(make_result("a"), lacks=["no words", "no stage road"], place="position encoding")
    (line, *_) = csv.DictReader(io.StringIO(render([result], format="csv")))
    assert (line["lacks"], line["knows_place"]) == ("no words; no stage road", "position encoding")
    assert line["saw"] == "not recorded"
