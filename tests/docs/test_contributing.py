"""The page on contributing, followed step by step in an empty folder, as somebody new would."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from urbanbench.cli.app import app, main

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "contributing.md"
OTHERS = {"pip", "pytest", "ruff", "mkdocs"}
"""Programs that the page names and that other tests and the checks of the repository run."""


def steps():
    """Yield the commands of the page in their order."""
    fenced = re.findall(r"```\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [
        shlex.split(line, comments=True) for block in fenced for line in block.splitlines() if line.strip()
    ]


def test_every_step_is_a_command_of_ours_or_of_a_known_tool():
    assert {words[0] for words in steps()} == {"urbanbench", *OTHERS}


@pytest.mark.parametrize("words", [one for one in steps() if one[0] == "urbanbench"], ids=shlex.join)
def test_every_command_is_one_that_the_command_line_takes(words):
    command, rest = typer.main.get_command(app), words[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context("urbanbench", list(rest))


@pytest.mark.slow
def test_every_step_works_where_the_ones_before_it_were_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    done = set()
    for words in steps():
        if words[0] != "urbanbench" or tuple(words) in done:
            continue
        done.add(tuple(words))
        assert main(words[1:]) == 0, f"{shlex.join(words)}: {capsys.readouterr().err}"
    assert {path.name for path in tmp_path.iterdir()} >= {
        "shop_counts.py",
        "noise.py",
        "hamlet.py",
        "mine.zip",
        "runs",
    }


@pytest.mark.parametrize("word", ["new", "check", "submit", "results verify"])
def test_the_page_shows_every_command_of_the_way(word):
    assert any(" ".join(words[1:]).startswith(word) for words in steps())
