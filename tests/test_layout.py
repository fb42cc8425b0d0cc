"""The house keeps its shape: links, import rules, no circles, light starts, no forbidden words."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bench" / "urbanbench"
PLUGINS = ("models", "tasks", "datasets")

FLOORS = {
    "apart": 0, "reasons": 0, "need": 0,
    "errors": 0, "counted": 0, "home": 0, "seeds": 0, "atomic": 0, "hashing": 0, "syntax": 0, "progress": 0, "terminal": 0, "locks": 0, "leases": 0, "spare_cache": 0, "inputs": 0, "units": 0,
    "figures": 1, "vectors": 1, "space": 1, "effective_rank": 1, "items": 1, "card": 1, "seen": 1, "learned": 1,
    "city": 2,
    "build": 2.5,
    "cost": 2.75, "energy": 2.75, "processor": 2.75,
    "model": 3, "scoring": 3, "toolkit": 3,
    "graph": 3.5,
    "task": 4, "retrieval_task": 4, "asking": 4, "parity": 4,
    "leaks": 4.5,
    "isolated": 5, "source": 5, "registry": 5,
    "checks": 6, "result": 6, "store": 6, "result_folders": 6, "gathered": 6, "predictions": 6, "cache": 6, "provenance": 6, "convergence": 6,
    "judging": 6.5,
    "run": 7,
    "board": 8,
    "report": 8,
    "verify": 8,
    "residuals": 8.5,
    "plots": 8.5,
    "citing": 8.5,
    "experiments": 8,
    "submit": 8.5,
    "starting": 8.5,
    "api": 8.75,
    "cli": 9,
    "__main__": 10,
    "__init__": 10,
}  # fmt: skip
"""Every top-level module of the package and its floor; a module imports only from its own floor and below."""

WINGS = {
    "toolkit": {"features": 6, "graphs": 5.5, "ground": 5, "pictures": 4, "texts": 3, "training": 2, "shapes": 1, "kept": 0},
    "city": {
        "drawing": 4, "changing": 4, "packing": 4, "ground": 3,
        "exchange": 3.5,
        "least": 3, "city": 2, "item_view": 3, "view": 2, "withhold": 2, "contents": 2, "schema": 2,
        "faults": 1, "rasters": 0.5, "load": 0.5, "tag_keys": 0.5, "feature_tables": 0.5, "pictures": 0.5, "alike": 1,
        "folder": 0, "credits": 0,
    },
}  # fmt: skip
"""Wings and single files of the two large rooms, and how high each lies; imports inside a room only go down, too."""

UPWARD = {("urbanbench.city.load", "faults")}
"""A table is judged while it is loaded."""

NEVER_BY_PLUGINS = {
    "api",
    "submit",
    "starting",
    "leaks",
    "registry",
    "run",
    "store",
    "result",
    "result_folders",
    "gathered",
    "cache",
    "board",
    "experiments",
    "cli",
    "checks",
    "cost",
    "predictions",
    "provenance",
    "verify",
    "judging",
    "residuals",
    "report",
}
HEAVY = {
    "torch",
    "torch_geometric",
    "transformers",
    "geopandas",
    "lightgbm",
    "gensim",
    "pandas",
    "sklearn",
    "scipy",
    "matplotlib",
}


@cache
def sources() -> list[Path]:
    own = [
        path
        for path in PACKAGE.rglob("*.py")
        if not any(part in PLUGINS for part in path.relative_to(PACKAGE).parts[:1])
    ]
    return sorted(own + [path for folder in PLUGINS for path in (ROOT / folder).rglob("*.py")])


def module_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE) if path.is_relative_to(PACKAGE) else path.relative_to(ROOT)
    parts = relative.with_suffix("").parts
    return ".".join(["urbanbench", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@cache
def known_modules() -> frozenset[str]:
    return frozenset(module_of(path) for path in sources())


@cache
def imported(path: Path, *, with_types: bool = False) -> set[str]:
    """Modules of this package that a file imports, at the top or inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not with_types:
        tree.body = [node for node in tree.body if not is_type_checking(node)]
    names: set[str] = set()
    known = known_modules()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path} uses a relative import"
            inner = {f"{node.module}.{name.name}" for name in node.names}
            names |= (inner & known) or {node.module}
    return {name for name in names if name.split(".")[0] == "urbanbench"}


def is_private_part(path: Path) -> bool:
    return any(path.is_relative_to(ROOT / folder) and path.parent != ROOT / folder for folder in PLUGINS)


