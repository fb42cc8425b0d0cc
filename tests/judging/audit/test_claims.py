"""Percentages that a text says of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from urbanbench.errors import BadInput
from urbanbench.judging.audit import audit
from urbanbench.judging.audit.claims import read_claims

TABLE = """
task,city,model,metric,mean,unit
rent,Oslo,Ours,RMSE,5.00,EUR
rent,Oslo,Ours,F1,.6386,
rent,Oslo,Rival,RMSE,6.00,EUR
rent,Oslo,Rival,F1,.4629,
rent,Oslo,Third,RMSE,8.00,EUR
rent,Oslo,Ours w/o maps,RMSE,5.50,EUR
"""


def verdicts(table_of, tmp_path: Path, rows: str):
    path = tmp_path / "claims.csv"
    path.write_text("model,baseline,metric,percent\n" + rows, encoding="utf-8")
    return [one for one in audit(table_of(TABLE), read_claims(path)) if one.rule == "claims"]


@pytest.mark.parametrize(
    "row",
    [
        "Ours,Rival,RMSE,16.7",
        "Ours,,RMSE,16.67",
        "ours,best,rmse,17",
        "Ours,Third,RMSE,37.5",
        "Ours,Rival,F1,38.0 %",
    ],
)
def test_a_claim_that_follows_is_no_finding(table_of, tmp_path, row):
    assert verdicts(table_of, tmp_path, row) == []


@pytest.mark.parametrize(
    ("row", "severity", "says"),
    [
        ("Ours,Rival,RMSE,20.0", "impossible", "is 16.67 %, not 20.0"),
        ("Ours,Rival,RMSE,37.5", "impossible", "follows against Third"),
        ("Ours,Rival,F1,17.57", "impossible", "percentage points"),
        ("Third,Rival,RMSE,33.3", "impossible", "it is worse"),
        ("Ours,Rival,RMSE,16.72", "note", "numbers before rounding only"),
        ("Ours,Nobody,RMSE,16.7", "suspicious", "no row of Nobody"),
        ("Nobody,Rival,RMSE,16.7", "suspicious", "no such row"),
    ],
)
def test_a_claim_that_does_not_follow_says_why(table_of, tmp_path, row, severity, says):
    [one] = verdicts(table_of, tmp_path, row)
    assert one.severity == severity
    assert says in one.says


def test_claims_name_rows_with_marks_and_with_underscores(table_of, tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text("model,baseline,metric,percent\nm__full__poi,**Rival**,RMSE,20\n", encoding="utf-8")
    table = table_of(TABLE.replace("Ours,", "m__full__poi,").replace("Rival", "__Rival__"))
    [one] = [one for one in audit(table, read_claims(path)) if one.rule == "claims"]
    assert one.says == "Rival 6.00 to m__full__poi 5.00 is 16.67 %, not 20"


def test_claims_may_be_toml(table_of, tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(
        '[[claim]]\nmodel = "Ours"\ncity = "Oslo"\nmetric = "RMSE"\npercent = 12.5\n', encoding="utf-8"
    )
    [one] = [one for one in audit(table_of(TABLE), read_claims(path)) if one.rule == "claims"]
    assert "Rival 6.00 to Ours 5.00 is 16.67 %" in one.says


def test_a_claim_with_a_strange_field_or_without_a_number_is_refused(tmp_path):
    path = tmp_path / "claims.csv"
    for text in (
        "model,metric,percent,colour\nA,R2,5,red",
        "model,metric,percent\nA,R2,much",
        "model,metric\nA,R2",
        "model,metric,percent\n",
    ):
        path.write_text(text + "\n", encoding="utf-8")
        with pytest.raises(BadInput, match=r"model.*metric"):
            read_claims(path)
