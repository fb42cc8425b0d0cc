"""Numbers of things in sentences: one of them is in the singular."""

import pytest

from urbanbench.cli.app import main
from urbanbench.counted import counted


@pytest.mark.parametrize(
    ("asked", "said"),
    [((0, "row"), "0 rows"), ((1, "row"), "1 row"), ((1200, "row"), "1,200 rows"), ((1, "city", "cities"), "1 city"), ((2, "city", "cities"), "2 cities")],
)  # fmt: skip
def test_one_thing_is_in_the_singular(asked, said):
    assert counted(*asked) == said


def test_commands_tell_of_one_cell_one_row_and_one_result(village, own_cache, tmp_path, capsys):
    folder = tmp_path / "runs"
    asked = [
        "-m",
        "area",
        "-t",
        "popdensity",
        "-c",
        str(village),
        "--head",
        "ridge",
        "--seeds",
        "1",
        "--no-floors",
    ]
    assert main(["run", *asked, "--out", str(folder)]) == 0
    assert "(1 cell)" in capsys.readouterr().err
    assert main(["leaderboard", str(folder), "-o", str(tmp_path / "board.md")]) == 0
    assert "Leaderboard of 1 result:" in capsys.readouterr().err
    assert main(["results", "verify", str(folder)]) == 0
    assert "1 file: " in capsys.readouterr().out
    assert (
        main(
            [
                "plot",
                str(folder),
                "-w",
                "ladder",
                "-c",
                "*",
                "-t",
                "popdensity",
                "-o",
                str(tmp_path / "a.svg"),
            ]
        )
        == 2
    )
    assert "for 1 result." in capsys.readouterr().err
