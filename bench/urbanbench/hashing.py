"""Content hashes: of JSON-like values, files, arrays and the code that a plugin runs."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterable
from functools import cache
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanbench.syntax import syntax_text

if TYPE_CHECKING:
    import numpy as np

__all__ = ["array_digest", "code_digest", "file_digest", "sha256_of", "short", "value_digest"]

_SIZE = 16


def value_digest(value: Any) -> str:
    """Hash a JSON-like value; the order of mapping keys does not matter, tuples count as lists.

    Examples
    --------
    >>> value_digest({"a": 1, "b": (2, 3)}) == value_digest({"b": [2, 3], "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=_SIZE).hexdigest()


def file_digest(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=_SIZE)).hexdigest()


def sha256_of(path: Path) -> str:
    """Hash a file's bytes as other people's tools do, 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def array_digest(*arrays: np.ndarray) -> str:
    """Hash arrays by dtype, shape and content; string arrays by their text."""
    total = hashlib.blake2b(digest_size=_SIZE)
    for array in arrays:
        if array.dtype.kind in "OU":
            total.update(("\x1f".join(map(str, array.ravel())) + f"|{array.shape}").encode())
        else:
            total.update(f"{array.dtype.str}{array.shape}".encode())
            total.update(array.tobytes())
    return total.hexdigest()


def code_digest(*sources: Path, follow: tuple[str, ...] = ("urbanbench.",)) -> str:
    """Hash what files run: themselves and the urbanbench modules they import, however deep.

    Comments, blank lines, docstrings and what is there for type checkers alone do not count, so only a change of behaviour makes
    cached embeddings stale. A file that is no Python counts byte by byte. Every supported Python gives the same hash
    (`urbanbench.syntax`), as long as it can read the files.

    Parameters
    ----------
    sources
        Python files, for example a plugin's. Modules that are only named in text are not found: give them too.
    follow
        Beginnings of the names of modules that are followed.
    """
    seen: dict[str, str] = {}
    queue = [source.resolve() for source in sources]
    while queue:
        path = queue.pop()
        if str(path) in seen:
            continue
        digest, names = _parsed(path, path.stat().st_mtime_ns)
        seen[str(path)] = digest
        queue.extend(
            file for name in names if name.startswith(follow) and (file := _module_file(name)) is not None
        )
    return value_digest(sorted(seen.values()))


@cache
def _parsed(path: Path, _mtime_ns: int) -> tuple[str, tuple[str, ...]]:
    """Hash a file, and name the modules it imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return file_digest(path), ()
    tree.body = [node for node in tree.body if not _is_for_type_checkers(node)]
    names = tuple(dict.fromkeys(_imported_names(tree)))
    _drop_docstrings(tree)
    return value_digest(syntax_text(tree)), names


def _is_for_type_checkers(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _imported_names(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


@cache
def _module_file(name: str) -> Path | None:
    """Return the file of a module; None where there is none, as for a name inside a module.

    Nothing is imported: `importlib` imports what lies around a name to find it, and so would load torch.
    """
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not rest:
        return Path(spec.origin).resolve() if spec is not None and spec.origin and spec.has_location else None
    folders = [Path(one) for one in spec.submodule_search_locations or ()]
    for part in rest[:-1]:
        folders = [folder / part for folder in folders if (folder / part).is_dir()]
    places = [place for folder in folders for place in (folder / rest[-1] / "__init__", folder / rest[-1])]
    files = (place.with_name(place.name + end) for place in places for end in all_suffixes())
    return next((file.resolve() for file in files if file.is_file()), None)


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:] or [ast.Pass()]


def short(digest: str) -> str:
    """Return the first 10 characters of a digest, for file names and tables."""
    return digest[:10]
