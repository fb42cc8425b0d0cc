"""Code and commands that the guides show really work."""

import importlib.util
import json
import re
import shlex
import shutil
import sys
import types
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import typer
from tests.drawn_extract import BOX, draw_hamlet
from tests.made_rasters import write_raster
from tests.overture_town import write_town
from tests.tile_town import openmaptiles_town, write_pmtiles

import urbanbench as ub
from urbanbench.build.labels.read import read_wishes
from urbanbench.build.order import Order
from urbanbench.build.walk import build
from urbanbench.checks import check_model, check_task
from urbanbench.city.city import City
from urbanbench.city.packing.pack import pack
from urbanbench.cli.app import app, main
from urbanbench.experiments import Choice
from urbanbench.registry import load_model, load_task, open_city
from urbanbench.result import RunSpec
from urbanbench.run.walk import execute
from urbanbench.run.workbench import Workbench

ROOT = Path(__file__).resolve().parents[1]
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
FOLLOWED = ROOT / "docs" / "contributing.md"
"""A page whose commands are followed one after the other in an empty folder (tests/docs)."""


def blocks(guide: str, language: str) -> list[str]:
    text = (ROOT / guide).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("guide", ["README.md", "docs/add_a_model.md"])
def test_the_model_a_guide_shows_keeps_the_contract(guide, tmp_path):
    shown = [block for block in blocks(guide, "python") if "(Model)" in block]
    assert shown
    for number, code in enumerate(shown):
        plugin = tmp_path / f"shown_{number}.py"
        plugin.write_text(code, encoding="utf-8")
        check_model(load_model(str(plugin)), open_city("toyville:tiny"))


def test_the_task_a_guide_shows_can_be_named(tmp_path):
    code, _ = blocks("docs/add_a_task.md", "python")
    plugin = tmp_path / "noise.py"
    plugin.write_text(code, encoding="utf-8")
    assert load_task(str(plugin)).card.label == "noise"


def test_the_retrieval_task_a_guide_shows_keeps_the_contract_and_runs_as_a_plugin(tmp_path, tiny_toyville):
    _, code = blocks("docs/add_a_task.md", "python")
    plugin = tmp_path / "which_region.py"
    plugin.write_text(code, encoding="utf-8")
    check_task(load_task(str(plugin)), City.open(tiny_toyville))
    spec = RunSpec("random", str(plugin), str(tiny_toyville), seeds=(0, 1))
    found = execute(spec, bench=Workbench(cache=None))
    assert (found.status, found.reason) == ("ok", "")
    assert (found.cell.split, found.cell.head) == ("area", "cosine")


def test_the_questions_a_guide_shows_keep_the_contract_and_are_scored_anew_when_they_change(
    tmp_path, tiny_toyville
):
    plugin = own_questions(tmp_path)
    check_task(load_task(str(plugin)), City.open(tiny_toyville))
    spec = RunSpec("random", str(plugin), str(tiny_toyville), seeds=(0, 1))
    found = execute(spec, bench=Workbench(cache=None))
    assert (found.status, found.reason, found.evaluation["main_metric"]) == ("ok", "", "hit@1")
    queries = tmp_path / "my_questions/queries.jsonl"
    queries.write_text(queries.read_text(encoding="utf-8").replace('"living"', '"work"'), encoding="utf-8")
    again = execute(spec, bench=Workbench(cache=None))
    assert again.provenance["targets_digest"] != found.provenance["targets_digest"]


def test_the_experiment_a_guide_shows_names_cells_and_shows_itself(tmp_path):
    [code] = blocks("docs/experiments.md", "python")
    told: dict = {}
    exec(compile(code, "experiments.md", "exec"), told)
    choice = told["EXPERIMENT"].settled(Choice(out=tmp_path))
    specs = told["EXPERIMENT"].specs(choice)
    assert {dict(spec.settings).get("pooling") for spec in specs} == {None, "mean+density"}
    assert told["EXPERIMENT"].show([], choice).sections


