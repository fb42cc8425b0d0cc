"""What travels: archives by their hash, words that mean the same there, nothing that leads outside."""

from __future__ import annotations

import io
import tarfile

import pytest
from tests.run.executors.spread_cells import specs_of

from urbanbench.city.packing.pack import sink
from urbanbench.errors import CannotWrite, DataCorrupt
from urbanbench.hashing import sha256_of
from urbanbench.run.executors.bundle import bundled, unbundled
from urbanbench.run.executors.carrying import put_down
from urbanbench.run.executors.errand import Errand, Shipment, spec_from, spec_told
from urbanbench.run.executors.shelf import Shelf
from urbanbench.run.executors.shipping import Shipping
from urbanbench.run.order import resolve

pytestmark = pytest.mark.usefixtures("own_cache")


def archive_of(path, files):
    with sink(path, path) as target:
        for name, content in files.items():
            target.add(name, len(content), io.BytesIO(content))
    return sha256_of(path)


def test_names_that_urbanbench_brings_are_not_shipped(tmp_path):
    [spec] = specs_of(["poi-counts"], "toyville:tiny", ["popdensity"], ["ridge"])
    assert Shipping(tmp_path).of(resolve(spec)) == []


def test_a_folder_of_the_data_folders_keeps_its_name(village, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "elsewhere").symlink_to(village)
    monkeypatch.setenv("URBANBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "archives").mkdir()
    [spec] = specs_of(["poi-counts"], "elsewhere", ["popdensity"], ["ridge"])
    [shipment] = Shipping(tmp_path / "archives").of(resolve(spec))
    assert (shipment.field, shipment.word, shipment.city) == ("city", "elsewhere", True)


def test_a_city_is_packed_once_for_all_its_cells(village, tmp_path):
    shipping = Shipping(tmp_path)
    for spec in specs_of(["poi-counts", "tfidf"], village):
        shipping.of(resolve(spec))
    assert len(shipping.archives) == 1


def test_a_plugin_travels_with_its_private_neighbours_and_nothing_else(village, counting, tmp_path):
    (counting.parent / "_counting_parts").mkdir()
    (counting.parent / "_counting_parts" / "table.txt").write_text("7")
    (counting.parent / "_counting.py").write_text("WEIGHT = 2\n")
    (counting.parent / "secret.txt").write_text("mine")
    (tmp_path / "archives").mkdir()
    shipping = Shipping(tmp_path / "archives")
    [spec] = specs_of([counting], village, ["income"], ["ridge"])
    [shipment] = [one for one in shipping.of(resolve(spec)) if one.field == "model"]
    shelf = Shelf(tmp_path / "shelf")
    assert shelf.receive(shipment, lambda: [shipping.archives[shipment.sha256].read_bytes()])
    folder = shelf.folder(shipment)
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"counting.py", "_counting.py", "_counting_parts/table.txt"}
    assert shelf.word(shipment) == str(folder / "counting.py")


def test_a_module_of_a_package_travels_with_the_package(village, counting, tmp_path):
    package = counting.parent / "mine" / "models"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    moved = counting.rename(package / "counting.py")
    (tmp_path / "archives").mkdir()
    shipping = Shipping(tmp_path / "archives")
    [spec] = specs_of([moved], village, ["income"], ["ridge"])
    [shipment] = [one for one in shipping.of(resolve(spec)) if one.field == "model"]
    assert shipment.word == "mine/models/counting.py"
    shelf = Shelf(tmp_path / "shelf")
    shelf.receive(shipment, lambda: [shipping.archives[shipment.sha256].read_bytes()])
    assert (shelf.folder(shipment) / "mine" / "__init__.py").is_file()


def test_what_is_there_is_not_asked_for_again(tmp_path):
    digest = archive_of(tmp_path / "a.tar.zst", {"x.py": b"1"})
    shelf, asked = Shelf(tmp_path / "shelf"), []

    def chunks():
        asked.append(1)
        return [(tmp_path / "a.tar.zst").read_bytes()]

    shipment = Shipment("model", digest, "x.py")
    assert [shelf.receive(shipment, chunks) for _ in range(3)] == [True, False, False]
    assert asked == [1]


def test_other_bytes_than_announced_are_refused_and_leave_nothing(tmp_path):
    archive_of(tmp_path / "a.tar.zst", {"x.py": b"1"})
    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(DataCorrupt, match=r"'x\.py' arrived with sha256 .* Expected 0000"):
        shelf.receive(Shipment("model", "0" * 64, "x.py"), lambda: [(tmp_path / "a.tar.zst").read_bytes()])
    assert not list((tmp_path / "shelf").rglob("x.py"))


@pytest.mark.parametrize("name", ["../out.py", "/tmp/out.py", "a/../../out.py"])
def test_an_archive_that_leads_outside_is_refused(tmp_path, name):
    file = tmp_path / "a.tar"
    with tarfile.open(file, "w") as archive:
        info = tarfile.TarInfo(name)
        info.size = 1
        archive.addfile(info, io.BytesIO(b"1"))
    shelf = Shelf(tmp_path / "shelf")
    with pytest.raises(DataCorrupt):
        shelf.receive(Shipment("model", sha256_of(file), "out.py"), lambda: [file.read_bytes()])
    assert not list(tmp_path.rglob("out.py"))


def test_no_room_on_a_node_is_said(tmp_path):
    (tmp_path / "shelf").write_text("a file")
    with pytest.raises(CannotWrite, match="Cannot write"):
        Shelf(tmp_path / "shelf").receive(Shipment("model", "0" * 64, "x.py"), list)


@pytest.mark.parametrize("cut", [0, 5, 25, 40, -1])
def test_a_bundle_that_is_cut_short_is_refused(cut):
    whole = bundled({"a": b"12345", "b": b"6"})
    assert unbundled(whole) == {"a": b"12345", "b": b"6"}
    with pytest.raises(DataCorrupt):
        unbundled(whole[:cut])


@pytest.mark.parametrize(
    "name", ["../a.json", "embeddings/x.json", f"embeddings/{'0' * 32}.pkl", f"/embeddings/{'0' * 32}.json"]
)
def test_vectors_that_arrive_lie_in_the_cache_and_nowhere_else(name):
    with pytest.raises(DataCorrupt, match="Expected files of embeddings alone"):
        put_down(bundled({name: b"1"}))


def test_errands_are_text_and_come_back_as_they_were(village):
    [spec] = specs_of(["tfidf"], village, ["income"], ["ridge"], settings=(("dim", "7"),))
    errand = Errand(
        spec_told(spec),
        "id",
        {"a": "b"},
        {},
        "never",
        "cpu",
        shipments=[Shipment("city", "0", "v", city=True)],
    )
    read = Errand.read(errand.write())
    assert read.shipments == errand.shipments
    assert spec_from(read.spec) == spec
