"""``urbanbench report``: where it writes, what it refuses, what it says without the plotting library."""

from __future__ import annotations

import pytest

from urbanbench.cli.app import main
from urbanbench.report import library as library_room

pytestmark = pytest.mark.usefixtures("own_cache")


def test_it_writes_into_a_folder_or_a_file(results, tmp_path, capsys):
    words = ["report", str(results.folder), "--no-maps", "-t", "income"]
    assert main([*words, "-o", str(tmp_path / "here")]) == 0
    assert main([*words, "-o", str(tmp_path / "there.html")]) == 0
    assert (tmp_path / "here" / "index.html").read_bytes() == (tmp_path / "there.html").read_bytes()
    assert "MB). Open it in a browser." in capsys.readouterr().err


def test_it_refuses_a_folder_where_the_file_should_be_and_results_that_are_not_there(
    results, tmp_path, capsys
):
    (tmp_path / "page.html").mkdir()
    assert main(["report", str(results.folder), "-o", str(tmp_path / "page.html")]) == 2
    assert "Mend: name another with --out." in capsys.readouterr().err
    assert main(["report", str(tmp_path / "nothing"), "-o", str(tmp_path / "x")]) == 3
    assert main(["report", str(results.folder), "-m", "no-such-model", "-o", str(tmp_path / "x")]) == 3
    assert "No result in" in capsys.readouterr().err


def test_without_the_plotting_library_it_says_so_and_writes_the_tables(
    results, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    library_room.library.cache_clear()
    try:
        assert main(["report", str(results.folder), "--no-maps", "-o", str(tmp_path / "page.html")]) == 0
    finally:
        library_room.library.cache_clear()
    assert "Mend: pip install 'urbanbench[report]'" in capsys.readouterr().err
    assert (tmp_path / "page.html").stat().st_size < 500_000
