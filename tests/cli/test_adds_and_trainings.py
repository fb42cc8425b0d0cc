"""``--adds``, ``--model-seeds`` and ``--each-training`` on the command line, and what is kept of them."""

from __future__ import annotations

import json

import pytest

from urbanbench.cli.app import main

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def words(village, counting, tmp_path, monkeypatch):
    """The start of a quick run on the village, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    start = [
        "run",
        "-m",
        str(counting),
        "-c",
        str(village),
        "-t",
        "income",
        "--head",
        "ridge",
        "--seeds",
        "2",
    ]
    return [*start, "--device", "cpu", "--no-isolate", "--no-floors"]


def test_trainings_and_gains_are_shown_kept_verified_and_computed_again(
    words, capsys, tmp_path, counting, village
):
    assert main([*words, "--model-seeds", "2", "--adds"]) == 0
    out, err = capsys.readouterr()
    assert "counting (2 trainings)" in out
    assert " adds" in out
    assert "income · counting · full · random · ridge+best-floor: r2" in err
    assert "ridge+best-floor · model seed 1: r2" in err
    assert " to a floor, " in err
    assert main([*words, "--model-seeds", "0,1", "--adds"]) == 0
    assert capsys.readouterr().err.count(", kept") == 4
    verify = ["results", "verify", "runs", "-m", str(counting), "-c", str(village)]
    assert main([*verify, "--recompute", "all"]) == 0
    assert "4 computed again: 4 bit for bit" in capsys.readouterr().out
    [file] = [
        one for one in tmp_path.glob("runs/*/*/*best-floor*.json") if '"model_seed": 0' in one.read_text()
    ]
    told = json.loads(file.read_text())
    told["adds"]["gain"]["r2"][0] += 0.1
    file.write_text(json.dumps(told))
    assert main(verify) == 1
    assert "what it adds is not the difference of its scores and the floor's" in capsys.readouterr().out


def test_a_board_shows_each_training_on_request(words, capsys):
    main([*words, "--model-seeds", "2"])
    capsys.readouterr()
    assert main(["leaderboard", "runs"]) == 0
    assert "counting (2 trainings)" in capsys.readouterr().out
    assert main(["leaderboard", "runs", "--each-training"]) == 0
    assert "counting (model seed=1)" in capsys.readouterr().out


def test_dry_runs_name_every_cell(words, capsys):
    assert main([*words, "--model-seeds", "3,1", "--adds", "--dry-run", "--json"]) == 0
    cells = [
        (one["model_seed"], one.get("beside", "")) for one in json.loads(capsys.readouterr().out)["cells"]
    ]
    assert cells == [(3, ""), (3, "best-floor"), (1, ""), (1, "best-floor")]
    assert main([*words, "--model-seeds", "3,1", "--adds", "--dry-run", "--wide"]) == 0
    assert "counting, seed 3" in (out := capsys.readouterr().out)
    assert "ridge+best-floor" in out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--model-seeds", "0,1", "--model-seed", "2"], "--model-seed 2 and --model-seeds 0,1 are given"),
        (["--model-seeds", "1,1"], "--model-seeds got '1,1', with a seed twice"),
        (["--model-seeds", "x"], "--model-seeds got 'x'"),
    ],
)
def test_seeds_that_cannot_be_meant_are_refused(words, capsys, more, said):
    assert main([*words, *more]) == 2
    assert said in capsys.readouterr().err


def test_gains_belong_to_the_default_protocol(words, capsys):
    start = words[: words.index("--head")]
    assert main([*start, "--protocol", "paper:hgi", "--adds"]) == 2
    assert "--adds given with --protocol paper:hgi" in capsys.readouterr().err


def test_the_command_that_repeats_a_result_asks_for_it_beside_a_floor():
    from urbanbench.cli.again import command_again
    from urbanbench.result import RunResult, RunSpec
    from urbanbench.run import resolve

    cell = resolve(RunSpec("hgi", "popdensity", "toyville", model_seed=2, beside="best-floor")).cell
    assert "--model-seed 2" in (told := command_again(RunResult("ok", cell)))
    assert "--adds" in told
