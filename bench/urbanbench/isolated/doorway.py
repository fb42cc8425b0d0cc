"""The first code that runs in a plugin's own environment: it lets this package and what is lent be found there, and nothing else that is installed here.

It is run as a file, by a Python that knows nothing of this package: whatever it imports before `main` has done its work is the standard library's.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys
from importlib.abc import MetaPathFinder
from typing import Any

_PACKAGE = "urbanbench"


class _Found(MetaPathFinder):
    """Finds this package where it lies, and lent packages by their names where they do; the environment's own come first."""

    def __init__(self, package: str, lent: dict[str, str]) -> None:
        self._package, self._lent = package, lent

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return where a top-level module lies; None for all others."""
        del target
        if path is not None:
            return None
        if name == _PACKAGE:
            folder = os.path.join(self._package, "__init__.py")  # noqa: PTH118 - pathlib is not needed yet
            return importlib.util.spec_from_file_location(
                name, folder, submodule_search_locations=[self._package]
            )
        if name in self._lent:
            return importlib.machinery.PathFinder.find_spec(name, [self._lent[name]])
        return None


def main() -> None:
    """Serve the process that has started this one, by the socket that stands where standard input is looked for; or try what can be imported."""
    told = json.loads(sys.argv[1])
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    sys.argv = [told["file"]]
    sys.path[:0] = told["roots"]
    sys.meta_path.append(_Found(told["package"], told["lent"]))
    if told["tries"]:
        for name in told["tries"]:
            importlib.import_module(name)
        return
    from urbanbench.isolated.service import serve

    serve(pipe, told)


if __name__ == "__main__":
    main()
