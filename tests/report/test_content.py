"""What the page is made of, against what results and predictions say."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from tests.page_data import data_of

from urbanbench.predictions import write_predictions
from urbanbench.report.content import content_of
from urbanbench.report.html import page_of
from urbanbench.report.outlines import Grid
from urbanbench.report.predicted import packed
from urbanbench.store import ResultStore, predictions_beside


def unpacked(told):
    codes = np.frombuffer(base64.b64decode(told["text"]), dtype="<u2")
    values = told["low"] + codes / 65534 * (told["high"] - told["low"])
    return np.where(codes == 65535, np.nan, values)


def walked(steps):
    return np.cumsum(np.array(steps).reshape(-1, 2), axis=0)


def test_packed_numbers_come_back_within_a_step_of_their_scale():
    values = np.array([3.5, np.nan, -2.0, 100.25, 0.0])
    told = packed(values)
    assert unpacked(told) == pytest.approx(values, abs=(100.25 + 2.0) / 65534, nan_ok=True)
    assert packed(np.array([np.nan])) == {}
    assert unpacked(packed(np.array([4.0, 4.0]))) == pytest.approx([4.0, 4.0])


def test_steps_lead_back_to_the_corners_they_were_made_of():
    corners = np.array([[1000.0, 2000.0], [1500.0, 2000.0], [1500.0, 2900.0], [1000.0, 2000.0]])
    grid = Grid(np.array([1000.0, 2000.0, 3400.0, 4400.0]))
    found = walked(grid.steps(corners)) * grid.metres
    assert found[:, 0] + 1000.0 == pytest.approx(corners[:, 0], abs=grid.metres)
    assert 4400.0 - found[:, 1] == pytest.approx(corners[:, 1], abs=grid.metres)


def test_rows_have_the_scores_of_their_results(page, results):
    rows = {row["files"][0]: row for row in data_of(page)["rows"]}
    found = results.load_all()
    assert len(found) == len(rows) == 16
    for result in found:
        row = rows[result.cell.file_name]
        assert row["score"]["values"] == pytest.approx(result.scores["r2"], rel=1e-4)
        assert row["score"]["mean"] == pytest.approx(np.mean(result.scores["r2"]), rel=1e-5)
        assert row["score"]["sd"] == pytest.approx(np.std(result.scores["r2"], ddof=1), rel=1e-4)
        assert row["others"]["rmse"][1] == pytest.approx(np.mean(result.scores["rmse"]), rel=1e-4)


def test_no_credit_is_given_where_a_folder_says_that_none_is_needed(page):
    told = data_of(page)
    village = told["cities"]["village"]
    credited = [one["attribution"] for name in ("layers", "labels") for one in village[name].values()]
    assert not any([*credited, village["source"].get("attribution")])
    assert {one["credit"] for one in told["maps"].values()} == {"drawn for a test"}


def test_bold_rows_are_those_of_the_board(page, results):
    """The board's own marks, read from its CSV, where each row stands in a table of the same inputs and head."""
    import csv

    from urbanbench.board import render

    told = data_of(page)
    lines = list(
        csv.DictReader(render([one.to_dict() for one in results.load_all()], format="csv").splitlines())
    )
    bold = {
        (line["run_id"][:10], line["city"], line["task"], line["split"])
        for line in lines
        if line["metric"] == "r2" and line["mark"]
    }
    ours = {
        (told["rows"][line["row"]]["id"], question["city"], question["task"], question["split"])
        for question in told["questions"]
        for table in question["tables"]
        for line in table["lines"]
        if line.get("mark")
    }
    assert ours == bold


def test_maps_hold_the_mean_prediction_of_every_unit(page, results):
    told = data_of(page)
    ids = told["outlines"][told["cities"]["village"]["outlines"]]["ids"]
    assert len(told["said"]) == 16
    for place, said in told["said"].items():
        row = told["rows"][int(place)]
        [result] = [one for one in results.load_all() if one.cell.file_name == row["files"][0]]
        table = results.read_predictions(results.path_of(result.cell), result.cell)
        means = table.groupby("unit_id")["predicted"].mean().reindex(ids)
        assert unpacked(said["said"]) == pytest.approx(means.to_numpy(), rel=1e-3, abs=1e-3, nan_ok=True)


