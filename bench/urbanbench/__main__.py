"""Entry point of ``urbanbench`` and ``python -m urbanbench``."""

from __future__ import annotations

import sys

from urbanbench.cli.app import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
