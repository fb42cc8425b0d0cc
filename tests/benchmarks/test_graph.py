"""The spatial graph of a large city: building, sub-graphs, paths, and writing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NEW_YORK = Path(os.environ.get("URBANBENCH_DATA", "/nonexistent")) / "new_york"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not NEW_YORK.is_dir(), reason="no new_york under URBANBENCH_DATA"),
]

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
from urbanbench.city.city import City
from urbanbench.graph.around import edges_within, sub_graph
from urbanbench.graph.build import build_graph
from urbanbench.graph.faults import graph_faults
from urbanbench.graph.node_link import write_graph
from urbanbench.graph.plan import GraphPlan
from urbanbench.graph.walks import walk_from
from urbanbench.seeds import generator

told, plan = {}, GraphPlan(foot_ways=True)

def timed(name, work):
    start = time.perf_counter()
    made = work()
    told[name] = time.perf_counter() - start
    return made

used = time.process_time()
graph = timed("seconds to build", lambda: build_graph(City.open(Path(sys.argv[1])), plan))
told["processor seconds to build"] = time.process_time() - used
faults = timed("seconds to check", lambda: graph_faults(graph))
some = generator(0, "benchmark").choice(graph.nodes.rows("poi"), 300, replace=False)
sub_graph(graph, int(some[0]), plan)
used = time.process_time()
around = timed("s", lambda: [edges_within(graph, sub_graph(graph, int(row), plan).rows) for row in some])
told["sub-graphs per second"] = len(some) / told.pop("s")
told["sub-graphs per processor second"] = len(some) / (time.process_time() - used)
walks = timed("s", lambda: walk_from(graph, some, plan))
told["paths per second"] = sum(map(len, walks)) / told.pop("s")
timed("seconds to write", lambda: write_graph(Path(sys.argv[2]), graph))
told |= {"nodes": len(graph.nodes), "edges": len(graph.edges), "faults": len(faults)}
told["MB of graph.json"] = Path(sys.argv[2]).stat().st_size / 1e6
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told["peak MB"] = peak / (2**20 if sys.platform == "darwin" else 1024)
print(json.dumps(told))
"""


def measure(path):
    command = [sys.executable, "-c", PROGRAM, str(NEW_YORK), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_graph_of_new_york(benchmark, tmp_path):
    """Target: 97,000 POIs and 225,000 roads, foot ways among them, built in 5 minutes below 3 GB, in a process of its own."""
    found = benchmark.pedantic(measure, args=(tmp_path / "graph.json",), rounds=1, iterations=1)
    benchmark.extra_info.update(found)
    sys.stdout.write("\n" + "; ".join(f"{name} {value:,.1f}" for name, value in found.items()) + "\n")
    assert found["faults"] == 0
    assert found["peak MB"] < 3000