def test_an_own_run_and_the_reference_row_of_its_cell_have_a_map_each(results, tmp_path):
    folder = shutil.copytree(results.folder, tmp_path / "runs")
    theirs = next(one for one in results.load_all() if one.cell.model == "poi-counts")
    path = ResultStore(folder).path_of(theirs.cell)
    told = json.loads(path.read_text(encoding="utf-8"))
    told["scores"] = {metric: [one - 0.1 for one in numbers] for metric, numbers in told["scores"].items()}
    path.write_text(json.dumps(told), encoding="utf-8")
    frame = ResultStore.read_predictions(path, theirs.cell)
    frame["predicted"] += 1000.0
    arrays = {name: frame[name].to_numpy() for name in frame}
    write_predictions(arrays, predictions_beside(path), theirs.run_id)
    ours = replace(ResultStore.read(path), own=True)
    shown = content_of([theirs, ours])
    maps = {row["id"]: unpacked(shown["said"][str(place)]["said"]) for place, row in enumerate(shown["rows"])}
    assert len(maps) == 2
    first, second = (maps[name] for name in sorted(maps, key=len))
    assert np.nanmean(second - first) == pytest.approx(1000.0, abs=1.0)


def test_outlines_keep_the_area_of_the_regions(page, village):
    import shapely

    from urbanbench.city.city import City

    told = data_of(page)
    outlines = told["outlines"][told["cities"]["village"]["outlines"]]
    areas = [shapely.Polygon(walked(rings[0])).area * outlines["metres"] ** 2 for rings in outlines["rings"]]
    assert areas == pytest.approx(City.open(village).regions.geometry.area.to_numpy(), rel=0.01)


def test_the_same_results_give_the_same_page(results):
    loaded = results.load_all()
    first, second = (content_of(some, maps=False) for some in (loaded, loaded[::-1]))
    assert page_of(first) == page_of(second)


def test_addresses_of_questions_do_not_hang_on_what_else_was_run(results):
    loaded = results.load_all()
    whole = {question["id"] for question in content_of(loaded, maps=False)["questions"]}
    some = content_of([one for one in loaded if one.cell.split == "block"], maps=False)["questions"]
    assert whole == {
        f"village/{task}/{split}" for task in ("income", "popdensity") for split in ("random", "block")
    }
    assert {question["id"] for question in some} <= whole


def test_maps_give_way_where_the_page_would_be_too_large(results):
    loaded = results.load_all()
    small = content_of(loaded, most=1)
    assert not small["said"]
    assert len(small["rows"]) == 16


def test_results_of_a_metric_that_is_not_known_are_shown_and_never_ranked(results):
    from dataclasses import replace

    strange = [
        replace(
            one,
            scores={"mrr_of_mine": one.scores["r2"]},
            evaluation={**one.evaluation, "main_metric": "mrr_of_mine"},
            task={**one.task, "kind": "retrieval"},
        )
        for one in results.load_all()
    ]
    content = content_of(strange)
    assert content["metrics"]["mrr_of_mine"] == {"title": "mrr_of_mine", "sign": 0}
    assert not any(
        line.get("mark") or line.get("rank")
        for question in content["questions"]
        for table in question["tables"]
        for line in table["lines"]
    )
    assert json.dumps(content)


def test_what_lots_and_one_who_knows_the_place_score_stands_beside_a_retrieval_alone(results):
    from dataclasses import replace

    loaded = results.load_all()
    levels = {"chance": {"r2": 0.25}, "oracle": {"r2": 0.5}, "candidates": {"pool": 30, "sizes": {}}}
    asked = [replace(one, evaluation={**one.evaluation, **levels}) for one in loaded]

    def shown(some):
        return [
            [(one["name"], one["score"]) for one in table["levels"]]
            for question in content_of(some, maps=False)["questions"]
            for table in question["tables"]
        ]

    assert all(one == [("oracle", "0.500"), ("chance", "0.250")] for one in shown(asked))
    assert not any(shown(loaded))


