"""Pictures that people judged as a city: labels, a licence, and places that nobody takes for true."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from urbanbench.asking.ground import open_ground
from urbanbench.build.image_set import ImageSet, write_image_set
from urbanbench.city.city import City
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, RunRefused
from urbanbench.leaks.twins import twin_findings
from urbanbench.registry import load_task, task_of_label
from urbanbench.scoring.protocol import Protocol
from urbanbench.scoring.splits import make_splits

TOLD = {"licence": "CC BY-SA 4.0", "attribution": "somebody"}


@pytest.fixture
def pictures(tmp_path):
    """Write 120 small pictures whose redness people liked, one of them broken."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    red = np.random.default_rng(0).integers(0, 256, 120)
    for k, value in enumerate(red):
        Image.new("RGB", (24, 16), (int(value), 40, k)).save(folder / f"images/{k}.png")
    (folder / "images/7.png").write_bytes(b"no picture")
    table = pd.DataFrame(
        {
            "image_id": [f"i{k:03d}" for k in range(120)],
            "image": [f"images/{k}.png" for k in range(120)],
            "liked": red / 25.5,
            "calm": np.arange(120) % 12,
            "busy": np.arange(120) % 7,
            "use": np.where(red > 100, "shop", "home"),
        }
    )
    table.loc[3, "liked"] = None
    table.to_parquet(folder / "images.parquet")
    return folder


def test_a_set_becomes_a_sound_city_with_its_labels(pictures, tmp_path):
    order = ImageSet(pictures, "liked", "Liked", ("liked",), {"street_function": "use"}, TOLD)
    counts = write_image_set(order, tmp_path / "city")
    assert counts == {"pictures": 119, "perception_liked": 118, "street_function": 119}
    city = City.open(tmp_path / "city")
    assert city.check() == []
    assert city.labels["perception_liked"].licence == TOLD["licence"]
    table = pd.read_parquet(pictures / "images.parquet").set_index("image_id")
    value = city.label("perception_liked")["value"]
    assert np.allclose(value, table.loc[value.index, "liked"])
    view = city.street_views.loc["i050"]
    assert (city.path / view["image"]).read_bytes() == (pictures / "images/50.png").read_bytes()


def test_points_are_told_to_be_made_up_and_who_asks_where_is_refused(pictures, tmp_path):
    write_image_set(ImageSet(pictures, "liked", scores=("liked",), told=TOLD), tmp_path / "city")
    city = City.open(tmp_path / "city")
    assert "made up" in city.layers["street_views"].note
    for task in ("geolocation", "image-retrieval", "spatial-grounding"):
        with pytest.raises(RunRefused, match="Nobody knows where"):
            load_task(task).targets(city)


def test_perception_asks_about_it_without_graphs_and_both_ways(pictures, tmp_path):
    order = ImageSet(
        pictures, "liked", scores=("liked", "calm", "busy"), classes={"perception_use": "use"}, told=TOLD
    )
    write_image_set(order, tmp_path / "city")
    asked = load_task("perception").targets(City.open(tmp_path / "city"))
    assert not asked.exam.graphs
    assert set(asked.groups) == {"answers", "pictures"}
    pictured = {asked.exam.pictures[one.anchor.image] for one in asked.exam.lessons}
    shown = {asked.exam.pictures[item.image] for item in asked.exam.items.values() if item.image}
    assert not pictured & shown
    assert "i003" not in pictured | shown


