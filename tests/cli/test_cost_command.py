"""``urbanbench cost`` as a user types it, on rows that were really run."""

from __future__ import annotations

import json

import pytest

from urbanbench.cli import cost_command
from urbanbench.cli.app import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("cost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("URBANBENCH_CACHE", str(out / "cache"))
        words = [
            "run",
            "-m",
            "poi-counts,mean,area",
            "-t",
            "popdensity",
            "-c",
            "toyville:tiny",
            "--head",
            "ridge",
            "--seeds",
            "2",
        ]
        assert main([*words, "--out", str(out / "results")]) == 0
    return out / "results"


def test_the_front_is_printed_with_its_machine(folder, capsys):
    assert main(["cost", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "toyville:tiny · popdensity · random" in out
    assert "rows on the front" in out
    assert "cores" in out


def test_columns_that_say_nothing_are_not_shown():
    """Of two rows with one head, other inputs and no GPU: the head moves to the heading, inputs stay, GPU memory goes."""
    rest = ("1", "2", "3")
    rows = [
        (name, inputs, "mlp", "0.5", "1.0", "-", "7", "9", "-", *rest, "-")
        for name, inputs in (("* a", "full"), ("+ b", "poi"))
    ]
    cells, heads, told = cost_command._columns(rows)
    assert heads == [
        "row",
        "inputs",
        "score",
        "s",
        "units/s",
        "MB",
        "weights trained",
        "frozen",
        "bytes/unit",
    ]
    assert cells[1] == ["+ b", "poi", "0.5", "1.0", "7", "9", *rest]
    assert told == ["head mlp"]
    measured = [(*rows[0][:5], "0.9", *rows[0][6:]), rows[1]]
    assert "s of processor" in cost_command._columns(measured)[1]


def test_json_has_every_row_with_its_costs(folder, capsys):
    assert main(["cost", str(folder), "--json"]) == 0
    [front] = json.loads(capsys.readouterr().out)
    rows = {one["row"]: one for one in front["rows"]}
    assert len(rows) == 3
    counts = rows["poi-counts · ridge"]
    assert counts["trained"] == counts["frozen"] == 0
    assert counts["units_per_second"] > 0
    assert counts["bytes_per_unit"] % 4 == 0
    assert any(one["on_front"] for one in front["rows"])


def test_a_plot_is_written_and_all_rows_shown(folder, tmp_path, capsys):
    assert main(["cost", str(folder), "--all", "--plot", str(tmp_path / "cost.pdf")]) == 0
    assert (tmp_path / "cost.pdf").read_bytes().startswith(b"%PDF")
    assert "* " in capsys.readouterr().out


def test_describe_says_what_a_row_cost(folder, capsys):
    file = next(folder.glob("*/*/poi-counts*.json"))
    assert main(["describe", str(file), "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)["cost"]
    assert cost["weights"] == "0 trained, 0 of frozen encoders"
    assert cost["peak GPU memory"] == "no GPU"
    assert "units/s" in cost["throughput"]
    row = json.loads(file.read_text())["model"]
    assert 1 < row["effective_rank"] <= row["dim"]
    assert float(cost["effective rank"].split(" of ")[0]) == pytest.approx(row["effective_rank"], rel=0.01)
    assert cost["effective rank"].endswith(f" of {row['dim']}")


def test_names_that_fit_nothing_are_a_sentence(folder, capsys):
    assert main(["cost", str(folder), "-t", "housing"]) == 3
    assert "No result in" in capsys.readouterr().err
