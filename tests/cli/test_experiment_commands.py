"""`urbanbench experiment`: list, run and show."""

from __future__ import annotations

import json

import pytest

from urbanbench.cli.app import main
from urbanbench.experiments import catalogue
from urbanbench.experiments.kinds.comparison import Comparison
from urbanbench.experiments.kinds.contender import Contender
from urbanbench.registry import names

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def small(monkeypatch, counting, village):
    """An experiment of cheap rows on the village, in place of all others."""
    experiment = Comparison(
        name="small",
        title="Small",
        item="Table III",
        question="Does it run?",
        cities=(str(village), "atlantis"),
        splits=("random",),
        heads=("ridge",),
        contenders=(
            Contender("counted", str(counting)),
            Contender("counted twice", str(counting), (("power", "2.0"),)),
            Contender("ghost", "no-such-model", published="CityFM"),
        ),
        full="counted",
        ablations=("Models",),
        table="III",
    )
    monkeypatch.setattr(catalogue, "_loaded", lambda: {"small": experiment})
    return experiment


def run(*words):
    return main(["experiment", "run", "small", "--seeds", "2", "--device", "cpu", *words])


def test_list_tells_name_item_cells_and_question(capsys):
    assert main(["experiment", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["table4"]["item"] == "Table IV"
    there = set(names("model")) & {"urbanmfm", "urban2vec", "cityfm"}
    assert rows["table4"]["cells"] == 2 * 3 * len(there)  # splits and cities
    assert main(["list", "experiments"]) == 0
    assert "table3" in capsys.readouterr().out


def test_a_second_run_computes_nothing_and_shows_the_same(small, tmp_path, capsys):
    assert run("--wide") == 0
    first = capsys.readouterr()
    assert "Left out: city 'atlantis' is not on this machine" in first.err
    assert "Left out: Unknown model 'no-such-model'" in first.err
    log = (tmp_path / "embeds.log").read_text()
    assert len(log.splitlines()) == 2
    assert run("--wide") == 0
    assert (tmp_path / "embeds.log").read_text() == log
    assert capsys.readouterr().out == first.out
    assert "\ncounted twice" in first.out
    assert "best floor of these inputs:" in first.out


def test_cells_are_those_of_a_plain_run(small, village, counting, own_folder, capsys):
    words = ["-m", str(counting), "-t", "popdensity", "-c", str(village), "--head", "ridge", "--seeds", "2"]
    assert main(["run", *words, "--device", "cpu", "--no-floors"]) == 0
    [plain] = own_folder.rglob("*__*.json")
    before = plain.stat().st_mtime_ns
    assert run("--no-floors") == 0
    assert plain.stat().st_mtime_ns == before
    assert len(list(own_folder.rglob("*__*.json"))) == 2


def test_show_reads_and_never_runs(small, village, tmp_path, own_folder, capsys):
    assert run("--no-floors") == 0
    log = (tmp_path / "embeds.log").read_text()
    capsys.readouterr()
    assert (
        main(["experiment", "show", "small", "-c", str(village), "--figures", "figs", "--format", "csv"]) == 0
    )
    assert "village · popdensity · random" in capsys.readouterr().out
    assert sorted(path.name for path in (own_folder / "figs").iterdir()) == [
        "small-village-popdensity.pdf",
        "small-village-popdensity.png",
        "small-village-popdensity.svg",
    ]
    assert main(["experiment", "show", "small", "--format", "html"]) == 0
    assert capsys.readouterr().out.startswith("<!DOCTYPE html>")
    assert main(["experiment", "show", "small", "-c", "atlantis"]) == 0
    assert "not run" in capsys.readouterr().out
    assert (tmp_path / "embeds.log").read_text() == log


def test_a_label_the_city_lacks_is_a_row_and_exit_code_1(small, village, capsys):
    assert run("-c", str(village), "-t", "housing", "--no-floors") == 1
    assert "no label" in capsys.readouterr().out


def test_dry_run_prints_the_cells_and_runs_none(small, own_folder, capsys):
    assert run("--dry-run") == 0
    assert "power=2.0" in capsys.readouterr().out
    assert not (own_folder / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "smal"], "Unknown experiment 'smal'. Did you mean 'small'?"),
        (
            ["run", "small", "--set", "no_such=1"],
            "--set names 'no_such', which no model of this experiment has.",
        ),
        (["run", "small", "--format", "pdf"], "Unknown report format 'pdf'"),
        (["run", "small", "-t", "nothing"], "Unknown task 'nothing'"),
        (["show", "small", "--split", "blok"], "Unknown split 'blok'. Did you mean 'block'?"),
    ],
)
def test_mistakes_are_told_before_anything_runs(small, own_folder, capsys, words, said):
    assert main(["experiment", *words]) == 2
    assert said in capsys.readouterr().err
    assert not list(own_folder.rglob("*.json"))


