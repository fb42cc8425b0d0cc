"""A view as files: what may be seen, and nothing else, for a process that shares neither memory nor packages with this one."""

from __future__ import annotations

from urbanbench.city.exchange.reading import read_view
from urbanbench.city.exchange.writing import write_view

__all__ = ["read_view", "write_view"]
