"""Tab completion: names that are there, lists behind their last comma, nothing heavy imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from urbanbench.__main__ import main
from urbanbench.cli import completing
from urbanbench.experiments.catalogue import experiment_names
from urbanbench.parity.papers import PAPERS
from urbanbench.scoring.metrics import METRICS
from urbanbench.scoring.splits import LADDER, SPLITS

GUIDE = Path(__file__).resolve().parents[2] / "docs/papers_and_terminals.md"


def test_names_written_here_are_those_of_the_registries():
    assert list(completing.EXPERIMENTS) == experiment_names()
    assert tuple(METRICS) == completing.METRICS
    assert ("default", *PAPERS) == completing.PROTOCOLS
    assert [one.rstrip(":") for one in completing.RUNGS] == [*SPLITS, LADDER]


def test_a_list_is_completed_behind_its_last_comma():
    assert completing.heads("m") == ["mlp", "mean"]
    assert completing.heads("mlp,m") == ["mlp,mean"]
    assert completing.models("hgi,cityf") == ["hgi,cityfm"]
    assert "popdensity" in completing.tasks("pop")
    assert completing.anything("toyvi") == ["toyville"]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("urbanbench run -m urbanm", {"urbanmfm"}),
        ("urbanbench run -t popd", {"popdensity"}),
        ("urbanbench run --split kn", {"knndm"}),
        ("urbanbench experiment show table7", {"table7"}),
        ("urbanbench leader", {"leaderboard"}),
    ],
)
def test_a_shell_gets_the_names(line, wanted):
    words = line.split()
    environment = {
        "_URBANBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    code = (
        "import sys, json\n"
        "from urbanbench.__main__ import main\n"
        "try:\n    main([])\nfinally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert set(done.stdout.split()) == wanted
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not loaded & {"torch", "pandas", "geopandas", "matplotlib", "sklearn", "scipy", "pyarrow", "numpy"}


@pytest.mark.parametrize(
    ("shell", "sign"),
    [("bash", "complete -o default -F"), ("zsh", "compdef"), ("fish", "complete --command")],
)
def test_the_script_of_a_named_shell_is_printed_by_the_documented_variable(shell, sign, monkeypatch, capsys):
    monkeypatch.setenv("_URBANBENCH_COMPLETE", f"source_{shell}")
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert sign in printed
    assert f"_URBANBENCH_COMPLETE=complete_{shell}" in printed
    assert "_URBANBENCH_COMPLETE=source_zsh" in GUIDE.read_text(encoding="utf-8")
