"""The paper's numbers: complete, in our scale, and only ever beside ours."""

import statistics

import pytest

from urbanbench.board import render
from urbanbench.board.published import for_row, for_task, listed_for, read_published

UNIFIED = frozenset({"poi", "polygon"})


def numbers(**wanted):
    return [
        one for one in read_published() if all(getattr(one, name) == value for name, value in wanted.items())
    ]


def test_every_table_of_scores_is_there():
    counts = {
        table: len([one for one in numbers(table=table) if one.metric != "f1_macro"])
        for table in ("III", "IV", "V", "VI", "VII", "VIII")
    }
    assert counts == {
        "III": 12 * 3 * 3,
        "IV": 3 * 3 * 3,
        "V": 8 * 3,
        "VI": 8 * 3,
        "VII": 4 * 8,
        "VIII": 2 * 3,
    }


def test_numbers_are_the_printed_ones_in_our_scale():
    (main,) = numbers(table="III", city="singapore", model="UrbanMFM", metric="r2")
    assert (main.text, main.value) == ("0.87 ± 0.02", 0.87)
    (percent,) = numbers(model="CityFM", metric="f1[Residential]")
    assert (percent.text, percent.value) == ("0.9603", 0.9603)


@pytest.mark.parametrize("model", ["GeoVectors", "SpaBERT", "CityFM", "UrbanMFM"])
def test_macro_f1_is_the_mean_of_the_printed_classes_and_says_so(model):
    (macro,) = numbers(model=model, metric="f1_macro")
    classes = [one.value for one in numbers(model=model, table="VII") if one.metric.startswith("f1[")]
    assert macro.value == pytest.approx(statistics.fmean(classes), abs=5e-5)
    assert "Not printed" in macro.note


def test_repeated_rows_carry_a_note():
    rows = {}
    for one in numbers(table="III"):
        rows.setdefault((one.city, one.model), []).append(one)
    printed = {key: tuple((one.metric, one.mean, one.std) for one in row) for key, row in rows.items()}
    repeated = [key for key, row in printed.items() if list(printed.values()).count(row) > 1]
    assert len(repeated) == 4
    assert all("digit for digit" in one.note for key in repeated for one in rows[key])


def test_names_match_whatever_their_case_and_separators():
    found = for_task("building-function", "Singapore", ["f1_macro"])
    assert {one.model for one in found} == {"GeoVectors", "SpaBERT", "CityFM", "UrbanMFM"}
    assert (
        len(for_task("popdensity", "New York", ["r2"])) == len(for_task("popdensity", "new_york", ["r2"])) > 0
    )
    assert for_task("popdensity", "helsinki", ["r2"]) == []


def test_the_unified_setting_is_matched_by_inputs_alone():
    found = for_task("popdensity", "singapore", ["r2"])
    assert for_row(found, "urbanmfm", UNIFIED)["r2"].table == "IV"
    assert for_row(found, "urbanmfm", UNIFIED | {"road"})["r2"].table == "III"
    assert for_row(found, "hgi", UNIFIED) == {}


def test_published_numbers_change_no_mark_and_no_number_of_ours(make_result):
    results = [
        make_result("urbanmfm", (0.1, 0.2)),
        make_result("cityfm", (0.3, 0.4)),
        make_result("tfidf", floor=True),
    ]
    ours = render(results, format="md")
    both = render(results, format="md", published=True)
    marked = [line for line in both.splitlines() if "**" in line and "Warning" not in line]
    assert len(marked) == 1
    assert marked[0].startswith("| cityfm")
    assert "0.65 ± 0.02" in marked[0]
    assert "published" not in ours
    for text in ("R², published (Table IV)", "for display, never ranked", "GeoVectors", "Table VIII"):
        assert text.removeprefix("Table ") in both
    assert both.count("### Published, UrbanMFM paper") == 1


def test_the_papers_other_rows_are_listed_once_per_task(make_result):
    results = [make_result("urbanmfm"), make_result("urbanmfm", split="block", block_size_m=900.0)]
    assert render(results, format="md", published=True).count("### Published, UrbanMFM paper") == 1


def test_cities_the_paper_does_not_have_get_no_columns(make_result):
    text = render([make_result("urbanmfm", city="helsinki")], format="md", published=True)
    assert "published (" not in text
    assert "### Published" not in text


def asked(make_result, task="geolocation", **words):
    return make_result("uge", task=task, kind="retrieval", split="area", head="cosine", unit="", **words)


def test_figures_of_ugbench_are_those_that_are_listed():
    tasks = ("geolocation", "image-retrieval", "perception", "spatial-grounding")
    found = [
        (one.task, one.city, one.setting, one.text) for task in tasks for one in listed_for(task, ["hit@5"])
    ]
    training, held_out = "one of the cities of training", "a held-out city"
    assert found == [
        ("geolocation", "new_york", training, "0.5885"),
        ("spatial-grounding", "singapore", f"nearest POI, {training}", "0.7077"),
        ("spatial-grounding", "paris", f"nearest POI, {held_out}", "0.4885"),
        ("spatial-grounding", "beijing", f"nearest POI, {held_out}", "0.7538"),
        ("spatial-grounding", "new_york", f"distance and direction, {training}", "0.4435"),
    ]
    assert listed_for("geolocation", ["mrr"]) == []


def test_what_is_listed_of_ugbench_stands_once_beside_its_tasks_in_any_city_and_says_what_is_not_known(
    make_result,
):
    results = [
        asked(make_result, city=city, task=task)
        for city in ("toyville", "shenzhen")
        for task in ("geolocation", "perception")
    ]
    ours, both = (render(results, format="md", published=one) for one in (False, True))
    assert "UGBench" not in ours
    sections = both.split("## ")
    assert sum("Published, UGBench" in one for one in sections) == 2  # of geolocation, once in each city
    assert both.count("0.5885") == 2
    assert "Which model they are of" in both
    assert "chance is not known either" in both


def test_the_footer_names_the_papers_that_tables_are_about_and_no_others(make_result):
    regions, places = make_result("urbanmfm"), asked(make_result, task="image-retrieval")
    for results, papers in (
        ([regions], {"UrbanMFM"}),
        ([places], {"UGBench"}),
        ([regions, places], {"UrbanMFM", "UGBench"}),
    ):
        text = render(results, format="md", published=True)
        said = {
            "UrbanMFM": "Published numbers are from",
            "UGBench": "the abstract claims gains of up to 44 %",
        }
        assert {paper for paper, words in said.items() if words in text} == papers
