"""Runs under a paper's protocol: their own cells beside default rows, refusals, round trips, and what makes them stale."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

from urbanbench.errors import UnknownName
from urbanbench.parity.papers import PAPERS
from urbanbench.registry import open_city
from urbanbench.result import OK, REFUSED, RunResult, RunSpec
from urbanbench.run import Workbench, execute, open_cities, resolve, run, with_floors
from urbanbench.scoring.heads import HEADS
from urbanbench.store import ResultStore, is_changed

pytestmark = pytest.mark.usefixtures("own_cache")
COMMITTED = Path(__file__).resolve().parents[2] / "results"


def spec_of(model, city, task="popdensity", protocol="paper:mvure", **more) -> RunSpec:
    return RunSpec(str(model), task, str(city), protocol=protocol, **more)


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


def test_a_parity_run_equals_scoring_by_hand(village, counting):
    city = open_city(str(village))
    label = city.label("popdensity")
    count = city.pois["region_id"].value_counts().reindex(label.index).fillna(0).to_numpy()
    vectors, values = np.column_stack([count, count]).astype(float), label["value"].to_numpy()
    predicted = np.empty(len(values))
    for train, test in KFold(10).split(values):
        predicted[test] = Ridge(alpha=1.0).fit(vectors[train], values[train]).predict(vectors[test])
    result = execute(spec_of(counting, village))
    assert result.status == OK
    assert result.scores["r2"] == pytest.approx([r2_score(values, np.maximum(predicted, 0))])
    assert result.predictions["unit_id"].tolist() == label.index.tolist()


def test_contiguous_folds_do_not_hang_on_the_order_of_the_label_file(village, counting, tmp_path):
    turned = tmp_path / "turned"
    shutil.copytree(village, turned)
    path = turned / "labels" / "popdensity.parquet"
    table = pd.read_parquet(path)
    table.sample(frac=1.0, random_state=3).to_parquet(path, index=False)
    assert pd.read_parquet(path)["region_id"].tolist() != table["region_id"].tolist()
    first, second = (execute(spec_of(counting, city)) for city in (village, turned))
    assert (second.status, second.scores) == (OK, first.scores)


def test_a_parity_cell_has_the_protocols_name_its_head_and_repeats(village, counting):
    cell = resolve(
        spec_of(counting, village, protocol="paper:hgi", split="block", head="knn", seeds=(3,))
    ).cell
    assert (cell.protocol, cell.split, cell.head) == ("paper:hgi", "paper:hgi", "forest-100")
    assert cell.seeds == tuple(range(10))
    assert cell.block_size_m is None
    default = resolve(RunSpec(str(counting), "popdensity", str(village))).cell
    assert default.protocol == "default"
    assert "__paper-hgi__forest-100__" in cell.file_name
    assert default.file_name != cell.file_name


def test_a_parity_result_says_what_it_follows_and_survives_the_disk(village, counting, store):
    [result] = run([spec_of(counting, village)], store)
    found = store.find(result.cell)
    assert found is not None
    assert found.to_dict() == result.to_dict()
    assert found.protocol["name"] == "paper:mvure"
    assert "10 contiguous folds in the order of unit ids" in found.protocol["scored"]
    assert "no spatial block split" in found.protocol["leaks"][0]
    assert (found.evaluation["n_train"], found.evaluation["n_val"], found.evaluation["n_test"]) == (32, 0, 4)
    assert len(store.load_all()) == 1


def test_default_results_say_nothing_of_protocols(village, counting):
    whole = execute(RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0, 1))).to_dict()
    assert "protocol" not in whole
    assert "protocol" not in whole["spec"]


def test_committed_results_keep_their_keys_names_and_contents():
    paths = sorted(COMMITTED.glob("*/*/*__*.json"))[::25]
    assert paths
    for path in paths:
        whole = json.loads(path.read_text(encoding="utf-8"))
        result = RunResult.from_dict(whole)
        assert result.run_id == whole["run_id"]
        assert result.cell.file_name == path.relative_to(COMMITTED).as_posix()
        assert list(result.to_dict()) == [key for key in whole if key != "content"]
        assert not is_changed(whole)


@pytest.mark.parametrize(
    ("protocol", "task", "words"),
    [
        (
            "paper:mvure",
            "landuse",
            "'paper:mvure' scores regression of regions. Task 'Land use' is a classification",
        ),
        ("paper:cityfm", "landuse", "scores regression of regions, classification of buildings."),
        ("paper:hgi", "landuse", "scores regression of regions, composition of regions."),
    ],
)
def test_tasks_a_paper_does_not_score_are_refused(village, counting, protocol, task, words):
    result = execute(spec_of(counting, village, task, protocol))
    assert result.status == REFUSED
    assert words in result.reason
    assert result.cell.split == protocol


def test_a_floor_that_is_its_head_is_refused(village):
    result = execute(spec_of("spatial-lag", village))
    assert result.status == REFUSED
    assert (
        "'spatial-lag' is defined by its head 'knn'. Protocol 'paper:mvure' has a head of its own"
        in result.reason
    )


def test_too_few_units_are_refused(village, counting, monkeypatch):
    from urbanbench.parity.contract import Question
    from urbanbench.parity.cuts import Folds
    from urbanbench.parity.plain_heads import Ridge as RidgeHead

    many = Question("regression", "region", Folds(50), RidgeHead(), 1, "none", ("none",))
    monkeypatch.setattr("urbanbench.parity.contract.Paper.question", lambda *_: many)
    result = execute(spec_of(counting, village))
    assert result.status == REFUSED
    assert "cuts 50 folds. The label has 36 units" in result.reason


def test_unknown_protocols_raise_before_anything_runs(village, counting, store):
    with pytest.raises(UnknownName, match=r"Unknown protocol 'paper:hgl'\. Did you mean 'paper:hgi'"):
        run([spec_of(counting, village, protocol="paper:hgl")], store)


def test_floors_beside_a_parity_row_have_its_head_once(village, counting):
    spec = spec_of(counting, village)
    beside = with_floors([spec], open_cities([spec]))
    names = [one.model for one in beside if one != spec]
    assert "poi-counts" in names
    assert len(names) == len(set(names))
    assert not {"mean", "spatial-lag"} & set(names)
    assert {one.protocol for one in beside} == {"paper:mvure"}


def test_scoring_of_default_and_parity_rows_does_not_make_the_other_stale(
    village, counting, store, monkeypatch
):
    specs = [
        spec_of(counting, village),
        RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0, 1)),
    ]
    run(specs, store)
    with monkeypatch.context() as patch:
        patch.setitem(HEADS, "ridge", replace(HEADS["ridge"], version=2))
        again = run(specs, store)
    assert [one.provenance.get("replaced_stale") for one in again] == [None, ["head version 1, now 2"]]
    run(specs, store, overwrite="always")
    paper = PAPERS["paper:mvure"]
    raised = replace(paper, questions=[replace(one, version=2) for one in paper.questions])
    monkeypatch.setitem(PAPERS, "paper:mvure", raised)
    again = run(specs, store)
    assert [one.provenance.get("replaced_stale") for one in again] == [["protocol version 1, now 2"], None]


def test_parity_code_lies_outside_of_what_default_rows_hash():
    import urbanbench.parity
    import urbanbench.scoring

    folder = Path(urbanbench.scoring.__path__[0])
    assert not Path(urbanbench.parity.__path__[0]).is_relative_to(folder)
    assert not [
        path for path in folder.rglob("*.py") if "urbanbench.parity" in path.read_text(encoding="utf-8")
    ]


def test_parity_rows_share_the_vectors_of_default_rows(village, counting, store, tmp_path):
    specs = [
        RunSpec(str(counting), "popdensity", str(village), head="ridge", seeds=(0, 1)),
        spec_of(counting, village),
        spec_of(counting, village, protocol="paper:mvure-code"),
    ]
    run(specs, store)
    assert len((tmp_path / "embeds.log").read_text().splitlines()) == 1


def test_two_processes_score_papers_too(village, counting, store):
    specs = [spec_of(counting, village, protocol=name) for name in ("paper:mvure", "paper:mvure-code")]
    alone = [execute(spec, bench=Workbench()).scores for spec in specs]
    assert [one.scores for one in run(specs, store, jobs=2)] == alone
