"""The folder of UGData: files that others read, the same bytes each time, and errors in words."""

import json
import re
import shutil
from hashlib import sha256

import networkx as nx
import numpy as np
import pytest

from urbanbench.city.pictures import open_picture
from urbanbench.cli.app import main
from urbanbench.errors import BadInput, DataCorrupt, DataMissing
from urbanbench.graph.around import edges_within, sub_graph
from urbanbench.graph.faults import graph_faults
from urbanbench.graph.folder import Wanted, open_graph, read_records, write_folder
from urbanbench.graph.node_link import sub_graph_record, write_graph
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.tables import RELATIONS, Edges, Graph


@pytest.fixture(scope="module")
def folder(toy, tmp_path_factory):
    table = tmp_path_factory.mktemp("captions") / "captions.csv"
    table.write_text("view_id,caption\nv000003,Houses on both sides.\n")
    place = tmp_path_factory.mktemp("ugdata") / "toy"
    write_folder(toy, place, GraphPlan(paths=2, most_nodes=60), Wanted(captions=table))
    return place


def test_networkx_reads_the_graph_as_it_was_built(folder, graph):
    read = nx.node_link_graph(json.loads((folder / "graph.json").read_text()), edges="edges")
    assert isinstance(read, nx.MultiDiGraph)
    assert list(read.nodes) == graph.nodes.ids.tolist()
    ends = graph.nodes.ids[graph.edges.source], graph.nodes.ids[graph.edges.target]
    names = [RELATIONS[code] for code in graph.edges.relation]
    assert set(read.edges(keys=True)) == set(zip(*ends, names, strict=True))
    for k in range(0, len(graph.edges), 501):
        told = read.edges[ends[0][k], ends[1][k], names[k]]
        assert told["distance_m"] == graph.edges.distance_m[k]
        assert (told["bearing"] is None) == bool(np.isnan(graph.edges.bearing[k]))


def test_the_graph_is_read_back_as_it_was(folder, graph):
    read = open_graph(folder)
    assert graph_faults(read) == []
    for name in ("ids", "kind", "lonlat", "category", "name", "street", "district"):
        np.testing.assert_array_equal(getattr(read.nodes, name), getattr(graph.nodes, name))
    for name in ("relation", "source", "target", "distance_m", "bearing"):
        np.testing.assert_array_equal(getattr(read.edges, name), getattr(graph.edges, name))
    assert (read.city, read.crs) == (graph.city, graph.crs)
    assert (dict(read.nodes.pictures), dict(read.nodes.heading)) == (
        dict(graph.nodes.pictures),
        dict(graph.nodes.heading),
    )
    # Six decimals of a degree are a decimetre.
    np.testing.assert_allclose(read.nodes.xy, graph.nodes.xy, atol=0.1)


def test_every_image_has_a_sub_graph_paths_and_a_caption(folder, graph):
    images = [one.partition("/")[2] for one in graph.nodes.ids[graph.nodes.rows("image")]]
    found = {
        name: [one["image"] for one in read_records(folder, name)]
        for name in ("subgraphs", "paths", "captions")
    }
    assert found["subgraphs"] == images
    assert found["captions"] == [*images, "v000003"]
    assert found["paths"] == [one for one in images for _ in range(2)]


def test_sub_graphs_name_positions_in_the_graph(folder, graph):
    plan = GraphPlan(paths=2, most_nodes=60)
    for record in list(read_records(folder, "subgraphs"))[::30]:
        row = int(np.flatnonzero(graph.nodes.ids == f"image/{record['image']}")[0])
        around = sub_graph(graph, row, plan)
        assert (record["nodes"], record["hops"]) == (around.rows.tolist(), around.hops.tolist())
        assert record["edges"] == edges_within(graph, around.rows).tolist()


def test_a_sub_graph_is_a_node_link_object_of_its_own(graph, plan):
    around = sub_graph(graph, int(graph.nodes.rows("image")[4]), plan)
    edges = edges_within(graph, around.rows)
    read = nx.node_link_graph(sub_graph_record(graph, around, edges), edges="edges")
    assert list(read.nodes) == graph.nodes.ids[around.rows].tolist()
    assert read.number_of_edges() == len(edges)
    hops = nx.single_source_shortest_path_length(read.to_undirected(), graph.nodes.ids[around.rows[0]])
    assert {one: read.nodes[one]["hops"] for one in read} == hops


def test_the_summary_counts_and_hashes_what_is_there(folder, graph):
    told = json.loads((folder / "ugdata.json").read_text())
    assert told["counts"]["nodes"]["poi"] == len(graph.nodes.rows("poi"))
    assert sum(told["counts"]["edges"].values()) == len(graph.edges)
    assert told["counts"]["captions"] == {"template": 172, "file captions.csv": 1}
    assert told["files"] == {
        one.name: sha256(one.read_bytes()).hexdigest()
        for one in folder.iterdir()
        if one.name != "ugdata.json"
    }
    assert told["layers"]["pois"]["licence"] == "CC0-1.0"
    assert min(open_picture(folder / "subgraph.png").size) > 400


