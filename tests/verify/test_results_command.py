"""`urbanbench results verify`: old, damaged and strange rows are named with their reason, and rows are computed again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from urbanbench.cli.app import main
from urbanbench.result import RunSpec
from urbanbench.run import run
from urbanbench.scoring.heads import HEADS
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def kept(village, counting, tmp_path):
    """Results of two heads and a refused one, of a copy of the village, and the words that say where plugin and city lie."""
    city = shutil.copytree(village, tmp_path / "village")
    store = ResultStore(tmp_path / "kept")
    specs = [
        RunSpec(str(counting), task, str(city), head=head, seeds=(0, 1), settings=(("power", "2.0"),))
        for task, head in (("income", "ridge"), ("income", "knn"), ("poverty", "knn"))
    ]
    run(specs, store)
    return store, ["results", "verify", str(store.folder), "-m", str(counting), "-c", str(city)]


def verify(words, tmp_path, *more):
    """Run the command and return its exit code and what it wrote down."""
    report = tmp_path / "report.json"
    code = main([*words, "-o", str(report), *more])
    return code, json.loads(report.read_text())


def test_fresh_rows_hold(kept, tmp_path, capsys):
    code, told = verify(kept[1], tmp_path)
    assert (code, told["counts"], told["rows"]) == (0, {"holds": 3}, [])
    assert "3 files: 3 holds" in capsys.readouterr().out


def test_a_raised_version_makes_its_rows_old(kept, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(HEADS, "ridge", replace(HEADS["ridge"], version=2))
    code, told = verify(kept[1], tmp_path)
    assert (code, told["counts"]) == (1, {"holds": 2, "old": 1})
    [row] = told["rows"]
    assert row["reasons"] == ["head version 1, now 2"]
    assert "old, 1 of 3: head version 1, now 2" in capsys.readouterr().out


def test_changed_labels_and_plugins_are_told(kept, tmp_path, counting):
    path = tmp_path / "village" / "labels" / "income.parquet"
    table = pd.read_parquet(path)
    table.assign(value=table["value"] + 1).to_parquet(path, index=False)
    _, told = verify(kept[1], tmp_path)
    assert {tuple(row["reasons"]) for row in told["rows"]} == {("targets",)}
    counting.write_text(counting.read_text().replace("pause_s: float = 0.0", "pause_s: float = 0.5"))
    _, told = verify(kept[1], tmp_path)
    income = [row["reasons"] for row in told["rows"] if "/income/" in row["file"]]
    assert income == [["targets", "the model's file"]] * 2


def test_parameters_that_came_or_went_are_named(kept, tmp_path, counting):
    counting.write_text(
        counting.read_text()
        .replace("pause_s: float = 0.0", "rest_s: float = 0.0")
        .replace("self.pause_s", "self.rest_s")
    )
    _, told = verify(kept[1], tmp_path)
    assert told["counts"] == {"old": 3}
    assert told["rows"][0]["reasons"][:2] == [
        "parameter 'pause_s' is 0.0, today 'absent'",
        "parameter 'rest_s' is 'absent', today 0.0",
    ]


def test_plugins_and_cities_that_are_not_here_are_said_not_to_be_told(kept, tmp_path, counting):
    store, _ = kept
    words = ["results", "verify", str(store.folder)]
    code, told = verify(words, tmp_path)
    assert code == 0
    assert all("Unknown model 'counting'" in row["unchecked"][0] for row in told["rows"])
    (tmp_path / "village").rename(tmp_path / "away")
    code, told = verify([*words, "-m", str(counting)], tmp_path)
    assert code == 0
    assert [row["unchecked"] for row in told["rows"]] == [["city 'village' is not on this machine"]] * 2


def test_a_city_that_lies_where_its_rows_say_needs_no_word(kept, tmp_path, counting):
    store, _ = kept
    words = ["results", "verify", str(store.folder), "-m", str(counting)]
    code, told = verify([*words, "--recompute", "1"], tmp_path)
    assert (code, told["counts"], told["rows"], told["recomputed"]) == (
        0,
        {"holds": 3},
        [],
        {"bit for bit": 1},
    )
    path = tmp_path / "village" / "labels" / "income.parquet"
    table = pd.read_parquet(path)
    table.assign(value=table["value"] + 1).to_parquet(path, index=False)
    code, told = verify(words, tmp_path)
    assert (code, told["counts"]) == (1, {"holds": 1, "old": 2})


def test_another_place_that_is_named_for_a_city_comes_before_where_its_rows_say(kept, tmp_path, counting):
    store, _ = kept
    other = shutil.copytree(tmp_path / "village", tmp_path / "copy")
    path = other / "labels" / "income.parquet"
    table = pd.read_parquet(path)
    table.assign(value=table["value"] + 1).to_parquet(path, index=False)
    words = ["results", "verify", str(store.folder), "-m", str(counting), "-c", str(other)]
    _, told = verify(words, tmp_path)
    assert told["counts"] == {"holds": 1, "old": 2}


def _damage_json(path: Path) -> None:
    path.write_text(path.read_text()[:99])


def _other_id(path: Path) -> None:
    path.write_text(path.read_text().replace('"run_id": "', '"run_id": "0'))


def _other_place(path: Path) -> None:
    path.rename(path.with_name(f"x__{path.name}"))


def _fewer_seeds(path: Path) -> None:
    whole = json.loads(path.read_text())
    whole["scores"]["r2"] = whole["scores"]["r2"][:1]
    path.write_text(json.dumps(whole))


def _better_scores(path: Path) -> None:
    whole = json.loads(path.read_text())
    whole["scores"]["r2"] = [0.99, 0.99]
    path.write_text(json.dumps(whole))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_damage_json, "cannot be read"),
        (_other_id, "run_id is '0"),
        (_other_place, "its spec belongs into 'village/income/"),
        (_fewer_seeds, "r2 has 1 number for 2 seeds"),
        (_better_scores, "its predictions give other scores"),
    ],
)
def test_damaged_rows_are_named_with_what_is_wrong(kept, tmp_path, harm, said):
    harm(next(kept[0].folder.glob("village/income/*ridge*.json")))
    code, told = verify(kept[1], tmp_path)
    assert code == 1
    assert told["counts"]["damaged"] == 1
    assert any(said in reason for row in told["rows"] for reason in row["reasons"])


def test_strangers_among_results_are_named(kept, tmp_path, counting):
    store, _ = kept
    folder = store.folder / "village" / "income"
    (folder / "notes.json").write_text("{}")
    (folder / ".half.json.abc.part").write_text("{")
    next(folder.glob("*knn*.json")).unlink()
    code, told = verify(["results", "verify", str(store.folder)], tmp_path)
    assert (code, told["counts"]["stranger"]) == (1, 3)


def test_rows_are_computed_again_in_a_folder_of_their_own(kept, tmp_path, capsys):
    store, words = kept
    before = {path: path.read_bytes() for path in store.folder.rglob("*.json")}
    code, told = verify(words, tmp_path, "--recompute", "all", "--scratch", str(tmp_path / "scratch"))
    assert (code, told["recomputed"]) == (0, {"bit for bit": 2})
    assert {path: path.read_bytes() for path in store.folder.rglob("*.json")} == before
    assert "2 computed again: 2 bit for bit" in capsys.readouterr().out
    assert (tmp_path / "embeds.log").read_text().count("\n") == 2, (
        "once for the rows, once again in a fresh cache"
    )
    verify(words, tmp_path, "--recompute", "1", "--scratch", str(tmp_path / "scratch"))
    assert (tmp_path / "embeds.log").read_text().count("\n") == 2, (
        "what is finished in the folder is not done twice"
    )


def test_a_number_that_cannot_be_had_again_is_named(kept, tmp_path, capsys):
    path = next(kept[0].folder.glob("village/income/*ridge*.json"))
    _better_scores(path)
    code, told = verify(kept[1], tmp_path, "--recompute", "all")
    assert (code, told["recomputed"]) == (1, {"differs": 1, "bit for bit": 1})
    [one] = [one for one in told["comparisons"] if one["outcome"] == "differs"]
    assert one["kept_mean"] == pytest.approx(0.99)
    assert one["new_mean"] < 0.99
    assert "differs, r2 0.99 kept" in capsys.readouterr().out


def test_predictions_are_put_beside_rows_that_come_out_equal(kept, tmp_path, village):
    store, words = kept
    for folder in store.folder.glob("*/*/predictions"):
        shutil.rmtree(folder)
    path = next(store.folder.glob("village/income/*ridge*.json"))
    head = ["--head", "ridge", "--recompute", "all", "--keep-predictions"]
    code, _ = verify(words, tmp_path, *head)
    assert code == 0
    result = store.read(path)
    assert len(store.read_predictions(path, result.cell)) == result.evaluation["n_test"] * 2
    picture = tmp_path / "map.png"
    assert main(["residuals", str(path), "--map", str(picture), "-c", str(village)]) == 0
    assert picture.stat().st_size > 1000


def test_a_row_is_found_by_its_id(kept, tmp_path):
    one = kept[0].load_all()[0]
    _, told = verify(kept[1], tmp_path, "--row", one.run_id[:10])
    assert told["counts"] == {"holds": 1}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere"], 3, "No results folder 'nowhere'"),
        ([".", "--recompute", "some"], 2, "--recompute got 'some'. Expected a number of rows, or all."),
        ([".", "-m", "hgi"], 3, "No result in '.' fits"),
    ],
)
def test_mistakes_are_told(tmp_path, monkeypatch, capsys, words, code, said):
    monkeypatch.chdir(tmp_path)
    assert main(["results", "verify", *words]) == code
    assert said in capsys.readouterr().err
