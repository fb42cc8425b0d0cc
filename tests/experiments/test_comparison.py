"""Comparisons: every number where it belongs, and a word where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from urbanbench.experiments import Choice
from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.result import RunSpec

FULL, PART = (0.50, 0.62, 0.71), (0.40, 0.61, 0.60)
SEEDS = (0, 1, 2)


@pytest.fixture
def ablation():
    return Comparison(
        name="mine",
        title="Mine",
        item="Table III",
        question="What?",
        contenders=(
            Contender("CityFM", "no-such-model", published="CityFM"),
            Contender("UrbanMFM", "tfidf", published="UrbanMFM"),
            Contender(
                "w/o local", "tfidf", inputs="poi", published="UrbanMFM w/o Local Scale", group="Ablation"
            ),
            Contender(
                "no pictures", "tfidf", inputs="poi,polygon", group="Ablation", without=("street_view",)
            ),
        ),
        full="UrbanMFM",
        ablations=("Ablation",),
        table="III",
    )


def choose(experiment, city="singapore", splits=("random",), **rest):
    return experiment.settled(Choice(cities=(city,), splits=splits, seeds=SEEDS, **rest))


def cells(table):
    """Row label -> column title -> text."""
    return {
        line.entries[0].text: {c.title: e.text for c, e in zip(table.columns, line.entries, strict=True)}
        for line in table.lines
    }


def test_ours_differences_and_published_stand_in_columns_of_their_own(ablation, answer):
    choice = choose(ablation)
    _, full, part, _ = ablation.specs(choice)
    report = ablation.show([answer(full, FULL), answer(part, PART)], choice)
    models, ablated = report.sections[0].tables
    row = cells(ablated)["w/o local"]
    change = np.subtract(PART, FULL)
    assert row["R² ↑"] == f"{np.mean(PART):.3f} ± {np.std(PART, ddof=1):.3f}"
    assert row["Δ R²"] == f"{change.mean():.3f} ± {change.std(ddof=1):.3f}"
    assert row["RMSE, published (Table III)"] == "4.14 ± 0.24"
    assert row["Δ R², published (Table III)"] == "-0.01"
    assert cells(ablated)["UrbanMFM"]["Δ R²"] == ""
    assert cells(models)["UrbanMFM"]["R², published (Table III)"] == "0.87 ± 0.02"
    for table in (models, ablated):
        for column in table.columns:
            assert column.published == ("published" in column.title)
        assert not any(entry.mark for line in table.lines for entry in line.entries)


def test_rows_without_numbers_say_why_and_keep_the_papers(ablation, answer):
    choice = choose(ablation)
    _, full, part, _ = ablation.specs(choice)
    refused = answer(
        part, status="refused", reason="City 'singapore' has no label 'popdensity'. Its labels: none."
    )
    models, ablated = ablation.show([answer(full, FULL), refused], choice).sections[0].tables
    assert cells(models)["CityFM"]["R² ↑"] == "not in this version"
    assert cells(models)["CityFM"]["note"] == "Unknown model 'no-such-model'"
    assert cells(models)["CityFM"]["MAE, published (Table III)"] == "3.20 ± 0.23*"
    assert cells(ablated)["w/o local"]["R² ↑"] == "no label"
    assert cells(ablated)["no pictures"]["R² ↑"] == "not run"
    failed = answer(part, status="failed", reason="ValueError: broke")
    _, ablated = ablation.show([failed], choice).sections[0].tables
    assert (cells(ablated)["w/o local"]["R² ↑"], cells(ablated)["w/o local"]["note"]) == (
        "failed",
        "failed: ValueError: broke",
    )


def test_an_input_the_city_lacks_is_told(ablation, answer):
    choice = choose(ablation)
    _, full, _, hidden = ablation.specs(choice)
    ablated = ablation.show([answer(full, FULL), answer(hidden, FULL)], choice).sections[0].tables[1]
    assert "the city has no street_view: same inputs as the full row" in cells(ablated)["no pictures"]["note"]


def test_a_row_that_saw_less_than_its_label_says_shows_no_numbers(answer):
    experiment = Comparison(
        name="flows",
        title="Flows",
        item="Table VIII",
        question="What?",
        contenders=(Contender("with flows", "tfidf", needs=("flow",)),),
    )
    choice = choose(experiment)
    [spec] = experiment.specs(choice)
    [table] = experiment.show([answer(spec, FULL)], choice).sections[0].tables
    assert cells(table)["with flows"]["R² ↑"] == "no data"
    [table] = experiment.show([answer(spec, FULL, used=("poi", "flow"))], choice).sections[0].tables
    assert cells(table)["with flows"]["R² ↑"].startswith("0.61")


def test_the_best_floor_sees_no_more_and_flags_rows_below_it(ablation, answer):
    choice = choose(ablation)
    _, full, _, _ = ablation.specs(choice)
    place = {"task": "popdensity", "city": "singapore", "seeds": SEEDS}
    good = answer(RunSpec("poi-counts", **place), (0.7, 0.8, 0.9), floor=True, used=("poi",))
    poor = answer(RunSpec("area", **place), (0.1, 0.2, 0.3), floor=True, used=("polygon",))
    unfair = answer(RunSpec("flow-rows", **place), (0.9, 0.9, 0.9), floor=True, used=("flow",))
    told = cells(ablation.show([answer(full, FULL), good, poor, unfair], choice).sections[0].tables[0])
    assert told["best floor of these inputs: poi-counts"]["R² ↑"] == "0.800 ± 0.100"
    assert told["UrbanMFM ▼"]["note"].startswith("▼ below poi-counts")
    told = cells(ablation.show([answer(full, FULL), poor, unfair], choice).sections[0].tables[0])
    assert {"best floor of these inputs: area", "UrbanMFM"} <= set(told)


def test_published_numbers_stand_beside_random_splits_only_and_other_cities_apart(ablation, answer):
    choice = choose(ablation, splits=("random", "block"))
    report = ablation.show([], choice)
    by_title = {section.title: section for section in report.sections}
    block = by_title["singapore · popdensity · block"].tables[0]
    assert not any(column.published for column in block.columns)
    alone = by_title["Published only"].tables
    assert [table.title.partition(": ")[2] for table in alone] == [
        "new_york, popdensity",
        "beijing, popdensity",
    ]
    assert all(column.published for table in alone for column in table.columns)
    only_block = ablation.show([], choose(ablation, splits=("block",)))
    assert len(only_block.sections[-1].tables) == 3


def test_other_seeds_are_shown_with_a_remark_and_without_differences(ablation, answer):
    from dataclasses import replace

    choice = choose(ablation)
    _, full, part, _ = ablation.specs(choice)
    fewer = answer(replace(part, seeds=(0, 1)), PART[:2])
    ablated = ablation.show([answer(full, FULL), fewer], choice).sections[0].tables[1]
    assert cells(ablated)["w/o local"]["Δ R²"] == ""
    assert "2 seeds instead of 3" in cells(ablated)["w/o local"]["note"]


def test_settings_reach_the_models_that_have_them_and_rows_keep_their_own():
    chosen = Choice(
        settings=(("epochs", "2"), ("stages", "poi"), ("max_features", "9")), cities=("toyville",)
    )
    rows = Comparison(
        name="s",
        title="S",
        item="none",
        question="?",
        contenders=(
            Contender("a", "urbanmfm", (("stages", "local"),)),
            Contender("b", "area"),
            Contender("c", "no-such-model"),
        ),
    )
    first, second, third = rows.specs(rows.settled(chosen))[:3]
    assert dict(first.settings) == {"epochs": "2", "stages": "local"}
    assert second.settings == third.settings == ()


@pytest.mark.parametrize(("item", "heading"), [("none", "Rows"), ("Table IV", "Rows (Table IV)")])
def test_a_heading_names_an_item_of_the_paper_only_where_there_is_one(item, heading):
    made = Comparison(name="r", title="Rows", item=item, question="?", contenders=(Contender("b", "area"),))
    assert made.show([], made.settled(Choice())).title == heading


def test_f1_per_class_stands_beside_the_printed_shares(answer):
    experiment = Comparison(
        name="classes",
        title="Classes",
        item="Table VII",
        question="?",
        tasks=("building_function",),
        contenders=(Contender("UrbanMFM", "tfidf", published="UrbanMFM"),),
        table="VII",
        per_class=True,
    )
    choice = choose(experiment)
    [spec] = experiment.specs(choice)
    f1 = {"f1_macro": [0.5, 0.6, 0.7], "f1[residential]": [0.8, 0.9, 1.0]}
    table = experiment.show([answer(spec, FULL, **f1)], choice).sections[0].tables[1]
    row = cells(table)["residential"]
    assert row == {
        "class": "residential",
        "UrbanMFM": "0.900 ± 0.100",
        "UrbanMFM, published (Table VII)": "0.9583",
    }
