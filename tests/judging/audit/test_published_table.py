"""The published table that comes with the package: its known oddities are found by rules that know no paper."""

from __future__ import annotations

import itertools
from importlib.resources import as_file, files

import pytest

from urbanbench.board.published import read_published
from urbanbench.judging.audit import audit
from urbanbench.judging.audit.reading import read_table


@pytest.fixture(scope="module")
def findings():
    with as_file(files("urbanbench.board") / "published_urbanmfm.csv") as path:
        return audit(read_table(path, {}))


def of(findings, rule, severity=None):
    return [one for one in findings if one.rule == rule and severity in {None, one.severity}]


def test_the_row_copied_between_cities_and_the_one_copied_within_a_city_are_found(findings):
    told = [one.says for one in of(findings, "identical-rows", "suspicious")]
    assert len(told) == 2
    assert any(one.startswith("GeoVectors") and "new_york" in one and "beijing" in one for one in told)
    assert any("CityFM = UrbanMFM w/o Global Scale" in one for one in told)


def test_the_row_that_a_later_table_repeats_is_a_note(findings):
    assert [one.says.partition(":")[0] for one in of(findings, "identical-rows", "note")] == ["UrbanMFM"]


def test_one_city_implies_spreads_of_the_label_that_no_splits_explain(findings):
    told = [one for one in of(findings, "label-spread") if "neither" in one.says]
    assert [one.about for one in told] == ["popdensity, singapore, III"]
    assert dict(told[0].numbers)["ratio"] == pytest.approx(11.70 / 8.10, abs=0.01)


def test_every_pair_that_rmse_and_r2_order_oppositely_is_listed(findings):
    """Brute force over the printed numbers, with a gap of a hundredth in R²."""
    rows = {}
    for one in read_published():
        if one.metric in {"rmse", "r2"}:
            rows.setdefault((one.table, one.task, one.city), {}).setdefault(one.model, {})[one.metric] = (
                float(one.mean)
            )
    pairs = {
        (question, one, other)
        for question, models in rows.items()
        for one, other in itertools.permutations(models, 2)
        if models[one]["rmse"] < models[other]["rmse"] and models[other]["r2"] - models[one]["r2"] > 0.0099
    }
    told = of(findings, "inverted")
    assert len(told) == len(pairs) == 13
    for (table, task, city), low, high in pairs:
        own = [one.says for one in told if one.about == f"{task}, {city}, {table}"]
        assert any(says.startswith(f"{low} has") and f"beside {high} (" in says for says in own)


def test_two_cities_with_one_spread_are_noted(findings):
    assert "popdensity, new_york and beijing, III" in {one.about for one in of(findings, "cities-alike")}


def test_tails_that_differ_are_noted_with_the_rows(findings):
    told = {one.about: one.says for one in of(findings, "tails")}
    assert "Urban2Vec 0.86, GeoVectors 0.81" in told["popdensity, new_york, III"]
    assert "UrbanMFM 0.61" in told["popdensity, beijing, III"]
    assert "UrbanMFM 0.57" in told["housing, beijing, V"]


def test_spreads_of_one_share_in_a_whole_table_are_noted(findings):
    assert {one.about for one in of(findings, "even-spreads")} == {"popdensity, IV"}
    [rmse] = [one for one in of(findings, "even-spreads") if "RMSE" in one.says]
    assert "0.037 to 0.048" in rmse.says
    assert "0.024 to 0.146" in rmse.says


def test_the_class_out_of_line_is_found(findings):
    [one] = of(findings, "class-profile")
    assert "GeoVectors has 0.8822 in the class 'Commercial'" in one.says
    assert "CityFM" in one.says


def test_labels_without_a_unit_are_named(findings):
    [one] = of(findings, "units")
    assert "housing" in one.about
    assert "gdp" in one.about
    assert "popdensity" not in one.about


def test_nothing_else_is_an_alarm(findings):
    assert {one.rule for one in findings if one.severity != "note"} == {
        "identical-rows",
        "label-spread",
        "inverted",
        "class-profile",
    }
    assert not [one for one in findings if one.severity == "impossible"]
