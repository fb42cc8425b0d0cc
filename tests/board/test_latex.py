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


def compiled(body, folder):
    """Compile a board inside a plain article and return what LaTeX said."""
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed, so nothing says whether it compiles")
    source = rf"\documentclass{{article}}\usepackage{{booktabs,graphicx}}\begin{{document}}{chr(10)}{body}\end{{document}}"
    (folder / "board.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "board.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-1500:]
    return (folder / "board.log").read_text(encoding="utf-8", errors="replace")


def test_it_compiles(results, tmp_path):
    compiled(render(results, format="tex", published=True), tmp_path)


def test_models_beside_tasks_compile(results, tmp_path):
    text = render(results, format="tex", pivot=True)
    assert r"\shortstack[r]" in text
    compiled(text, tmp_path)


def test_a_board_of_very_many_tables_compiles(make_result, tmp_path):
    results = [
        make_result(name, task=f"task{k}", floor=name == "tfidf")
        for k in range(140)
        for name in ("a", "tfidf")
    ]
    said = compiled(render(results, format="tex"), tmp_path)
    assert "Too many unprocessed floats" not in said


def test_a_long_table_comes_in_parts_that_fit_a_page(make_result, tmp_path):
    results = [make_result(f"model-{k:03d}", (0.5 + k / 1000, 0.6)) for k in range(100)]
    text = render(results, format="tex")
    assert text.count("(part ") == 3
    assert all(f"model-{k:03d}" in text for k in range(100))
    assert "Float too large" not in compiled(text, tmp_path)


@pytest.mark.parametrize("name", ["上海", "Zürich ß", "ŋ þ “x” – ≤", "[x]", "*y", "Łódź ąę", "😀"])
def test_names_of_every_script_compile(make_result, tmp_path, name):
    text = render([make_result(name, city=name), make_result("b", city=name)], format="tex")
    compiled(text, tmp_path)
