"""Measure all benchmarks one by one and write their figures into a file and a page: ``python tests/benchmarks``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # when it is run by its path from anywhere

from runner.book import Book
from runner.machine import machine
from runner.measuring import CHECKOUT, listed, measured

RESULTS, PAGE = CHECKOUT / "results" / "benchmarks.json", CHECKOUT / "docs" / "benchmarks.md"


def main(words: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if any of it failed."""
    told = _told(words)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the command line does
    book, here = Book.read(told.json), machine()
    names = [
        name
        for name in listed(slow=not told.quick)
        if not told.only or any(word in name for word in told.only)
    ]
    if told.resume:
        names = [name for name in names if not book.holds(name, here)]
    for place, name in enumerate(names, 1):
        sys.stderr.write(f"[{place}/{len(names)}] {name}\n")
        row = measured(name, limit_s=told.limit)
        book.put(name, row | {"machine": here})
        book.write(told.json, told.page)
        sys.stderr.write(f"    {row['status']} {row['reason']}\n")
    sys.stderr.write(f"{told.json}, {told.page}\n")
    return int(any(book.rows[name]["status"] == "failed" for name in names))


def _told(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="WORD", help="those whose name contains a word; may be given again"
    )
    parser.add_argument(
        "--quick", action="store_true", help="leave out those that take minutes (marked slow)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="leave out what this machine has measured already"
    )
    parser.add_argument(
        "--limit", type=float, default=1800.0, metavar="SECONDS", help="longest time of one; 1800"
    )
    parser.add_argument(
        "--json", type=Path, default=RESULTS, metavar="FILE", help="figures; results/benchmarks.json"
    )
    parser.add_argument(
        "--page", type=Path, default=PAGE, metavar="FILE", help="the page; docs/benchmarks.md"
    )
    return parser.parse_args(words)


if __name__ == "__main__":
    raise SystemExit(main())
