"""LaTeX tables: structure, marks, escaping; compiled where pdflatex is installed."""

import re
import shutil
import subprocess

import pytest

from urbanbench.board import render

EVIL = r"50% of a_b & c#1 {x} \input{/etc/passwd} $y$ ~ ^ <b> | --"


@pytest.fixture
def results(make_result):
    ceiling = {"inputs": {"poi,polygon": {"r2": 0.9}}}
    return [
        make_result("urbanmfm", (0.6, 0.7), preset="small", ceiling=ceiling),
        make_result("cityfm", (-0.3, -0.4)),
        make_result("tfidf", (0.5, 0.6), floor=True),
        make_result(EVIL, (0.1, 0.2), city="singapore"),
        make_result("c", status="refused", reason=f"No layer {EVIL}."),
        make_result("urbanmfm", kind="composition", task="shares_x", unit=EVIL),
    ]


def plain(text):
    return re.sub(r"\\[{}\\$&#%_]", "", text)


def test_braces_balance_and_rows_have_the_columns_of_their_table(results):
    text = render(results, format="tex", published=True)
    bare = plain(text)
    assert bare.count("{") == bare.count("}")
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(tables) == text.count(r"\begin{table}") >= 3
    for shape, body in tables:
        assert body.startswith("\\toprule")
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(shape)}


def test_the_best_set_is_bold_the_best_mean_underlined_and_spreads_have_a_sign(results):
    text = render(results, format="tex", metrics=["r2"])
    assert r"\textbf{\underline{0.650 $\pm$ 0.071}}" in text
    assert r"$-$0.350 $\pm$ 0.071" in text
    assert r"cityfm $\bigtriangledown$" in text
    assert r"R$^2$ $\uparrow$" in text


def test_notes_and_units_leave_the_columns(results):
    text = render(results, format="tex")
    assert "RMSE and MAE in thousand persons per km2" in text
    assert r"cityfm: $\bigtriangledown$ below tfidf (mlp)" in text


def test_special_signs_are_escaped(results):
    text = render(results, format="tex")
    assert (
        r"50\% of a\_b \& c\#1 \{x\} \textbackslash{}input\{/etc/passwd\} \$y\$ \textasciitilde{} \textasciicircum{}"
        in text
    )
    assert r"\input" not in text


def test_a_name_cannot_leave_a_comment(make_result):
    text = render([make_result("a", city="x\n\\evil")], format="tex", title="t\n\\evil")
    assert not [line for line in text.splitlines() if line.startswith("\\evil")]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_it_compiles(results, tmp_path):
    body = render(results, format="tex", published=True)
    source = rf"\documentclass{{article}}\usepackage{{booktabs,graphicx}}\begin{{document}}{chr(10)}{body}\end{{document}}"
    (tmp_path / "board.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "board.tex"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, check=False, text=True, errors="replace"
    )
    assert done.returncode == 0, done.stdout[-1500:]
