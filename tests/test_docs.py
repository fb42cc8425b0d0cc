"""Code and commands that the guides show really work."""

import re
import shlex
from pathlib import Path

import pytest

from urbanbench.checks import check_model
from urbanbench.cli.app import main
from urbanbench.experiments import Choice
from urbanbench.registry import load_model, load_task, open_city

ROOT = Path(__file__).resolve().parents[1]
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

pytestmark = pytest.mark.usefixtures("own_cache")


def blocks(guide: str, language: str) -> list[str]:
    text = (ROOT / guide).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("guide", ["README.md", "docs/add_a_model.md"])
def test_the_model_a_guide_shows_keeps_the_contract(guide, tmp_path):
    [code] = [block for block in blocks(guide, "python") if "(Model)" in block]
    plugin = tmp_path / "shown.py"
    plugin.write_text(code, encoding="utf-8")
    check_model(load_model(str(plugin)), open_city("toyville:tiny"))


def test_the_task_a_guide_shows_can_be_named(tmp_path):
    [code] = blocks("docs/add_a_task.md", "python")
    plugin = tmp_path / "noise.py"
    plugin.write_text(code, encoding="utf-8")
    assert load_task(str(plugin)).card.label == "noise"


def test_the_experiment_a_guide_shows_names_cells_and_shows_itself(tmp_path):
    [code] = blocks("docs/experiments.md", "python")
    told: dict = {}
    exec(compile(code, "experiments.md", "exec"), told)
    choice = told["EXPERIMENT"].settled(Choice(out=tmp_path))
    specs = told["EXPERIMENT"].specs(choice)
    assert {dict(spec.settings).get("pooling") for spec in specs} == {None, "mean+density"}
    assert told["EXPERIMENT"].show([], choice).sections


def test_the_python_of_readme_runs(capsys):
    [code] = [block for block in blocks("README.md", "python") if "execute(" in block]
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.count(",") == 9


def test_commands_in_guides_exist(capsys):
    words = [
        line.split("urbanbench ", 1)[1]
        for guide in GUIDES
        for block in re.findall(r"```\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
        for line in re.split(r"\n| {4,}", block)
        if line.startswith("urbanbench ")
    ]
    assert len(words) > 5
    for line in words:
        command = shlex.split(line)[0]
        assert main([command, "--help"]) == 0, line
    capsys.readouterr()


def test_links_between_guides_lead_somewhere():
    broken = [
        f"{guide.name}: {target}"
        for guide in GUIDES
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", guide.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (guide.parent / target).exists()
    ]
    assert not broken
