"""Fixed splits as files: exactly our units for others, and theirs for us."""

import json

import numpy as np
import pytest

from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataMissing
from urbanbench.registry import load_task, open_city
from urbanbench.result import RunSpec
from urbanbench.run.split_export import exported_splits
from urbanbench.run.walk import execute
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.split_file import SplitFile
from urbanbench.scoring.splits import make_splits, split_digest

CITY, TASK = "toyville:tiny", "popdensity"


@pytest.fixture
def exported(tmp_path):
    path = tmp_path / "ours.json"
    exported_splits(TASK, CITY, "block", (0, 3)).write(path)
    return path


def test_a_run_on_exported_splits_scores_what_the_split_itself_scores(exported):
    common = {"head": "ridge", "seeds": (0, 3)}
    by_name = execute(RunSpec("poi-counts", TASK, CITY, split="block", **common))
    by_file = execute(RunSpec("poi-counts", TASK, CITY, split=f"file:{exported}", **common))
    assert by_file.status == "ok", by_file.reason
    assert by_file.scores == by_name.scores
    assert by_file.provenance["split_digest"] == by_name.provenance["split_digest"]
    assert by_file.provenance["split_digest"] == json.loads(exported.read_text())["digest"]
    assert by_file.cell.split.startswith("file:ours-")
    assert by_file.cell.run_id != by_name.cell.run_id


def test_the_file_names_the_units_that_the_split_cuts(exported):
    targets = load_task(TASK).targets(open_city(CITY)).in_order()
    splits = make_splits(targets, Protocol("block", seeds=(0, 3)))
    raw = json.loads(exported.read_text())
    assert (raw["city"], raw["task"], raw["split"], raw["units"]) == (
        "toyville:tiny",
        TASK,
        "block",
        len(targets),
    )
    assert raw["block_size_m"] > 0
    assert raw["digest"] == split_digest(targets, splits)
    for listed, split in zip(raw["seeds"], splits, strict=True):
        for side in ("train", "val", "test"):
            assert listed[side] == sorted(targets.ids[getattr(split, side)].tolist())


def test_a_file_read_back_gives_the_same_rows(exported):
    targets = load_task(TASK).targets(open_city(CITY)).in_order()
    straight = make_splits(targets, Protocol("block", seeds=(3,)))
    [back] = SplitFile.read(exported).splits(targets, (3,))
    for side in ("train", "val", "test"):
        assert np.array_equal(getattr(back, side), getattr(straight[0], side))


def test_a_plain_file_of_another_tool_is_enough(exported, tmp_path):
    raw = json.loads(exported.read_text())
    plain = {"seeds": [{key: one[key] for key in ("seed", "test", "val", "train")} for one in raw["seeds"]]}
    plain["seeds"][0]["train"].reverse()
    (tmp_path / "theirs.json").write_text(json.dumps(plain))
    assert SplitFile.read(tmp_path / "theirs.json").digest == raw["digest"]


def test_changed_units_do_not_pass_for_the_old_ones(exported):
    raw = json.loads(exported.read_text())
    first = raw["seeds"][0]
    first["train"].append(first["test"].pop())
    exported.write_text(json.dumps(raw))
    with pytest.raises(BadInput, match=r"found others \('seed 0'\)"):
        SplitFile.read(exported)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "found a fault"),
        ("[]", "found a fault"),
        ('{"seeds": []}', "no seed"),
        ('{"seeds": [{"seed": 0, "train": ["a"], "val": [], "test": ["b"]}]}', "empty side"),
        ('{"seeds": [{"seed": 0, "train": ["a"], "val": ["a"], "test": ["b"]}]}', "unit on two sides"),
        ('{"seeds": [{"seed": 0, "train": [1], "val": ["a"], "test": ["b"]}]}', "list of text"),
        (
            '{"seeds": [{"seed": 0, "train": ["a"], "val": ["b"], "test": ["c"]}, {"seed": 1, "train": ["a"], "val": ["b"], "test": ["d"]}]}',
            "other units than those before",
        ),
        (
            '{"seeds": [{"seed": 0, "train": ["a"], "val": ["b"], "test": ["c"]}, {"seed": 0, "train": ["a"], "val": ["b"], "test": ["c"]}]}',
            "every seed once",
        ),
    ],
)
def test_files_that_are_no_splits_are_told(text, words, tmp_path):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(BadInput, match=words):
        SplitFile.read(tmp_path / "s.json")


def test_splits_of_other_units_are_refused(tmp_path, village):
    exported_splits(TASK, str(village), "random", (0,)).write(tmp_path / "s.json")
    result = execute(RunSpec("poi-counts", TASK, CITY, split=f"file:{tmp_path}/s.json", seeds=(0,)))
    assert result.status == "refused"
    assert "Expected splits of this label of this city" in result.reason


@pytest.mark.parametrize("fixed", [True, False])
def test_a_file_whose_seeds_all_test_the_same_units_says_so_in_the_row(exported, tmp_path, fixed):
    """Other training units and the same test units on every seed: scores then say nothing of other test units."""
    raw = json.loads(exported.read_text())
    first, second = ({side: one[side] for side in ("train", "val", "test")} for one in raw["seeds"])
    if fixed:
        others = first["train"] + first["val"]
        second = {"train": others[3:], "val": others[:3], "test": first["test"]}
    (tmp_path / "fixed.json").write_text(json.dumps({"seeds": [{"seed": 0} | first, {"seed": 3} | second]}))
    made = execute(
        RunSpec("mean", TASK, CITY, split=f"file:{tmp_path}/fixed.json", head="mean", seeds=(0, 3))
    )
    assert made.status == "ok", made.reason
    assert made.evaluation.get("split_facts", []) == ([{"same_test_units": 1}] * 2 if fixed else [])


def test_the_command_line_exports_and_runs(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["splits", "export", "-t", TASK, "-c", CITY, "--seeds", "2"]) == 0
    assert "--splits splits.json" in capsys.readouterr().err
    run = ["run", "-m", "mean", "-t", TASK, "-c", CITY, "--splits", "splits.json", "--out", "results"]
    assert main([*run, "--wide"]) == 0
    shown = capsys.readouterr().out
    assert "2 seeds" in shown
    assert "the units on each side were given" in shown
    assert main([*run, "--dry-run"]) == 0
    assert " ok" in capsys.readouterr().out
    assert main([*run, "--split", "block"]) == 2
    assert "the file has its own split and seeds" in capsys.readouterr().err
    assert main([*run[:-3], "none.json"]) == 3


def test_a_missing_file_is_told_with_what_writes_one(tmp_path):
    with pytest.raises(DataMissing, match="urbanbench splits export"):
        SplitFile.read(tmp_path / "none.json")
