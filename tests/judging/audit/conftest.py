"""Tables as text, audited."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from urbanbench.judging.audit import audit
from urbanbench.judging.audit.columns import parse_map
from urbanbench.judging.audit.finding import Finding
from urbanbench.judging.audit.reading import read_table
from urbanbench.judging.audit.table import Table


@pytest.fixture
def table_of(tmp_path: Path) -> Callable[..., Table]:
    def read(text: str, said: Sequence[str] = (), floors: Sequence[str] = ()) -> Table:
        path = tmp_path / "table.csv"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        return read_table(path, parse_map(said), floors)

    return read


@pytest.fixture
def audited(table_of: Callable[..., Table]) -> Callable[..., list[Finding]]:
    def look(text: str, **more: Sequence[str]) -> list[Finding]:
        return audit(table_of(text, **more))

    return look
