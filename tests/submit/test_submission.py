"""Results are handed in only where they hold, and a file of a stranger is looked into without running or trusting it."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

import urbanbench as ub
from urbanbench import predictions
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataCorrupt, DataMissing, SubmissionFaults
from urbanbench.hashing import value_digest
from urbanbench.store import ResultStore, predictions_beside
from urbanbench.submit.listing import LIST_FILE
from urbanbench.submit.opened import open_submission
from urbanbench.submit.pack import submit
from urbanbench.verify.again import Elsewhere

CITY = "toyville:tiny"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A results folder of two rows; do not write into it."""
    folder = tmp_path_factory.mktemp("made") / "runs"
    asked = {"heads": "ridge", "seeds": 3, "floors": False, "out": folder}
    ub.run("poi-counts", ["popdensity", "landuse"], CITY, **asked)
    return folder


@pytest.fixture
def runs(made, tmp_path):
    return shutil.copytree(made, tmp_path / "runs")


@pytest.fixture
def packed(runs, tmp_path):
    return submit(runs, tmp_path / "mine.zip", Elsewhere()).file


def row_of(runs, task="popdensity"):
    [path] = (runs / "toyville-tiny" / task).glob("*.json")
    return path


def edit(path, change):
    told = json.loads(path.read_text(encoding="utf-8"))
    change(told)
    told.pop("content")
    path.write_text(json.dumps(told | {"content": value_digest(told)}), encoding="utf-8")


def edit_by_hand(path):
    """Change a row, and not the hash of what it says."""
    told = json.loads(path.read_text(encoding="utf-8"))
    told["scores"].update(r2=[0.9, 0.9, 0.9])
    path.write_text(json.dumps(told), encoding="utf-8")


def repacked(packed, change, out):
    """Write an archive anew with members changed, and a list that fits them."""
    with zipfile.ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(files.pop(LIST_FILE))
    change(files)
    told["files"] = {
        name: {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()} for name, body in files.items()
    }
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in {LIST_FILE: json.dumps(told).encode(), **files}.items():
            archive.writestr(name, body)
    return out


def with_rows_of(packed, runs, out):
    """Write an archive anew with what now lies in a results folder."""

    def spoiled(files):
        for name in [one for one in files if one.startswith("results/")]:
            del files[name]
        for path in runs.rglob("*"):
            if path.is_file() and path.suffix in {".json", ".parquet"}:
                files[f"results/{path.relative_to(runs).as_posix()}"] = path.read_bytes()

    return repacked(packed, spoiled, out)