def test_an_experiment_this_version_cannot_run_at_all_says_so(monkeypatch, village, capsys):
    ghosts = Comparison(
        name="small",
        title="S",
        item="none",
        question="?",
        cities=(str(village),),
        contenders=(Contender("g", "no-such-model"),),
    )
    monkeypatch.setattr(catalogue, "_loaded", lambda: {"small": ghosts})
    assert run() == 2
    assert "None of the 2 cells can be run with this version" in capsys.readouterr().err


def test_show_without_a_results_folder_is_told(small, capsys):
    assert main(["experiment", "show", "small"]) == 3
    assert "No results folder" in capsys.readouterr().err


def test_a_city_is_asked_for_the_tasks_it_has_labels_for_and_the_others_are_named(village, capsys):
    assert (
        main(["experiment", "run", "unified", "-c", str(village), "--split", "random", "--dry-run", "--wide"])
        == 0
    )
    told = capsys.readouterr()
    tasks = {line.split()[1] for line in told.out.splitlines()[2:]}
    assert tasks == {"popdensity", "income", "gdp", "crime", "landuse"}
    assert "has no label for" in told.err
    assert "education" in told.err
    assert "Its labels: popdensity, income, gdp, crime, landuse." in told.err


def test_a_task_that_was_asked_for_is_planned_though_the_label_is_missing(village, capsys):
    words = ["experiment", "run", "unified", "-c", str(village), "--split", "random", "--dry-run", "--wide"]
    assert main([*words, "-t", "education"]) == 0
    assert {line.split()[1] for line in capsys.readouterr().out.splitlines()[2:]} == {"education"}


def test_a_city_without_any_label_of_an_experiment_says_so(village, capsys):
    assert main(["experiment", "run", "table7", "-c", str(village), "--dry-run"]) == 2
    assert "is about a label that its city has. Name a task with --task" in capsys.readouterr().err


def test_an_experiment_without_predictions_names_the_command_that_makes_them(village, own_folder, capsys):
    from urbanbench.result import RunSpec
    from urbanbench.run import run as run_cells
    from urbanbench.store import ResultStore

    store = ResultStore(own_folder / "kept")
    [result] = run_cells([RunSpec("coordinates", "popdensity", str(village), seeds=(0, 1))], store)
    store.predictions_of(result.cell).unlink()
    words = ["-c", str(village), "-t", "popdensity", "--split", "random", "--seeds", "2", "--out", "kept"]
    assert main(["experiment", "show", "case1", *words, "--wide"]) == 0
    said = capsys.readouterr().out.replace("\\", "")
    assert "coordinates: no predictions" in said
    assert f"Mend: urbanbench experiment run case1 -c {village} --overwrite always --out kept" in said


def test_an_experiment_of_any_model_is_asked_of_the_models_named(village, counting, capsys):
    words = ["experiment", "run", "leaned", "-c", str(village), "-t", "popdensity", "--split", "random"]
    assert main([*words, "-m", str(counting), "--head", "ridge", "--dry-run", "--wide"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()[2:]]
    mine = {line[5] for line in lines if line[2] == "counting"}
    assert mine == {
        "ridge", "ridge+position", "mlp+position", "ridge+placeless", "ridge+neighbours", "ridge+shares", "ridge+pca", "ridge+projection",
    }  # fmt: skip
    assert {line[2] for line in lines} >= {"poi-counts", "coordinates"}


def test_models_named_for_an_experiment_with_rows_of_its_own_are_refused(village, capsys):
    assert main(["experiment", "run", "table3", "-c", str(village), "-m", "hgi", "--dry-run"]) == 2
    assert "its rows are its own" in capsys.readouterr().err
    assert main(["experiment", "show", "leaned", "-m", "hgj"]) == 2
    assert "Did you mean 'hgi'" in capsys.readouterr().err


def test_an_experiment_without_rows_says_so_and_how_to_make_them(small, village, tmp_path, capsys):
    (tmp_path / "my runs").mkdir()
    words = ["small", "-c", str(village), "--out", str(tmp_path / "my runs")]
    assert main(["experiment", "show", *words]) == 0
    err = capsys.readouterr().err
    assert f"Nothing of experiment 'small' is in {tmp_path / 'my runs'}/." in err
    assert f"Mend: urbanbench experiment run small -c {village} --out '{tmp_path / 'my runs'}'" in err
    assert (
        main(["experiment", "show", *words, "--preset", "quick", "--seeds", "3", "--model-seeds", "2"]) == 0
    )
    assert f"-c {village} --seeds 3 --preset quick --model-seeds 2 --out" in capsys.readouterr().err
    assert run(*words[1:]) == 0
    capsys.readouterr()
    assert main(["experiment", "show", *words]) == 0
    assert "Nothing of" not in capsys.readouterr().err
