"""Environments: built once for the same needs, whole or not at all, and told of when they cannot be."""

from __future__ import annotations

import json
import threading

import pytest

from urbanbench.cli.app import main
from urbanbench.errors import EnvironmentFaulty
from urbanbench.home import cache_root
from urbanbench.isolated import environment
from urbanbench.isolated.environment import prepared
from urbanbench.isolated.installers import Installer
from urbanbench.isolated.lent import lent_to, lent_versions
from urbanbench.isolated.needs import needs_of


@pytest.fixture
def fresh(plugin, own_cache, monkeypatch):
    """Forget which environments are known, in a cache folder of this test."""
    monkeypatch.setattr(environment, "_known", {})
    return plugin


def needs(word):
    return needs_of(__import__("pathlib").Path(word))


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_both_tools_build_what_is_stated_and_find_it_again(fresh, monkeypatch, capfd, tool):
    monkeypatch.setenv("URBANBENCH_INSTALLER", tool)
    one = prepared(needs(fresh("one", "tinything==1.0", "urbanbench")))
    assert (one.facts["packages"], one.facts["lends"], one.facts["built_by"]) == (
        {"tinything": "1.0"},
        True,
        tool,
    )
    assert f"Builds an environment for one.py with {tool}: tinything==1.0" in capfd.readouterr().err
    environment._known.clear()
    again = prepared(needs(fresh("other", "urbanbench", "tinything==1.0")))
    assert (again.folder, again.digest) == (one.folder, one.digest)
    assert capfd.readouterr().err == ""
    two = prepared(needs(fresh("two", "tinything>=2")))
    assert two.folder != one.folder
    assert two.digest != one.digest


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_what_cannot_be_built_is_told_with_the_tools_own_words_and_leaves_nothing(fresh, monkeypatch, tool):
    monkeypatch.setenv("URBANBENCH_INSTALLER", tool)
    word = fresh("bad", "tinything==9")
    with pytest.raises(
        EnvironmentFaulty, match=r"(?s)of 'bad.py' cannot be built.*asks for \(tinything==9\).*tinything"
    ) as fault:
        prepared(needs(word))
    assert "Traceback" not in str(fault.value)
    left = [path for path in (cache_root() / "environments").iterdir() if path.suffix != ".lock"]
    assert left == []
    monkeypatch.setattr(Installer, "make", None)  # it is not tried again in this process
    with pytest.raises(EnvironmentFaulty, match="cannot be built"):
        prepared(needs(word))


def test_a_python_that_is_not_there_is_told(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("URBANBENCH_INSTALLER", "pip")
    (tmp_path / "new.py").write_text('# /// script\n# requires-python = ">=3.99"\n# ///\n')
    with pytest.raises(EnvironmentFaulty, match=r"There is no Python >=3\.99 here"):
        prepared(needs("./new.py"))
    monkeypatch.setenv("URBANBENCH_INSTALLER", "conda")
    with pytest.raises(EnvironmentFaulty, match="Expected uv or pip"):
        prepared(needs(fresh("one", "tinything==1.0")))


def test_constraints_of_the_user_are_part_of_what_an_environment_is_known_by(fresh, monkeypatch, tmp_path):
    word = fresh("any", "tinything")
    free = prepared(needs(word))
    (tmp_path / "bounds.txt").write_text("tinything<2\n")
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT"):
        monkeypatch.setenv(name, str(tmp_path / "bounds.txt"))
    bound = prepared(needs(word))
    assert (free.facts["packages"], bound.facts["packages"]) == ({"tinything": "2.0"}, {"tinything": "1.0"})


def test_two_that_need_the_same_at_once_build_it_once(fresh, monkeypatch):
    built, real = [], Installer.install

    def install(self, *words):
        built.append(words)
        real(self, *words)

    monkeypatch.setattr(Installer, "install", install)
    asked, found = needs(fresh("one", "tinything==1.0")), []
    key = environment._key(asked)
    threads = [
        threading.Thread(target=lambda: found.append(environment._found_or_built(asked, key)))
        for _ in range(3)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(built) == 1
    assert len({one.folder for one in found}) == 1
    assert len(found) == 3


def test_what_a_killed_build_left_goes_with_the_next(fresh):
    asked = needs(fresh("one", "tinything==1.0"))
    folder = cache_root() / "environments"
    left = folder / f".{environment._key(asked)[:8]}-half"
    left.mkdir(parents=True)
    prepared(asked)
    assert not left.exists()


def test_packages_of_ours_are_lent_only_where_they_can_do_with_what_is_there():
    numpy = lent_versions()["numpy"]
    assert "pandas" in lent_to({}, same_python=True)
    assert "torch" not in lent_to({}, same_python=True)
    assert lent_to({"numpy": numpy, "tinything": "1.0"}, same_python=True) is not None
    assert lent_to({"numpy": "1.16.0"}, same_python=True) is None
    assert lent_to({}, same_python=False) is None


def test_the_cache_lists_environments_and_prunes_them(fresh, capsys):
    prepared(needs(fresh("one", "tinything==1.0")))
    assert main(["cache", "ls", "--json"]) == 0
    [row] = [row for row in json.loads(capsys.readouterr().out) if row["kind"] == "environments"]
    assert row["what"].startswith("one.py · Python 3.")
    assert row["what"].endswith("tinything==1.0")
    assert main(["cache", "prune"]) == 0
    assert "Removed 1 environments" in capsys.readouterr().out
    environment._known.clear()
    assert prepared(needs("./one.py")).python.exists()
