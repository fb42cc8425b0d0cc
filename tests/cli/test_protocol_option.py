"""`--protocol`, and the lists and boards that name protocols."""

from __future__ import annotations

import json

import pytest

from urbanbench.cli.app import main

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def words(village, counting):
    return [
        "run",
        "-m",
        str(counting),
        "-c",
        str(village),
        "-t",
        "popdensity",
        "--device",
        "cpu",
        "--no-isolate",
    ]


def cells(capsys):
    return [
        (cell["model"], cell["split"], cell["head"], len(cell["seeds"]))
        for cell in json.loads(capsys.readouterr().out)["cells"]
    ]


def test_default_and_papers_run_side_by_side(words, capsys, own_folder):
    more = ["--no-floors", "--protocol", "default,paper:mvure", "--head", "ridge", "--seeds", "2"]
    assert main([*words, *more]) == 0
    out = capsys.readouterr().out
    assert "\nvillage · popdensity · random" in out
    assert "\nvillage · popdensity · paper:mvure (parity rows)" in out
    names = sorted(path.name for path in own_folder.glob("runs/village/popdensity/*.json"))
    assert [name.rsplit("__", 1)[0] for name in names] == [
        "counting__full__paper-mvure__ridge-1",
        "counting__full__random__ridge",
    ]


def test_options_of_the_default_protocol_hold_for_its_rows_alone(words, capsys):
    more = ["--no-floors", "--protocol", "default", "--protocol", "paper:m*", "--split", "random,block"]
    assert main([*words, *more, "--seeds", "3", "--dry-run", "--json"]) == 0
    assert cells(capsys) == [
        ("counting", "random", "mlp", 3),
        ("counting", "block", "mlp", 3),
        ("counting", "paper:mvure", "ridge-1", 1),
        ("counting", "paper:mvure-code", "ridge-1", 1),
    ]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--split", "random"), ("--head", "ridge"), ("--seeds", "10"), ("--block-size", "500")],
)
def test_options_of_the_default_protocol_are_refused_with_papers_alone(
    words, capsys, own_folder, option, value
):
    assert main([*words, "--protocol", "paper:hgi,paper:mvure", option, value]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"Error: {option} given with --protocol paper:hgi,paper:mvure. Expected none" in err
    assert not list(own_folder.rglob("*.json"))


def test_floors_stand_beside_parity_rows_with_the_papers_head(words, capsys):
    assert main([*words, "--protocol", "paper:hgi", "--dry-run", "--json"]) == 0
    found = cells(capsys)
    assert ("poi-counts", "paper:hgi", "forest-100", 10) in found
    assert {(split, head) for _, split, head, _ in found} == {("paper:hgi", "forest-100")}
    assert not {"mean", "spatial-lag"} & {model for model, *_ in found}


def test_unknown_protocol_is_told(words, capsys):
    assert main([*words, "--protocol", "paper:hgj"]) == 2
    assert "Unknown protocol 'paper:hgj'. Did you mean 'paper:hgi'?" in capsys.readouterr().err


def test_only_refused_cells_give_exit_code_1(words, capsys):
    where = words.index("popdensity")
    assert (
        main([*words[:where], "landuse", *words[where + 1 :], "--no-floors", "--protocol", "paper:mvure"])
        == 1
    )
    assert "refused: Protocol 'paper:mvure' scores regression of regions" in capsys.readouterr().err


def test_given_vectors_are_scored_as_papers_do(words, village, counting, capsys):
    assert main(["embed", "-m", str(counting), "-c", str(village), "--device", "cpu"]) == 0
    capsys.readouterr()
    start = [
        "score",
        "vectors.parquet",
        "-c",
        str(village),
        "-t",
        "popdensity",
        "--no-floors",
        "--device",
        "cpu",
    ]
    assert main([*start, "--protocol", "paper:mvure", "--json"]) == 0
    [given] = json.loads(capsys.readouterr().out)
    assert main([*words, "--no-floors", "--protocol", "paper:mvure", "--json"]) == 0
    [made] = json.loads(capsys.readouterr().out)
    assert given["scores"] == made["scores"]
    assert main([*start, "--protocol", "paper:mvure", "--head", "ridge"]) == 2


def test_leaderboards_can_be_cut_by_protocol(words, capsys):
    main([*words, "--no-floors", "--protocol", "default,paper:mvure", "--head", "ridge", "--seeds", "2"])
    capsys.readouterr()
    assert main(["leaderboard", "runs", "--protocol", "paper:*"]) == 0
    assert "random" not in capsys.readouterr().out
    assert main(["leaderboard", "runs", "--protocol", "default"]) == 0
    assert "paper:" not in capsys.readouterr().out


def test_protocols_are_listed_and_described(capsys):
    assert main(["list", "protocols", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["name"] == "default"
    assert {"paper:hgi", "paper:cityfm", "paper:urbanmfm", "paper:mvure"} <= {row["name"] for row in rows}
    for word in ("paper:mvure", "protocol:paper:mvure"):
        assert main(["describe", word]) == 0
        told = " ".join(capsys.readouterr().out.split())
        assert (
            "regression of regions: 10 contiguous folds in the order of unit ids; ridge regression with alpha 1"
            in told
        )
        assert "the code of MVURE and of HREP cuts five" in told
    assert main(["describe", "protocol:default"]) == 0
    assert main(["describe", "paper:nobody"]) == 2
