"""What a row says of the code it came from."""

from __future__ import annotations

import subprocess

import pytest

from urbanbench.provenance import _git_state


@pytest.fixture
def repository(tmp_path):
    def git(*words):
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(("git", *author, *words), cwd=tmp_path, check=True, capture_output=True)

    for name in ("bench/urbanbench/code.py", "models/model.py", "results/city/row.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n", encoding="utf-8")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "first")
    return tmp_path


def test_rows_made_anew_leave_the_code_as_it_was(repository):
    code = repository / "bench/urbanbench/code.py"
    commit, dirty = _git_state(code)
    assert len(commit) == 40
    assert dirty is False
    (repository / "results/city/row.json").write_text("2\n", encoding="utf-8")
    (repository / "results/city/new.json").write_text("2\n", encoding="utf-8")
    assert _git_state(code) == (commit, False)


@pytest.mark.parametrize("name", ["bench/urbanbench/code.py", "models/model.py"])
def test_changed_code_is_told(repository, name):
    (repository / name).write_text("2\n", encoding="utf-8")
    assert _git_state(repository / "bench/urbanbench/code.py")[1] is True


def test_code_without_a_repository_has_no_commit(tmp_path):
    (tmp_path / "code.py").write_text("1\n", encoding="utf-8")
    assert _git_state(tmp_path / "code.py") == (None, None)
