"""Tutorials run, and the notebooks that are kept show what their sources say."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from urbanbench.registry import known_folders

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "tutorials"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
MOST_BYTES = 300_000


def cells(name):
    """Return the code cells of a source."""
    parts = re.split(r"^# %%(.*)$", (FOLDER / f"{name}.py").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [
        body.strip()
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
        if "[markdown]" not in title
    ]


def notebook(name):
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))


def run(code, told):
    """Run a cell as a notebook does and return what its last line shows."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), told)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), told) if last is not None else None


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_notebook_is_its_source_executed(name):
    code = [cell for cell in notebook(name)["cells"] if cell["cell_type"] == "code"]
    assert ["".join(cell["source"]) for cell in code] == cells(name)
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    kinds = {output["output_type"] for cell in code for output in cell["outputs"]}
    assert kinds <= {"execute_result", "stream", "display_data"}


@pytest.mark.parametrize("name", NAMES)
def test_a_kept_notebook_is_small_and_names_no_place_of_a_machine(name):
    file = FOLDER / f"{name}.ipynb"
    assert file.stat().st_size < MOST_BYTES
    text = re.sub(r"[A-Za-z0-9+/=]{200,}", "", file.read_text(encoding="utf-8"))
    assert not re.findall(r"/(?:home|root|work|tmp|Users)/", text)


def test_the_first_tutorial_runs_and_everything_in_it_shows_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = {"__name__": "__main__"}
    shown = [run(code, told) for code in cells("toyville")]
    ways = [
        [way for way in ("_repr_png_", "_repr_html_") if hasattr(one, way)]
        for one in shown
        if one is not None
    ]
    assert all(ways)
    assert ways.count(["_repr_png_"]) == 1
    kept = [cell for cell in notebook("toyville")["cells"] if cell["cell_type"] == "code"]
    results = [cell["outputs"] for cell in kept if cell["outputs"] and "data" in cell["outputs"][-1]]
    texts = ["".join(outputs[-1]["data"]["text/plain"]) for outputs in results]
    assert texts == [repr(one) for one in shown if one is not None]


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif("singapore" not in known_folders(), reason="no singapore below URBANBENCH_DATA")
def test_the_tutorial_on_a_real_city_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").symlink_to(ROOT / "results")
    told = {"__name__": "__main__"}
    shown = [run(code, told) for code in cells("singapore")]
    assert len(shown) == len(cells("singapore"))
