"""Execute the tutorials: ``python docs/_site/notebooks.py [NAME …]`` writes ``docs/tutorials/NAME.ipynb`` from ``NAME.py``.

Sources are Python files with cells, which diffs can be read of; the notebooks keep what the cells showed. Each runs in an empty folder
beside a link to the reference rows. The extra ``docs`` has what is needed.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
_TIMEOUT_S = 600


def execute(source: Path) -> Path:
    """Run a tutorial and write its notebook, without times and without numbers that differ from run to run."""
    notebook = jupytext.read(source)
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "results").symlink_to(ROOT / "results")
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=_TIMEOUT_S, record_timing=False, resources=resources).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{number}", {}
    out = source.with_suffix(".ipynb")
    nbformat.write(notebook, out)
    return out


if __name__ == "__main__":
    for name in sys.argv[1:] or sorted(path.stem for path in TUTORIALS.glob("*.py")):
        print(execute(TUTORIALS / f"{name}.py"))  # noqa: T201 - says what was written
