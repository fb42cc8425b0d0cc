"""Wheels made by hand, an index that is a folder, and plugins that ask for them: environments are built without a network, in a second."""

from __future__ import annotations

import textwrap
import zipfile

import pytest

MODEL = '''
from dataclasses import dataclass
import tinything
from urbanbench.card import ModelCard
from urbanbench.model import Model


@dataclass(frozen=True)
class Counting(Model):
    """Counts, to a power that a package says."""

    keys: tuple[str, ...] = ("amenity",)
    card = ModelCard(title="Counting", summary="Counts POIs.", needs=("poi",), embeds=("region",), trained=False{more})
    presets = {{"small": {{}}, "wide": {{"keys": ("amenity", "shop")}}}}

    def embed(self, view, *, units, seed, device):
        import numpy as np
        from urbanbench.space import EmbeddingSpace

        {body}
        counts = view.pois["region_id"].value_counts().reindex(list(units.ids)).fillna(0).to_numpy()
        columns = np.column_stack([counts, counts**tinything.POWER])
        return EmbeddingSpace(units.level, units.ids, columns.astype("float32"))
'''


def make_wheel(folder, name, version, body, requires=()):
    """Write a wheel of one module."""
    info = f"{name}-{version}.dist-info"
    told = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {one}" for one in requires),
    ]
    files = {
        f"{name}.py": body,
        f"{info}/METADATA": "\n".join(told) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A folder with two versions of a package of one number."""
    folder = tmp_path_factory.mktemp("shelf")
    for version in ("1.0", "2.0"):
        make_wheel(folder, "tinything", version, f"POWER = {version}\n")
    make_wheel(folder, "oldpandas", "1.0", "", requires=("pandas<1",))
    return folder


@pytest.fixture(scope="session")
def kept_environments(tmp_path_factory):
    """A cache folder for all tests that only use environments."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def offline(shelf, kept_environments, monkeypatch):
    """Let both installers know nothing but the shelf, and keep environments for other tests."""
    for name in (
        "PIP_EXTRA_INDEX_URL",
        "PIP_CONSTRAINT",
        "UV_CONSTRAINT",
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "URBANBENCH_INSTALLER",
    ):
        monkeypatch.delenv(name, raising=False)
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("URBANBENCH_CACHE", str(kept_environments))


@pytest.fixture
def plugin(tmp_path, monkeypatch, offline):
    """Write a model file that asks for packages and return its word; the working folder is the one it lies in."""
    monkeypatch.chdir(tmp_path)

    def write(name, *asks, body="pass", more="", text=MODEL):
        stated = ", ".join(f'"{one}"' for one in asks)
        block = f"# /// script\n# dependencies = [{stated}]\n# ///\n"
        (tmp_path / f"{name}.py").write_text(
            block + textwrap.dedent(text.format(body=body, more=more)), encoding="utf-8"
        )
        return f"./{name}.py"

    return write