def test_what_holds_is_packed_and_found_to_hold(runs, tmp_path, capsys):
    file = tmp_path / "mine.zip"
    assert main(["submit", str(runs), "-o", str(file)]) == 0
    assert main(["submit", "--check", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert [row["state"] for row in told["rows"]] == ["holds", "holds"]
    assert told["faults"] == []
    with zipfile.ZipFile(file) as archive:
        listed = json.loads(archive.read(LIST_FILE))
    one = next(row for row in listed["rows"] if "popdensity" in row["cell"])
    kept = ResultStore.read(row_of(runs))
    assert one["mean"] == pytest.approx(np.mean(kept.scores["r2"]))
    assert one["made_with"]["started_utc"] == kept.provenance["started_utc"]


def test_the_same_results_give_the_same_bytes(runs, tmp_path):
    one, other = (submit(runs, tmp_path / name, Elsewhere()) for name in ("one.zip", "other.zip"))
    assert one.sha256 == other.sha256


def raised_scores(runs):
    edit(row_of(runs), lambda told: told["scores"].update(r2=[0.9, 0.9, 0.9]))


def raised_scores_and_predictions(runs):
    """Predict the true values, and say the scores that these give."""
    predict_the_truth(row_of(runs))


def predict_the_truth(path):
    result = ResultStore.read(path)
    frame = ResultStore.read_predictions(path, result.cell)
    frame["true"] = frame["predicted"]
    predictions.write_predictions(
        {name: frame[name].to_numpy() for name in frame}, predictions_beside(path), result.run_id
    )
    edit(
        path,
        lambda told: told["scores"].update(r2=[1.0] * 3, rmse=[0.0] * 3, mae=[0.0] * 3, r2_log=[1.0] * 3),
    )


def other_units(runs):
    """Leave out the test units that were met worst."""
    path = row_of(runs)
    result = ResultStore.read(path)
    frame = ResultStore.read_predictions(path, result.cell)
    loss = (frame["true"] - frame["predicted"]).abs()
    frame = frame[loss < loss.quantile(0.5)]
    predictions.write_predictions(
        {name: frame[name].to_numpy() for name in frame}, predictions_beside(path), result.run_id
    )
    from urbanbench.verify.rescored import rescored

    scores = rescored(result, frame)
    edit(path, lambda told: told["scores"].update(scores))


WRONG = {
    "scores that predictions do not give": (raised_scores, "its predictions give other scores"),
    "true values that are not the label's": (raised_scores_and_predictions, "not those of the label"),
    "units that the split does not test": (other_units, "not of the units that its split tests"),
    "a row changed by hand": (lambda runs: edit_by_hand(row_of(runs)), "changed after it was written"),
    "no predictions": (lambda runs: predictions_beside(row_of(runs)).unlink(), "No predictions"),
    "no test units": (lambda runs: predictions.tested_by(predictions_beside(row_of(runs))).unlink(), "which are not there"),
    "no versions": (lambda runs: edit(row_of(runs), lambda told: told.pop("versions")), "no versions recorded"),
    "an old version": (lambda runs: edit(row_of(runs), lambda told: told["versions"].update(head=0)), "head version 0, now"),
    "other data": (lambda runs: edit(row_of(runs), lambda told: told["provenance"].update(view_key="0")), "city data"),
    "no word of what it was made with": (lambda runs: edit(row_of(runs), lambda told: told["provenance"].pop("packages")), "provenance lacks packages"),
    "another place": (lambda runs: row_of(runs).rename(row_of(runs).with_name("mine__x.json")), "its spec belongs into"),
    "no JSON": (lambda runs: row_of(runs).write_text("{", encoding="utf-8"), "cannot be read"),
    "a failed run": (lambda runs: edit(row_of(runs), lambda told: told.update(status="failed", reason="no memory")), "failed (no memory)"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_hold_is_refused_with_its_reason(what, runs, tmp_path):
    spoil, reason = WRONG[what]
    spoil(runs)
    with pytest.raises(SubmissionFaults) as refused:
        submit(runs, tmp_path / "mine.zip", Elsewhere())
    assert reason in str(refused.value)
    assert not (tmp_path / "mine.zip").exists()


@pytest.mark.parametrize(
    "what", [one for one in WRONG if one not in {"no predictions", "no test units", "another place"}]
)
def test_a_stranger_who_packs_it_anyway_is_found_out(what, runs, packed, tmp_path):
    spoil, reason = WRONG[what]
    spoil(runs)

    opened = open_submission(with_rows_of(packed, runs, tmp_path / "spoiled.zip"), tmp_path / "opened")
    assert any(reason in fault or "found no JSON" in fault for fault in opened.faults)


def test_a_plugin_that_nobody_else_has_is_asked_for_and_packed(runs, tmp_path, monkeypatch):
    from urbanbench.starting.write import start

    monkeypatch.chdir(tmp_path)
    plugin, _ = start("model", "mine", tmp_path, city=CITY)
    ub.run(plugin, "popdensity", CITY, heads="ridge", seeds=2, floors=False, out=runs)
    with pytest.raises(SubmissionFaults, match=r"'mine' of 1 row is not registered.*Mend: add -m mine.py"):
        submit(runs, tmp_path / "mine.zip", Elsewhere())
    assert main(["submit", str(runs), "-m", str(plugin), "-o", "mine.zip"]) == 0
    opened = open_submission(tmp_path / "mine.zip", tmp_path / "opened")
    assert opened.plugins == ["plugins/mine.py"]
    assert not opened.faults
    odd = next(one for one in opened.verdicts if one.result.cell.model == "mine")
    assert "Unknown model 'mine'" in odd.unchecked[0]


def test_a_city_and_splits_that_are_on_this_machine_are_named_for_the_check_too(village, tmp_path, capsys):
    folder, splits, file = tmp_path / "runs", tmp_path / "fixed.json", tmp_path / "mine.zip"
    words = ["-t", "popdensity", "-c", str(village)]
    assert main(["splits", "export", *words, "--seeds", "2", "--out", str(splits)]) == 0
    cells = [*words, "--head", "ridge", "--no-floors", "--out", str(folder)]
    assert main(["run", "-m", "poi-counts", *cells, "--splits", str(splits)]) == 0
    assert main(["run", "-m", "poi-counts", *cells, "--seeds", "2"]) == 0
    places = ["-c", str(village), "--splits", str(splits)]
    assert main(["submit", str(folder), *places, "-o", str(file)]) == 0

    def unchecked(*more):
        capsys.readouterr()
        assert main(["submit", "--check", str(file), "--json", *more]) == 0
        rows = json.loads(capsys.readouterr().out)["rows"]
        return sorted(reason for row in rows for reason in row["unchecked"])

    without = unchecked()
    assert len(without) == 2
    assert "No file of splits is known" in without[0]
    assert without[1] == "city 'village' is not on this machine"
    assert unchecked(*places) == []


def test_true_values_of_a_city_that_is_named_are_compared_by_the_check(village, tmp_path, capsys):
    folder, file = tmp_path / "runs", tmp_path / "mine.zip"
    ub.run("poi-counts", "popdensity", village, heads="ridge", seeds=3, floors=False, out=folder)
    [path] = folder.glob("*/*/*.json")
    submit(folder, file, Elsewhere())
    predict_the_truth(path)
    spoiled = with_rows_of(file, folder, tmp_path / "spoiled.zip")
    assert main(["submit", "--check", str(spoiled)]) == 0
    assert main(["submit", "--check", str(spoiled), "-c", str(village)]) == 1
    assert "not those of the label" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "word", "code", "reason"),
    [
        ("-m", "poi-count", 2, "Did you mean 'poi-counts'"),
        ("-m", "./nowhere.py", 3, "There is nothing at './nowhere.py', which a model was said to be at"),
        ("-t", "popdensit", 2, "Did you mean 'popdensity'"),
        ("-c", "./nowhere", 3, "Expected a city folder, or a Python file"),
        ("-c", "toyvill", 2, "Did you mean 'toyville'"),
    ],
)
@pytest.mark.parametrize("way", ["pack", "check"])
def test_a_place_that_is_not_there_is_told(way, option, word, code, reason, runs, packed, capsys):
    asked = (
        [str(runs), "-o", str(packed.with_name("other.zip"))] if way == "pack" else ["--check", str(packed)]
    )
    assert main(["submit", *asked, option, word]) == code
    assert reason in capsys.readouterr().err


def test_nothing_that_came_along_is_run(packed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trace = tmp_path / "was_run"
    body = f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
    (tmp_path / "evil.py").write_text(body, encoding="utf-8")

    def changed(files):
        files["plugins/evil.py"] = body.encode()
        name = next(one for one in files if one.endswith(".json"))
        told = json.loads(files[name])
        for word in ("model", "task", "city", "split", "train_city"):
            spec = told["spec"] | {word: "./evil.py"}
            files[name.replace("__full", f"__{word}")] = json.dumps(told | {"spec": spec}).encode()

    opened = open_submission(repacked(packed, changed, tmp_path / "evil.zip"), tmp_path / "opened")
    assert sum("is a path" in fault for fault in opened.faults) == 5
    assert not trace.exists()


def test_a_parameter_that_may_name_a_file_is_not_asked(packed, tmp_path):
    def changed(files):
        name = next(one for one in files if one.endswith(".json") and "popdensity" in one)
        told = json.loads(files.pop(name))
        told["spec"]["parameters"] = {"weights": "/etc/passwd"}
        cell = ub.RunResult.from_dict(told).cell
        files[f"results/{cell.file_name}"] = json.dumps(told | {"run_id": cell.run_id}).encode()

    opened = open_submission(repacked(packed, changed, tmp_path / "odd.zip"), tmp_path / "opened")
    assert any("may name a file" in reason for one in opened.verdicts for reason in one.unchecked)


ARCHIVES = {
    "leads out": ("../evil.json", "a path with '..'"),
    "absolute": ("/etc/evil.json", "an absolute path"),
    "unlisted place": ("results/evil.sh", "no row, prediction or plugin"),
    "code among results": ("results/a/b/evil__x.py", "no row, prediction or plugin"),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_names_that_no_submission_has_are_refused_and_leave_nothing_outside(what, packed, tmp_path):
    name, reason = ARCHIVES[what]
    spoiled = repacked(packed, lambda files: files.update({name: b"{}"}), tmp_path / "spoiled.zip")
    with pytest.raises(DataCorrupt) as refused:
        open_submission(spoiled, tmp_path / "deep" / "opened")
    assert reason in str(refused.value) or "no row, prediction or plugin" in str(refused.value)
    assert not list(tmp_path.rglob("evil*"))


def test_links_other_bytes_and_missing_files_are_refused(packed, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    first = next(name for name in files if name.endswith(".json") and name != LIST_FILE)

    def written(name, members):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for one, body in members:
                archive.writestr(one, body)
        return tmp_path / name

    link = zipfile.ZipInfo(first)
    link.external_attr = 0o120777 << 16
    listed = (LIST_FILE, files[LIST_FILE])
    cases = {
        "a symbolic link": written("link.zip", [listed, (link, "/etc/passwd")]),
        "other bytes": written("bytes.zip", [listed, *((one, b"{}") for one in files if one == first)]),
        "lacks": written("less.zip", [listed]),
        "as its first file": written("order.zip", [(first, files[first]), listed]),
        "another version": written("version.zip", [(LIST_FILE, "{}")]),
        "no JSON": written("deep.zip", [(LIST_FILE, "[" * 100_000)]),
    }
    for number, (reason, file) in enumerate(cases.items()):
        with pytest.raises(DataCorrupt, match=reason):
            open_submission(file, tmp_path / f"opened{number}")


def test_tables_that_unfold_beyond_measure_and_endless_json_are_faults(packed, tmp_path):
    bomb = tmp_path / "bomb.parquet"
    pd.DataFrame({"seed": np.zeros(40_000_000, dtype=np.int64)}).to_parquet(bomb, compression="zstd")

    def changed(files):
        name = next(one for one in files if "/tested/" in one)
        files[name] = bomb.read_bytes()
        files["results/toyville-tiny/popdensity/a__b.json"] = b"[" * 100_000

    opened = open_submission(repacked(packed, changed, tmp_path / "bomb.zip"), tmp_path / "opened")
    assert any("a__b.json: expected a result" in fault for fault in opened.faults)
    assert not opened.verdicts


def test_files_and_folders_that_are_not_there_are_told(runs, tmp_path, capsys):
    with pytest.raises(DataMissing, match="No finished result"):
        submit(tmp_path, tmp_path / "mine.zip", Elsewhere())
    with pytest.raises(DataMissing, match="No results folder"):
        submit(tmp_path / "nothing", tmp_path / "mine.zip", Elsewhere())
    with pytest.raises(BadInput, match=r"ends with \.zip"):
        submit(runs, tmp_path / "mine.rar", Elsewhere())
    with pytest.raises(DataMissing, match="No file"):
        open_submission(tmp_path / "no.zip", tmp_path / "opened")
    assert main(["submit"]) == 2
    assert "Expected one" in capsys.readouterr().err
