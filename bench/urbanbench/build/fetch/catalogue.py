"""The recipes that come with urbanbench, and those of a user, by word."""

from __future__ import annotations

from pathlib import Path

from urbanbench.build.fetch.reading import read_recipe
from urbanbench.build.fetch.recipe import Recipe
from urbanbench.errors import UnknownName

__all__ = ["FOLDER", "find_recipe", "recipe_named", "recipe_names"]

FOLDER = Path(__file__).resolve().parents[2] / "datasets" / "recipes"
_SUFFIX = ".toml"


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with urbanbench, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{_SUFFIX}") if not path.stem.startswith("_"))


def recipe_named(word: str) -> str:
    """Return the name of the recipe that a word means, in capitals and with underscores too; "" for no recipe."""
    name = word.lower().replace("_", "-")
    return name if name in recipe_names() else ""


def find_recipe(word: str) -> Recipe:
    """Return a recipe by its name or by the path of its file.

    Raises
    ------
    UnknownName
        No such name.
    DataMissing, BadInput
        As `read_recipe`.
    """
    if word.endswith(_SUFFIX) or "/" in word:
        return read_recipe(Path(word).expanduser())
    name = recipe_named(word)
    if not name:
        kind = "recipe"
        raise UnknownName(
            kind, word, recipe_names(), "A recipe of your own goes by the path of its .toml file."
        )
    return read_recipe(FOLDER / f"{name}{_SUFFIX}")