def top(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def test_plugin_folders_are_relative_links_into_the_package():
    for folder in PLUGINS:
        link = PACKAGE / folder
        assert link.is_symlink()
        assert link.readlink() == Path("../..") / folder


def test_plugin_folders_have_no_init_file():
    for folder in PLUGINS:
        assert not (ROOT / folder / "__init__.py").exists()


def test_every_top_level_module_has_a_floor():
    present = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert present - set(PLUGINS) <= set(FLOORS), "give the new module a floor"


def test_imports_only_go_down():
    wrong = []
    for path in sources():
        here = top(module_of(path))
        if here in PLUGINS or here == "__init__":
            continue
        wrong += [
            f"{module_of(path)} -> {name}"
            for name in imported(path)
            if top(name) not in PLUGINS and name != "urbanbench" and FLOORS[top(name)] > FLOORS[here]
        ]
    assert not wrong


def test_harness_never_imports_a_plugin():
    wrong = [
        f"{module_of(path)} -> {name}"
        for path in sources()
        if top(module_of(path)) not in PLUGINS
        for name in imported(path)
        if top(name) in PLUGINS
    ]
    assert not wrong


def test_plugins_import_contracts_and_toolkit_never_each_other():
    wrong = []
    for path in sources():
        here = module_of(path)
        if top(here) not in PLUGINS:
            continue
        for name in imported(path):
            own_private = top(name) == top(here) and any(one.startswith("_") for one in name.split(".")[2:])
            if top(name) in NEVER_BY_PLUGINS or (top(name) in PLUGINS and not own_private):
                wrong.append(f"{here} -> {name}")
    assert not wrong


def test_models_never_see_tasks_or_targets():
    wrong = [
        f"{module_of(path)} -> {name}"
        for path in (ROOT / "models").rglob("*.py")
        for name in imported(path, with_types=True)
        if top(name) in {"task", "tasks", "scoring", "parity"} or name.startswith("urbanbench.city.city")
    ]
    assert not wrong


@pytest.mark.parametrize("room", sorted(WINGS))
def test_imports_inside_a_room_only_go_down(room):
    heights, wrong = WINGS[room], []
    for path in (PACKAGE / room).rglob("*.py"):
        here = module_of(path)
        wing = wing_of(here)
        wrong += [
            f"{here} -> {name}"
            for name in imported(path, with_types=True)
            if wing and top(name) == room and (other := wing_of(name))
            if heights[other] > heights[wing] and (here, other) not in UPWARD
        ]
    assert not wrong


def wing_of(module: str) -> str:
    """Name the wing or the single file of a room; "" for the room itself."""
    return module.split(".")[2] if module.count(".") >= 2 else ""


def test_no_import_circle_not_even_of_types():
    """Only a plugin's private parts may name the class whose parameters they are given: the two are one plugin."""
    graph = {module_of(path): imported(path, with_types=not is_private_part(path)) for path in sources()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name in done or name not in graph:
            return
        for other in graph[name] - {name, "urbanbench"}:
            visit(other, (*trail, name))
        done.add(name)

    for start in graph:
        visit(start, ())


@pytest.mark.parametrize(
    "words",
    [
        "import urbanbench",
        "import sys; sys.argv = ['urbanbench', '--help']; import urbanbench.__main__ as m\ntry: m.main()\nexcept SystemExit: pass",
    ],
    ids=["import", "help"],
)
def test_a_light_start_leaves_heavy_packages_unimported(words):
    script = f"{words}\nimport sys, json; print('\\n' + json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout.splitlines()[-1]))
    assert not loaded & HEAVY


def test_repository_root_does_not_shadow_hugging_face_datasets():
    script = "import importlib.util as u; s = u.find_spec('datasets'); print(s.origin if s else None)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert str(ROOT) not in run.stdout


def test_no_folder_of_tests_is_passed_over(pytestconfig):
    """Pytest by itself looks into no folder called build, dist or venv."""
    files = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    passed_over = pytestconfig.getini("norecursedirs")
    missed = [
        str(file)
        for file in files
        for part in file.parts[:-1]
        if any(fnmatch(part, one) for one in passed_over)
    ]
    assert missed == []


def test_code_never_unpickles_or_asserts_and_leaves_torchvision_alone():
    rules = [
        r"\bpickle\b",
        r"torch\.load\((?!.*weights_only=True)",
        r"allow_pickle=True",
        r"\btorchvision\b.*import|import torchvision",
        r"^\s*assert ",
    ]
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for rule in rules
        if re.search(rule, line)
    ]
    assert not wrong


def test_every_public_module_declares_all_and_has_a_docstring():
    wrong = []
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            wrong.append(f"{path.relative_to(ROOT)}: no docstring")
    assert not wrong


def test_constraints_pin_every_requirement_exactly():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(one for group in project["optional-dependencies"].values() for one in group),
    ]
    names = {re.split(r"[<>=\[ ]", one)[0].lower().replace("_", "-") for one in wanted}
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert names <= pinned
    assert "torch==2.13.0" in lines