@pytest.mark.parametrize(
    "guide",
    [
        "README.md",
        "docs/index.md",
        "docs/python.md",
        "docs/add_a_model.md",
        "docs/experiments.md",
        "docs/city_format.md",
        "docs/ugdata.md",
    ],
)
def test_the_python_of_a_guide_runs_from_top_to_bottom(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, page in (("shop_counts", "docs/add_a_model.md"), ("noise", "docs/add_a_task.md")):
        (tmp_path / f"{name}.py").write_text(blocks(page, "python")[0], encoding="utf-8")
    shown = types.ModuleType("shown")
    monkeypatch.setitem(sys.modules, "shown", shown)  # dataclasses look their module up
    for code in blocks(guide, "python"):
        exec(compile(code, guide, "exec"), vars(shown))


def test_the_python_of_readme_prints_a_score_per_seed(capsys):
    [code] = [block for block in blocks("README.md", "python") if "ub.evaluate(" in block]
    exec(compile(code, "README.md", "exec"), {})
    first, verdict = capsys.readouterr().out.splitlines()[:2]
    assert first.count(",") == 9
    assert verdict.startswith("On popdensity in toyville:tiny")


def test_the_steps_by_hand_give_the_scores_of_the_short_way(capsys):
    *_, by_hand = blocks("docs/python.md", "python")
    city = ub.load_city("toyville:tiny")
    exec(compile(by_hand, "docs/python.md", "exec"), {"ub": ub, "city": city})
    told = ub.evaluate(ub.embed("poi-counts", city), "popdensity", head="ridge").scores["r2"]
    assert capsys.readouterr().out.strip() == str(tuple(told))


def shell_commands(text: str) -> list[list[str]]:
    """Commands of a guide as a shell would read them: fenced lines, joined and cut at &&, and commands in running text."""
    fenced = re.findall(r"```(?:bash|console|sh)?\n(.*?)```", text, re.DOTALL)
    lines = [line for block in fenced for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`(urbanbench [^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part, comments=True)[1:] for part in parts if part.startswith("urbanbench ")]


COMMANDS = [
    pytest.param(words, id=f"{guide.stem}: {shlex.join(words)}")
    for guide in GUIDES
    if guide != FOLLOWED
    for words in {tuple(one): one for one in shell_commands(guide.read_text(encoding="utf-8"))}.values()
]
PLACES = {
    "CITY": "./my_city",
    "PATH": "./my_city",
    "tiles": "image.tif",
    "other/results": "results",
    "results/CITY/TASK/RUN.json": "one.json",
    "my_city.tar.zst": "packed.zip",
    "helsinki-centre.tar.zst": "packed.zip",
}
"""What a placeholder of a guide stands for here."""
TOLD_ONLY = {"satellite", "residuals", "new", "submit"}
"""Commands that need a file nobody has here: their words are judged, and they are not run."""
NO_SRAI = importlib.util.find_spec("srai") is None


@pytest.fixture(scope="module")
def shown_world(tmp_path_factory):
    """A folder with what the guides take for granted: cities, a results folder, vectors and plugins."""
    from urbanbench.registry import city_folder

    world = tmp_path_factory.mktemp("world")
    tiny = city_folder("toyville:tiny")
    outside = ("outside/singapore-regiondcl", "outside/hgi-xiamen")
    for city in ("my_city", "data/singapore", "data/new_york", "data/shenzhen", *outside):
        shutil.copytree(tiny, world / city)
        told = json.loads((world / city / "city.json").read_text(encoding="utf-8"))
        (world / city / "city.json").write_text(
            json.dumps(told | {"name": Path(city).name}), encoding="utf-8"
        )
    for name, page in (("shop_counts", "docs/add_a_model.md"), ("noise", "docs/add_a_task.md")):
        (world / f"{name}.py").write_text(blocks(page, "python")[0], encoding="utf-8")
    shutil.copyfile(world / "shop_counts.py", world / "my_model.py")
    shutil.copytree(ROOT / "results/toyville/popdensity", world / "runs/toyville/popdensity")
    (world / "which_region.py").write_text(blocks("docs/add_a_task.md", "python")[1], encoding="utf-8")
    for kept in ("toyville", "singapore"):
        shutil.copytree(ROOT / f"results/{kept}/popdensity", world / f"results/{kept}/popdensity")
    shutil.copyfile(next((ROOT / "results/toyville/popdensity").glob("*.json")), world / "one.json")
    own_questions(world)
    (world / "paper.csv").write_text(blocks("docs/audit.md", "csv")[0], encoding="utf-8")
    (world / "claims.toml").write_text(blocks("docs/audit.md", "toml")[0], encoding="utf-8")
    own_city(world)
    rated_pictures(tiny, world / "rated")
    pack(world / "helsinki-centre", world / "packed.zip")
    shutil.copyfile(ROOT / "datasets/recipes/helsinki.toml", world / "my_recipe.toml")
    ids = list(open_city("toyville:tiny").unit_ids("region"))
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(len(ids), 3)), columns=["e0", "e1", "e2"])
    (world / "outside/vectors").mkdir()
    for name in ("vectors", "outside/vectors/published-regiondcl", "outside/vectors/published-hgi-xiamen"):
        table.assign(region_id=ids).to_parquet(world / f"{name}.parquet", index=False)
    return world


def own_city(world: Path) -> None:
    """Draw the files that docs/your_city.md begins with, and build the city it builds."""
    draw_hamlet().pbf(world / "helsinki.osm.pbf")
    shutil.copyfile(world / "helsinki.osm.pbf", world / "baltimore.osm.pbf")
    west, south, east, north = BOX
    x, y = np.linspace(west, east, 5), np.linspace(south, north, 5)
    cells = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i in range(4) for j in range(4)]
    grid = gpd.GeoDataFrame({"id": range(16), "population": range(20, 36)}, geometry=cells, crs=4326)
    grid.to_file(world / "grid.gpkg")
    (world / "labels.toml").write_text(blocks("docs/your_city.md", "toml")[0], encoding="utf-8")
    raster_page = "docs/models/raster_embedding.md"
    (world / "about.toml").write_text(blocks(raster_page, "toml")[0], encoding="utf-8")
    ground = np.full((2, 200, 200), 51, dtype=np.int8)
    write_raster(
        world / "aef/2019/35N/a.tiff",
        ground,
        west - 0.01,
        north + 0.01,
        (north - south + 0.02) / 200,
        crs="EPSG:4326",
    )
    labels = tuple(read_wishes([str(world / "labels.toml")]))
    order = Order(
        "helsinki-centre",
        str(world / "grid.gpkg"),
        osm=world / "helsinki.osm.pbf",
        id_column="id",
        labels=labels,
    )
    for city in ("helsinki-centre", "baltimore"):
        build(order, world / city)
    write_pmtiles(world / "town.pmtiles", openmaptiles_town().tiles())
    write_town(world / "overture")


def rated_pictures(city: Path, folder: Path) -> None:
    """Make the folder of pictures that docs/retrieval_tasks.md makes a city of."""
    views = pd.read_parquet(city / "street_views.parquet", columns=["view_id", "east"])[:30]
    shutil.copytree(city / "street_views", folder / "street_views")
    told = {"safety": np.arange(30) % 5, "lively": np.arange(30) % 7, "use": ["home", "shop"] * 15}
    named = views.rename(columns={"view_id": "image_id", "east": "image"})
    named.assign(**told).to_parquet(folder / "images.parquet")


def own_questions(world: Path) -> Path:
    """Write the task of docs/own_questions.md with its questions, and return its file."""
    (world / "my_questions").mkdir()
    page = "docs/own_questions.md"
    names = ("queries", "candidates", "lessons")
    for name, text in zip(names, blocks(page, "json"), strict=True):
        (world / f"my_questions/{name}.jsonl").write_text(text, encoding="utf-8")
    (task,) = blocks(page, "python")
    (world / "my_task.py").write_text(task, encoding="utf-8")
    return world / "my_task.py"


def takes(words: list[str], option: str) -> bool:
    """Tell whether a command has an option."""
    command = typer.main.get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    return any(option in one.opts for one in command.params)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_a_guide_runs_as_printed(words, shown_world, monkeypatch, capsys):
    monkeypatch.chdir(shown_world)
    monkeypatch.setenv("URBANBENCH_DATA", str(shown_world / "data"))
    assert not {"|", "/", "…", "..."} & set(words), "no shell takes alternatives"
    words = [PLACES.get(word, word) for word in words]
    group = words[0] in {"data", "cache", "experiment"}
    if len(words) == 1 or (group and len(words) == 2):  # a command named in running text
        words = [*words, "--help"]
    elif (
        words[0] == "embed"
        or "--serve" in words
        or set(words[:2]) & TOLD_ONLY
        or (NO_SRAI and "srai:" in shlex.join(words))
    ):
        parse(words)
        return
    elif takes(words, "--dry-run"):
        usual = [] if group or "-c" in words else ["-c", "toyville:tiny"]
        words = [*words, *usual, "--dry-run"]
    wrong = words[:2] == ["results", "verify"] or words[0] == "audit"
    fine = (
        {0, 1} if wrong else {0}
    )  # 1 where rows are old, as some may be, and where a table shows what is impossible
    assert main(words) in fine, capsys.readouterr().err


def parse(words: list[str]) -> None:
    """Let the command line judge the words without doing anything."""
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    command.make_context("urbanbench", list(words))


def test_commands_in_guides_are_found():
    assert len(COMMANDS) > 40


def test_links_between_guides_lead_somewhere():
    broken = [
        f"{guide.name}: {target}"
        for guide in GUIDES
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", guide.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (guide.parent / target).exists()
    ]
    assert not broken