def test_a_picture_that_is_there_twice_is_on_one_side_of_every_split(pictures, tmp_path):
    draw = np.random.default_rng(3)
    for k in range(120):
        noise = Image.fromarray(draw.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize((96, 64))
        noise.save(pictures / f"images/{k}.png")
    for one, again in ((5, 77), (20, 21), (20, 110)):
        Image.open(pictures / f"images/{one}.png").resize((60, 40)).save(pictures / f"images/{again}.png")
    told = write_image_set(
        ImageSet(pictures, "liked", scores=("liked", "calm", "busy"), told=TOLD), tmp_path / "city"
    )
    assert told["nearly another again"] == 3
    city = City.open(tmp_path / "city")
    ground = open_ground(city, placed=False)
    row = {view: k for k, view in enumerate(ground.view_ids)}
    targets = task_of_label("label:perception_liked", str(city.path)).targets(city)
    place = {name: k for k, name in enumerate(targets.ids)}
    splits = make_splits(targets, Protocol("random", seeds=tuple(range(20))))
    for one, again in (("i005", "i077"), ("i020", "i021"), ("i020", "i110")):
        assert ground.split.test[row[one]] == ground.split.test[row[again]]
        for split in splits:
            assert (place[one] in split.test) == (place[again] in split.test)
    assert not twin_findings(city, targets, {"random": splits})


def test_labels_without_a_licence_are_refused_by_the_builder_and_by_the_task(pictures, tmp_path):
    with pytest.raises(BadInput, match="licence"):
        write_image_set(ImageSet(pictures, "liked", scores=("liked",)), tmp_path / "city")
    assert not (tmp_path / "city").exists()
    write_image_set(ImageSet(pictures, "liked", scores=("liked",), told=TOLD), tmp_path / "city")
    path = tmp_path / "city/city.json"
    told = json.loads(path.read_text())
    del told["labels"]["perception_liked"]["licence"]
    path.write_text(json.dumps(told))
    with pytest.raises(RunRefused, match="state no licence"):
        load_task("perception").targets(City.open(tmp_path / "city"))


def test_a_city_without_judgements_is_refused_and_told_what_to_add(pictures, tmp_path):
    write_image_set(
        ImageSet(pictures, "plain", classes={"street_function": "use"}, told=TOLD), tmp_path / "city"
    )
    with pytest.raises(RunRefused, match=r"labels/perception_safety\.parquet"):
        load_task("perception").targets(City.open(tmp_path / "city"))


def test_the_command_makes_the_city_and_judges_its_words(pictures, tmp_path, capsys):
    out = str(tmp_path / "city")
    words = ["data", "images", str(pictures), "-o", out, "--licence", "CC0-1.0"]
    assert main([*words, "--scores", "liked,calm", "--class", "use=use"]) == 0
    assert set(City.open(out).labels) == {"perception_liked", "perception_calm", "use"}
    assert main([*words, "--class", "use"]) != 0
    assert "LABEL=COLUMN" in capsys.readouterr().err


def test_a_column_that_is_not_there_is_named(pictures, tmp_path):
    with pytest.raises(BadInput, match="no column 'loved'"):
        write_image_set(ImageSet(pictures, "x", scores=("loved",), told=TOLD), tmp_path / "city")


def test_too_few_answers_to_choose_from_are_refused(pictures, tmp_path):
    write_image_set(ImageSet(pictures, "x", scores=("liked",), told=TOLD), tmp_path / "city")
    with pytest.raises(RunRefused, match="in no set as many as 20"):
        load_task("perception").targets(City.open(tmp_path / "city"))


def made(pictures, tmp_path, *words):
    asked = ["data", "images", str(pictures), "-o", str(tmp_path / "city"), "--licence", "CC0", *words]
    return main(asked)


def test_what_is_dropped_is_told_with_the_reason(pictures, tmp_path, capsys):
    (tmp_path / "elsewhere.png").write_bytes((pictures / "images/1.png").read_bytes())
    (pictures / "images/20.png").unlink()
    (pictures / "images/20.png").symlink_to(tmp_path / "elsewhere.png")
    table = pd.read_parquet(pictures / "images.parquet").astype({"liked": object})
    table.loc[4, "image"] = "images/gone.png"
    table.loc[5, "image"] = "../elsewhere.png"
    table.loc[6, "liked"] = "much"
    table.loc[8, "image_id"] = "i009"
    table.loc[10, "use"] = ""
    (pictures / "images.parquet").unlink()
    table.to_csv(pictures / "images.csv", index=False)
    assert made(pictures, tmp_path, "--scores", "liked", "--class", "street_function=use") == 0
    shown = capsys.readouterr()
    for line in (
        "pictures: no such file (images/gone.png)",
        "pictures: a path with '..' (../elsewhere.png)",
        "pictures: a link that leads out of the folder (images/20.png)",
        "pictures: no picture (images/7.png)",
        "a view_id again (i009)",
        "labels/perception_liked: dropped 2: no number in liked (i003, i006)",
        "labels/street_function: dropped 1: no class in use (i010)",
    ):
        assert line in shown.err
    assert len(City.open(tmp_path / "city").street_views) == 115


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--scores", "none"), "Column 'none' has no number in any of 119 rows with a picture"),
        (("--class", "use=blank"), "Column 'blank' has no class in any of 119 rows with a picture"),
        (("--scores", "lovely"), "a column for --scores"),
    ],
)
def test_a_column_without_a_value_makes_no_label(pictures, tmp_path, capsys, words, message):
    table = pd.read_parquet(pictures / "images.parquet").assign(none="n/a", blank="")
    table.to_parquet(pictures / "images.parquet")
    assert made(pictures, tmp_path, *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "city").exists()


def test_a_set_without_a_table_or_a_picture_says_what_it_lacks(pictures, tmp_path, capsys):
    for path in (pictures / "images").iterdir():
        path.write_bytes(b"")
    assert made(pictures, tmp_path) == 2
    assert "found none among 120 (street_views: dropped 120" in capsys.readouterr().err
    (pictures / "images.parquet").unlink()
    assert made(pictures, tmp_path) == 3
    said = capsys.readouterr().err
    assert "expected a table images.csv with a column image" in said
    assert "lon" not in said
