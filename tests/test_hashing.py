"""Hashes of code: which files belong to a file, found without running any of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from urbanbench.hashing import _module_file, code_digest

PACKAGE = Path(__file__).resolve().parents[1] / "bench" / "urbanbench"


def test_hashing_code_imports_none_of_it():
    script = (
        "import sys; from pathlib import Path; from urbanbench.hashing import code_digest; "
        f"code_digest(*Path({str(PACKAGE)!r}, 'scoring').rglob('*.py'), Path({str(PACKAGE)!r}, 'models', 'urbanmfm.py')); "
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "sklearn", "pandas", "urbanbench.scoring"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("urbanbench", "__init__.py"),
        ("urbanbench.hashing", "hashing.py"),
        ("urbanbench.scoring.heads", "scoring/heads/__init__.py"),
        ("urbanbench.scoring.heads._mlp_net", "scoring/heads/_mlp_net.py"),
        ("urbanbench.models._urbanmfm.card", "models/_urbanmfm/card.py"),
        ("urbanbench.scoring.heads._mlp_net.Inputs", None),
        ("urbanbench.models", None),
        ("urbanbench.no_such", None),
        ("no_such_package", None),
        ("no_such_package.part", None),
        ("sys", None),
    ],
)
def test_a_module_has_the_file_that_importing_it_would_run(name, file):
    assert _module_file(name) == (None if file is None else (PACKAGE / file).resolve())


def test_a_change_in_an_imported_file_changes_the_hash(tmp_path, monkeypatch):
    (tmp_path / "kit" / "deep").mkdir(parents=True)
    (tmp_path / "kit" / "deep" / "tool.py").write_text("value = 1\n", encoding="utf-8")
    (tmp_path / "mine.py").write_text("from kit.deep.tool import value\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = code_digest(tmp_path / "mine.py", follow=("kit.",))
    (tmp_path / "kit" / "deep" / "tool.py").write_text("value = 22\n", encoding="utf-8")
    assert code_digest(tmp_path / "mine.py", follow=("kit.",)) != before
