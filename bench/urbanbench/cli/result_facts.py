"""What a kept result says of itself, for people: what was asked, how it scored, and how its model was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from urbanbench.errors import DataMissing

__all__ = ["is_result_file", "result_facts"]


def is_result_file(word: str) -> bool:
    """Tell whether a word means a result on disk rather than a name."""
    return word.endswith(".json") and Path(word).is_file()


def result_facts(path: Path) -> dict[str, Any]:
    """Read a result and return what it says.

    Raises
    ------
    DataMissing
        No such file, or it is no result.
    """
    from urbanbench.board.rows import read_row
    from urbanbench.convergence import told_stages
    from urbanbench.store import ResultStore

    if not path.is_file():
        msg = f"No result file {str(path)!r}. Expected one below a results folder, <city>/<task>/<model>__….json. Check the path."
        raise DataMissing(msg)
    result = ResultStore.read(path)
    row, cell = read_row(result.to_dict()), result.cell
    facts: dict[str, Any] = {"kind": "result", "run": str(cell), "status": result.status}
    facts |= {"reason": result.reason} if result.reason else {}
    facts["seeds"] = list(cell.seeds)
    facts["scores"] = {name: row.score(name).text for name in row.scores}
    facts["versions"] = dict(result.versions)
    facts["converged"] = row.converged
    return facts | ({"training": told_stages(row.training)} if row.training else {})
