"""Many runs on one folder: resuming, stale results, overwriting, several processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from urbanbench.apart import plugins_apart
from urbanbench.errors import UnknownName
from urbanbench.result import FAILED, OK, REFUSED, RunSpec
from urbanbench.run import Workbench, resolve, run
from urbanbench.run.cell import run_cell
from urbanbench.run.loop import in_sharing_order
from urbanbench.scoring.heads import HEADS
from urbanbench.scoring.splits import SPLITS
from urbanbench.store import ResultStore

pytestmark = pytest.mark.usefixtures("own_cache")


class Log(list):
    """Collects what `run` reports: (model, task, head) to whether it was computed now."""

    def __call__(self, result, new):
        self.append((result.cell.task, result.cell.head, new))


def specs_of(
    model: Path, city: Path, tasks=("popdensity", "income"), heads=("ridge", "knn")
) -> list[RunSpec]:
    return [RunSpec(str(model), task, str(city), head=head, seeds=(0, 1)) for task in tasks for head in heads]


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


def test_results_come_back_in_the_order_asked(village, counting, store):
    specs = specs_of(counting, village)
    results = run([*specs, specs[0]], store)
    assert [(one.cell.task, one.cell.head) for one in results] == [(spec.task, spec.head) for spec in specs]


def test_finished_cells_are_kept_on_the_second_run(village, counting, store):
    first = run(specs_of(counting, village), store)
    before = {path: path.read_bytes() for path in store.folder.rglob("*.json")}
    log = Log()
    again = run(specs_of(counting, village), store, progress=log)
    assert [new for *_, new in log] == [False] * 4
    assert [one.scores for one in again] == [one.scores for one in first]
    assert {path: path.read_bytes() for path in store.folder.rglob("*.json")} == before


def test_changed_code_makes_results_stale_and_says_so(village, counting, store):
    run(specs_of(counting, village, ("income",), ("ridge",)), store)
    counting.write_text(counting.read_text().replace("counts**self.power", "counts**self.power + 1"))
    [result] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    assert result.provenance["replaced_stale"] == ["the model's file"]
    [kept] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    assert kept.provenance["started_utc"] == result.provenance["started_utc"]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("scoring.metrics.METRICS_VERSION", "metrics version 1, now 2"),
        ("run.standing.VIEW_VERSION", "view version 1, now 2"),
    ],
)
def test_a_raised_version_makes_results_stale_and_says_so(
    village, counting, store, monkeypatch, raised, said
):
    run(specs_of(counting, village, ("income",), ("ridge",)), store)
    monkeypatch.setattr(f"urbanbench.{raised}", 2)
    [result] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    assert result.provenance["replaced_stale"] == [said]


@pytest.mark.parametrize(("known", "name"), [(HEADS, "ridge"), (SPLITS, "random")])
def test_a_raised_head_or_split_touches_its_own_rows_alone(
    village, counting, store, monkeypatch, known, name
):
    specs = [
        *specs_of(counting, village, ("income",), ("ridge",)),
        RunSpec(str(counting), "income", str(village), head="knn", split="block", seeds=(0, 1)),
    ]
    run(specs, store)
    monkeypatch.setitem(known, name, replace(known[name], version=2))
    results = run(specs, store)
    kind = "head" if known is HEADS else "split"
    assert [one.provenance.get("replaced_stale") for one in results] == [
        [f"{kind} version 1, now 2"],
        None,
    ]


def test_changed_words_in_scoring_make_nothing_stale(village, counting, store, monkeypatch):
    run(specs_of(counting, village, ("income",), ("ridge",)), store)
    for name in ("run.walk.scoring_code", "run.walk.view_code"):
        monkeypatch.setattr(f"urbanbench.{name}", lambda: "another")
    log = Log()
    run(specs_of(counting, village, ("income",), ("ridge",)), store, progress=log)
    assert log == [("income", "ridge", False)]


def test_results_of_before_there_were_versions_are_computed_again(village, counting, store):
    [first] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    store.save(replace(first, versions={}))
    [again] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    assert again.provenance["replaced_stale"] == ["no versions recorded"]
    assert again.scores == first.scores


def test_a_private_neighbour_of_a_file_counts_and_a_stranger_beside_it_does_not(village, counting, store):
    specs = specs_of(counting, village, ("income",), ("ridge",))
    [first] = run(specs, store)
    (counting.parent / "stranger.py").write_text("X = 1\n")
    log = Log()
    run(specs, store, progress=log)
    (counting.parent / "_counting_table.py").write_text("X = 1\n")
    [second] = run(specs, store, progress=log)
    run(specs, store, progress=log)
    assert [new for *_, new in log] == [False, True, False]
    assert second.provenance["code_digest"] != first.provenance["code_digest"]  # vectors are made anew, too


def test_comments_do_not_make_results_stale(village, counting, store):
    run(specs_of(counting, village, ("income",), ("ridge",)), store)
    counting.write_text(counting.read_text() + "\n# a remark\n")
    log = Log()
    run(specs_of(counting, village, ("income",), ("ridge",)), store, progress=log)
    assert log == [("income", "ridge", False)]


def test_changed_label_makes_results_stale(village, counting, store, tmp_path):
    import shutil

    import pandas as pd

    city = tmp_path / "village"
    shutil.copytree(village, city)
    run(specs_of(counting, city, ("income", "gdp"), ("ridge",)), store)
    table = pd.read_parquet(city / "labels" / "income.parquet")
    table.assign(value=table["value"] + 1).to_parquet(city / "labels" / "income.parquet", index=False)
    log = Log()
    results = run(specs_of(counting, city, ("income", "gdp"), ("ridge",)), store, progress=log)
    assert sorted(log) == [("gdp", "ridge", False), ("income", "ridge", True)]
    assert results[0].provenance["replaced_stale"] == ["targets"]


def test_never_keeps_even_stale_results_and_always_redoes_all(village, counting, store):
    specs = specs_of(counting, village, ("income",), ("ridge",))
    run(specs, store)
    counting.write_text(counting.read_text().replace("counts**self.power", "counts**self.power + 1"))
    log = Log()
    run(specs, store, overwrite="never", progress=log)
    run(specs, store, overwrite="always", progress=log)
    run(specs, store, overwrite="always", progress=log)
    assert [new for *_, new in log] == [False, True, True]


def test_unknown_overwrite_word_is_refused(store):
    with pytest.raises(UnknownName, match="Did you mean 'always'"):
        run([], store, overwrite="allways")


def test_failed_and_refused_cells_stay_rows_and_are_tried_again(village, counting, store):
    good = counting.read_text()
    counting.write_text(good.replace("time.sleep(self.pause_s)", "raise ValueError('bad day')"))
    specs = specs_of(counting, village, ("income", "poverty"), ("ridge",))
    assert [one.status for one in run(specs, store)] == [FAILED, REFUSED]
    assert {one.status for one in store.load_all()} == {FAILED, REFUSED}
    counting.write_text(good)
    assert [one.status for one in run(specs, store)] == [OK, REFUSED]
    assert len(store.load_all()) == 2


def test_broken_result_file_is_computed_again(village, counting, store):
    [first] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    path = store.path_of(first.cell)
    path.write_text(path.read_text()[:200])
    [again] = run(specs_of(counting, village, ("income",), ("ridge",)), store)
    assert again.scores == first.scores
    assert json.loads(path.read_text())["status"] == OK


def test_orders_that_share_vectors_stand_together(telling_village, counting):
    words = [("popdensity", "2"), ("popdensity", "3"), ("landuse", "2"), ("income", "3"), ("income", "2")]
    specs = [
        RunSpec(str(counting), task, str(telling_village), settings=(("power", p),)) for task, p in words
    ]
    ordered = in_sharing_order(map(resolve, specs))
    assert [(one.spec.task, one.spec.settings[0][1]) for one in ordered] == [
        ("popdensity", "2"),
        ("income", "2"),
        ("popdensity", "3"),
        ("income", "3"),
        ("landuse", "2"),
    ]


def test_cell_held_by_another_is_left_or_waited_for(village, counting, store):
    [spec] = specs_of(counting, village, ("income",), ("ridge",))
    order = resolve(spec)
    with store.lock(order.cell):
        assert run_cell(order, ResultStore(store.folder), "only-missing", Workbench(), wait=False) is None
    result, new = run_cell(order, store, "only-missing", Workbench(), wait=False)
    assert (result.status, new) == (OK, True)


def test_two_processes_give_the_same_results_as_one(village, counting, store, tmp_path):
    specs = specs_of(counting, village, ("popdensity", "landuse"), ("ridge", "knn"))
    alone = run(specs, store)
    shared = run(specs, ResultStore(tmp_path / "shared"), jobs=2)
    assert [one.scores for one in shared] == [one.scores for one in alone]
    assert [one.run_id for one in shared] == [one.run_id for one in alone]
    assert len(ResultStore(tmp_path / "shared").load_all()) == 4


def test_dead_worker_costs_one_failed_row(village, counting, store, tmp_path):
    deadly = tmp_path / "deadly.py"
    deadly.write_text(counting.read_text().replace("time.sleep(self.pause_s)", "os._exit(9)"))
    specs = [
        *specs_of(deadly, village, ("income",), ("ridge", "knn")),
        *specs_of(counting, village, ("income",)),
    ]
    results = run(specs, store, jobs=2)
    assert [one.status for one in results] == [FAILED, FAILED, OK, OK]
    assert "exit code 9" in results[0].reason
    assert len(store.load_all()) == 4


def test_settings_of_a_plugin_that_is_kept_apart_are_told_as_changed(village, counting):
    [spec] = specs_of(counting, village, ("income",), ("ridge",))
    with plugins_apart():
        order = resolve(replace(spec, settings=(("power", "2"),)))
        assert order.foreign
        assert order.changed == {"power": 2.0}
