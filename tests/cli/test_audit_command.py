"""``urbanbench audit`` as a user types it."""

from __future__ import annotations

import json

import pytest

from urbanbench.cli.app import main

CLEAN = "Method,RMSE (km),MAE (km),R2\nA,6.00,4.51,.64\nB,7.07,5.22,.50\n"
WRONG = CLEAN.replace("4.51", "6.51")


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "paper.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_a_clean_table_ends_with_0_and_says_what_was_read(table, capsys):
    assert main(["audit", table(CLEAN)]) == 0
    out = capsys.readouterr().out
    assert "'Method' as model" in out
    assert "0 findings" in out


def test_an_impossible_finding_ends_with_1_and_lines_stay_within_100_columns(table, capsys):
    assert main(["audit", table(WRONG)]) == 1
    out = capsys.readouterr().out
    assert "IMPOSSIBLE  errors" in out
    assert "row 2" in out
    assert max(map(len, out.splitlines())) <= 100


def test_json_has_findings_counts_and_columns(table, capsys):
    assert main(["audit", table(WRONG), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] == {"impossible": 1, "suspicious": 0, "note": 0}
    assert told["read"][0] == {"column": "Method", "as": "model"}
    assert told["findings"][0]["rule"] in told["why"]


def test_a_markdown_file_is_written_on_demand(table, tmp_path, capsys):
    assert main(["audit", table(WRONG), "-o", str(tmp_path / "audit.md")]) == 1
    page = (tmp_path / "audit.md").read_text(encoding="utf-8")
    assert page.startswith("# Audit of paper.csv")
    assert "## Impossible" in page
    assert "audit.md" in capsys.readouterr().err


def test_claims_maps_and_floors_are_taken(table, tmp_path, capsys):
    claims = tmp_path / "claims.csv"
    claims.write_text("model,baseline,metric,percent\nA,B,RMSE,25\n", encoding="utf-8")
    text = CLEAN.replace("Method", "Wer").replace("RMSE (km)", "Fehler")
    words = [
        "audit",
        table(text),
        "--map",
        "model=Wer",
        "--map",
        "rmse=Fehler",
        "--floor",
        "A",
        "--claims",
        str(claims),
    ]
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "B 7.07 to A 6.00 is 15.13 %, not 25" in out
    assert "below the floor A" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["absent.csv"], 3, "No table 'absent.csv'"),
        (["--map", "modle=x"], 2, "Did you mean 'model'"),
        (["{folder}", "--map", "model=x"], 2, "holds results"),
    ],
)
def test_a_users_mistake_is_a_sentence(tmp_path, capsys, words, code, says):
    assert main(["audit", *(word.format(folder=tmp_path) for word in words)]) == code
    err = capsys.readouterr().err
    assert says in err
    assert "Traceback" not in err


def test_a_floor_that_is_no_model_of_the_table_is_refused_with_the_nearest(table, tmp_path, capsys):
    path = table(CLEAN.replace("A,", "position,"))
    assert main(["audit", path, "--floor", "positon"]) == 2
    assert "Unknown floor 'positon'. Did you mean 'position'? Known: B, position." in capsys.readouterr().err


def test_marks_around_a_name_are_no_part_of_it(tmp_path, capsys):
    path = tmp_path / "paper.md"
    rows = ["| **Method** | R2 |", "|---|---|", "| **position** | **.64** |", "| <u>A</u> (ours) | .50 |"]
    path.write_text("\n".join(rows), encoding="utf-8")
    for floor in ("position", "**position**"):
        assert main(["audit", str(path), "--floor", floor]) == 0
        out = capsys.readouterr().out
        assert "below the floor position (R² .64): A (ours) .50" in " ".join(out.split())


def test_results_are_audited_from_a_folder_or_a_compacted_file_and_an_empty_one_is_no_clean_bill(
    village, tmp_path, capsys
):
    import urbanbench as ub

    ub.run(["poi-counts", "area"], "popdensity", village, heads="ridge", seeds=3, out=tmp_path / "runs")
    assert main(["results", "compact", str(tmp_path / "runs"), "-o", str(tmp_path / "all.parquet")]) == 0
    capsys.readouterr()
    told = []
    for place in ("runs", "all.parquet"):
        assert main(["audit", str(tmp_path / place), "--floor", "poi-count"]) == 2
        assert "Did you mean 'poi-counts'?" in capsys.readouterr().err
        assert main(["audit", str(tmp_path / place), "--floor", "poi-counts", "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0]["findings"] == told[1]["findings"]
    (tmp_path / "empty").mkdir()
    assert main(["audit", str(tmp_path / "empty")]) == 3
    assert "holds no result" in capsys.readouterr().err