def test_figures_of_ugbench_stand_beside_its_tasks_with_what_is_not_known_of_them(results):
    from dataclasses import replace

    loaded = [one for one in results.load_all() if one.cell.task == "income"]

    def told(task, published=True):
        asked = [
            replace(
                one,
                cell=replace(one.cell, task=task),
                scores={"hit@5": [0.5] * len(one.scores["r2"])},
                evaluation={**one.evaluation, "main_metric": "hit@5"},
            )
            for one in loaded
        ]
        (first, *_) = content_of(asked, maps=False, published=published)["questions"]
        return [(one["setting"], one["text"]) for one in first["published"]], first["published_said"]

    numbers, said = told("geolocation")
    assert numbers == [("new_york: one of the cities of training", "0.5885")]
    assert "is not known" in said
    assert told("image-retrieval") == ([], said)
    assert told("income") == ([], "")
    assert told("geolocation", published=False) == ([], "")


def test_no_text_can_end_the_element_it_stands_in_or_turn_its_direction(results):
    content = content_of(results.load_all(), maps=False)
    text = page_of(
        {
            **content,
            "title": "</title><script>x</script>\N{RIGHT-TO-LEFT OVERRIDE}",
            "rows": [{"label": "</script><!--<script>\N{LINE SEPARATOR}"}],
        }
    )
    assert text.count("</title>") == 1
    assert "<!--" not in text.split('id="data">')[1].split("</script>")[0]
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert data_of_text(text)["rows"][0]["label"] == "</script><!--<script>\N{LINE SEPARATOR}"


def data_of_text(text):
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


def test_the_policy_allows_the_page_nothing_but_its_own_parts(page):
    import hashlib
    import re

    text = page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts
    }
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert set(allowed["script-src"].split()) == hashes
    assert "unsafe" not in policy
    assert not re.search(r"""(?:src|href)=["']https?:""", text.split("<script>")[0])


def test_classes_and_shares_are_mapped_by_what_was_said_most_and_how_much_was_wrong(tmp_path, monkeypatch):
    import pandas as pd

    from urbanbench.report import predicted
    from urbanbench.report.predicted import Drawn, mapped

    said = pd.DataFrame(
        {
            "unit_id": ["a", "a", "a", "b"],
            "seed": [0, 1, 2, 0],
            "true": ["x", "x", "x", "y"],
            "predicted": ["y", "y", "x", "y"],
        }
    )
    drawn = Drawn(["a", "b", "c"], {}, ("x", "y"))

    def told(table, on=drawn):
        monkeypatch.setattr(predicted.ResultStore, "read_predictions", staticmethod(lambda *_: table))
        return mapped(tmp_path, None, on)

    found = told(said)
    assert unpacked(found["said"]) == pytest.approx([1, 1, np.nan], nan_ok=True)
    assert unpacked(found["wrong"]) == pytest.approx([2 / 3, 0, np.nan], abs=1e-4, nan_ok=True)
    shares = pd.DataFrame(
        {
            "unit_id": ["a", "b"],
            "seed": [0, 0],
            "true[x]": [1.0, 0.2],
            "true[y]": [0.0, 0.8],
            "predicted[x]": [0.6, 0.3],
            "predicted[y]": [0.4, 0.7],
        }
    )
    found = told(shares)
    assert unpacked(found["said"])[:2] == pytest.approx([0, 1])
    assert unpacked(found["wrong"])[:2] == pytest.approx([0.4, 0.1], abs=1e-4)
    assert told(said.assign(unit_id=["p", "q", "r", "s"])) is None
    assert told(said, Drawn(["a", "b"], {}, ())) is None
    assert told(shares.drop(columns=["predicted[x]"])) is None
    assert told(pd.DataFrame({"seed": [0], "unit_id": ["a"], "rank": [3]})) is None
