"""Words of the command line: a path that exists wins over list, pattern and name."""

from __future__ import annotations

import json
import shutil

import pytest

from urbanbench.cli.app import main
from urbanbench.errors import UnknownName
from urbanbench.registry import city_folder, expand, expand_cities, open_city

pytestmark = pytest.mark.usefixtures("own_cache")
ODD = ["my_city", "a,b", "[1]", "mine*", "two words", "toyville", "all", "ünï'x"]


@pytest.mark.parametrize("name", ODD)
def test_a_folder_with_a_city_wins_over_list_pattern_and_name(village, tmp_path, monkeypatch, name):
    shutil.copytree(village, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert expand_cities(name) == [name]
    assert expand_cities(f"{name},toyville:tiny") == [name, "toyville:tiny"]
    assert open_city(name).path == tmp_path / name
    assert main(["data", "check", name]) == 0
    assert main(["data", "show", name, "--json"]) == 0
    assert main(["describe", name]) == 0


def test_a_folder_without_a_city_is_no_city(tmp_path, monkeypatch):
    (tmp_path / "toyvill").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UnknownName, match=r"There is a 'toyvill' here, but it is no folder with a city\.json"
    ):
        city_folder("toyvill")


def test_an_empty_folder_in_the_place_of_a_city_says_what_a_city_holds(tmp_path, monkeypatch):
    (tmp_path / "bare").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UnknownName, match=r"\(it is empty\)\. A city folder holds that and regions\.parquet at least"
    ):
        city_folder("bare")


def test_an_unknown_city_says_where_cities_come_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match="URBANBENCH_DATA"):
        city_folder("atlantis")


def test_files_with_commas_stay_whole(counting, tmp_path):
    odd = tmp_path / "a, b[1].py"
    shutil.copy(counting, odd)
    assert expand("model", f"{odd},mean") == [str(odd), "mean"]


def test_help_and_doctor_name_the_variable(capsys):
    for words in (["--help"], ["run", "--help"], ["data", "check", "--help"], ["doctor"]):
        assert main(words) == 0
        assert "URBANBENCH_DATA" in capsys.readouterr().out


def test_what_is_printed_next_can_be_pasted(village, tmp_path, monkeypatch, capsys):
    import shlex

    shutil.copytree(village, tmp_path / "a, b [1]")
    monkeypatch.chdir(tmp_path)
    words = ["embed", "-m", "poi-counts", "-c", "a, b [1]", "-o", "v 1,a.parquet"]
    run = [
        "run",
        "-m",
        "poi-counts",
        "-t",
        "income",
        "-c",
        "a, b [1]",
        "--head",
        "ridge",
        "--seeds",
        "2",
        "--out",
        "my, results",
    ]
    for first, more in ((words, ["--dry-run"]), (run, [])):
        assert main(first) == 0
        told = capsys.readouterr().err.rpartition("Next: ")[2].strip()
        assert main([*shlex.split(told)[1:], *more]) == 0, told


def test_vectors_named_like_a_model_are_told_to_take_another_name(village, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["embed", "-m", "poi-counts", "-c", str(village), "-o", "poi_counts.parquet"]) == 0
    assert "--inputs poi --name my-poi-counts" in capsys.readouterr().err
    score = ["score", "poi_counts.parquet", "-t", "income", "-c", str(village), "--dry-run", "--json"]
    assert main(score) == 2
    assert "--name" in capsys.readouterr().err
    for name in ("hgi", "poi_counts", "floors", "a\nb"):
        assert main([*score, "--name", name]) == 2
        assert "Expected a name of your own" in capsys.readouterr().err
    assert main([*score, "--name", "mine", "--inputs", "poi"]) == 0
    cells = json.loads(capsys.readouterr().out)["cells"]
    assert ("mine", "poi") in {(one["model"], one["inputs"]) for one in cells}