def test_the_same_city_and_seed_give_the_same_bytes(village, tmp_path, capsys):
    for name in ("one", "other"):
        assert main(["data", "graph", str(village), "-o", str(tmp_path / name)]) == 0
    assert "has no street views" in capsys.readouterr().err
    files = sorted(one.name for one in (tmp_path / "one").iterdir())
    assert files == [
        "captions.jsonl",
        "graph.json",
        "paths.jsonl",
        "subgraph.png",
        "subgraphs.jsonl",
        "ugdata.json",
    ]
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in files
    )


def test_a_folder_that_is_there_stays_as_it_is(folder, village, capsys):
    before = {one.name: one.stat().st_mtime_ns for one in folder.iterdir()}
    assert main(["data", "graph", str(village), "-o", str(folder)]) == 2
    assert "exists. Expected a new one. Choose another -o" in capsys.readouterr().err
    assert {one.name: one.stat().st_mtime_ns for one in folder.iterdir()} == before


def test_nothing_is_left_where_a_build_fails(toy, tmp_path):
    with pytest.raises(BadInput, match="--draw got 'poi/none', which is no node"):
        write_folder(toy, tmp_path / "new", GraphPlan(), Wanted(drawn="poi/none"))
    with pytest.raises(DataMissing, match="No folder"):
        write_folder(toy, tmp_path / "new", GraphPlan(paths=0), Wanted(captioner=tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []


def test_wrong_graphs_are_noticed(graph):
    edges = graph.edges
    wrong = {
        "Edges stand twice": Edges(*(np.append(part, part[:1]) for part in (edges.relation, edges.source, edges.target, edges.distance_m, edges.bearing))),
        "Edges join a node with itself": Edges(edges.relation, edges.source, edges.source, edges.distance_m, edges.bearing),
        "a distance that is no number": Edges(edges.relation, edges.source, edges.target, -1 - edges.distance_m, edges.bearing),
        "a bearing outside": Edges(edges.relation, edges.source, edges.target, edges.distance_m, edges.bearing + 360),
        "end in nodes that are not there": Edges(edges.relation, edges.source, edges.target + len(graph.nodes), edges.distance_m, edges.bearing),
        "'bounds' join": Edges(np.full_like(edges.relation, 2), edges.source, edges.target, edges.distance_m, edges.bearing),
    }  # fmt: skip
    for said, table in wrong.items():
        assert any(said in fault for fault in graph_faults(Graph(graph.city, graph.crs, graph.nodes, table)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "found"),
        (lambda text: text.replace('"kind":"poi"', '"kind":"shop"', 1), "a node without what it needs in line 2"),
        (lambda text: text.replace('"id":"poi/n1"', '"id":"poi/n0"', 1), "an id of a node twice"),
        (lambda text: text.replace('"source":"poi/n0"', '"source":"poi/none"', 1), "an edge whose source 'poi/none' is no node in line"),
        (lambda text: text.replace('"key":"near"', '"key":"far"', 1), "an edge without what it needs in line"),
        (lambda text: re.sub('"distance_m":[^,]*', '"distance_m":NaN', text, count=1), "an edge without what it needs in line"),
        (lambda text: re.sub('"distance_m":[^,]*', '"distance_m":1e999', text, count=1), "an edge without what it needs in line"),
        (lambda text: re.sub('"coordinates":[^]]*', '"coordinates":[Infinity,1', text, count=1), "a node without what it needs in line 2"),
        (lambda text: re.sub('"graph":{[^}]*}', '"graph":[]', text, count=1), "no object 'graph'"),
        (lambda text: text.replace("EPSG:32631", "EPSG:1", 1), "no known CRS"),
        (lambda text: "[" * 100_000 + text, "no JSON object in line 1"),
        (lambda text: "x" * (1 << 21), "letters in line 1"),
        (lambda text: "", "no JSON object in line 1"),
    ],
)  # fmt: skip
def test_files_that_hold_something_else_are_refused(village, tmp_path, change, said):
    from urbanbench.city.city import City
    from urbanbench.graph.build import build_graph

    path = tmp_path / "graph.json"
    write_graph(path, build_graph(City.open(village)))
    path.write_text(change(path.read_text()))
    with pytest.raises(DataCorrupt, match=said):
        open_graph(tmp_path)


@pytest.mark.parametrize("place", [3, 4000])
def test_bytes_that_are_not_utf8_are_refused_wherever_they_stand(folder, tmp_path, place):
    for name in ("graph.json", "paths.jsonl"):
        text = (folder / name).read_bytes()
        (tmp_path / name).write_bytes(text[:place] + b"\xff\xfe" + text[place:])
    with pytest.raises(DataCorrupt, match="not UTF-8"):
        open_graph(tmp_path)
    with pytest.raises(DataCorrupt, match="expected an object a line, found none in line"):
        list(read_records(tmp_path, "paths"))


def test_links_that_lead_out_of_the_folder_are_refused(folder, tmp_path):
    (tmp_path / "graph.json").symlink_to(folder / "graph.json")
    with pytest.raises(DataMissing, match="leads out of the folder"):
        open_graph(tmp_path)
    with pytest.raises(DataMissing, match=r"No paths.jsonl"):
        list(read_records(tmp_path, "paths"))


def test_lines_that_are_no_objects_are_refused(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "paths.jsonl").write_text('{"image":"v1"}\n[1]\n')
    with pytest.raises(DataCorrupt, match="expected an object a line, found none in line 2"):
        list(read_records(tmp_path / "copy", "paths"))
