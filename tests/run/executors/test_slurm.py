"""SLURM arrays: what is handed in, how it is waited for, what is handed in again; with a SLURM of this test's own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.run.executors.spread_cells import rows_in, specs_of

from urbanbench.errors import BadInput, DataMissing, NodeDiffers
from urbanbench.result import FAILED, OK
from urbanbench.run.executors import on_slurm
from urbanbench.run.executors.journal import Journal
from urbanbench.run.executors.on_slurm import OnSlurm
from urbanbench.run.executors.slurm_task import portion
from urbanbench.run.executors.slurm_terms import Terms
from urbanbench.run.loop import run
from urbanbench.run.order import resolve
from urbanbench.store import ResultStore

pytest.importorskip("submitit", reason="the extra slurm is not installed")
pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore(tmp_path / "by-slurm")


class ArraysHere:
    """Takes the place of submitit's executor: tasks are done at once in this process; `fate` says which end before."""

    def __init__(self, fate=lambda text: "COMPLETED") -> None:
        self.fate, self.arrays, self.cancelled = fate, [], []

    def map_array(self, function, texts):
        assert function is portion
        self.arrays.append([json.loads(text) for text in texts])
        return [self._job(number, text) for number, text in enumerate(texts)]

    def _job(self, number, text):
        state = self.fate(json.loads(text))
        if state == "COMPLETED":
            assert portion(text) == "done"
        return SimpleNamespace(
            state=state,
            job_id=f"7_{number}",
            done=lambda force_check=False: state != "RUNNING",
            cancel=lambda check: self.cancelled.append(number),
            paths=SimpleNamespace(stderr="7.err"),
        )


@pytest.fixture
def arrays(monkeypatch):
    monkeypatch.setattr(on_slurm, "LOOK_S", 0.01)
    monkeypatch.setattr(on_slurm, "STATES_S", 0.0)

    def made(**more):
        found = ArraysHere(**more)
        monkeypatch.setattr(on_slurm, "_executor", lambda *_: found)
        return found

    return made


def test_rows_are_those_of_a_local_run_and_come_as_they_end(village, counting, store, arrays, local_rows):
    arrays()
    told = []
    specs = specs_of([counting], village)
    results = run(specs, store, executor=OnSlurm(Terms(tasks=2)), progress=lambda one, new: told.append(new))
    assert [one.status for one in results] == [OK] * 4
    assert told == [True] * 4
    assert rows_in(store.folder) == local_rows(specs)
    assert not list(store.folder.glob(".slurm"))


def test_portions_are_as_many_as_tasks_and_keep_cells_with_the_same_vectors_together(
    village, counting, store, arrays
):
    found = arrays()
    run(
        specs_of([counting, "poi-counts", "tfidf"], village, ["income"]),
        store,
        executor=OnSlurm(Terms(tasks=3)),
    )
    [array] = found.arrays
    assert [[spec["head"] for spec in told["specs"]] for told in array] == [["ridge", "knn"]] * 3
    assert all(len({spec["model"] for spec in told["specs"]}) == 1 for told in array)


def test_arguments_are_text(village, counting, store, arrays):
    found = arrays()
    run(specs_of([counting], village, ["income"]), store, executor=OnSlurm())
    [[told]] = found.arrays
    assert told["store"] == str(store.folder.absolute())
    assert told["environment"]["URBANBENCH_CACHE"] == os.environ["URBANBENCH_CACHE"]


def test_what_a_task_left_is_handed_in_again(village, counting, store, arrays, local_rows):
    states = iter(["PREEMPTED", "TIMEOUT", "COMPLETED"])
    found = arrays(fate=lambda _: next(states))
    specs = specs_of([counting], village, ["income"])
    run(specs, store, executor=OnSlurm())
    assert len(found.arrays) == 3
    assert rows_in(store.folder) == local_rows(specs)


def test_a_cell_in_whose_middle_tasks_always_end_is_a_row_and_the_rest_goes_on(
    village, counting, store, arrays
):
    found = arrays(fate=lambda told: "OUT_OF_MEMORY" if told["specs"][0]["head"] == "ridge" else "COMPLETED")
    lost, done = run(specs_of([counting], village, ["income"]), store, executor=OnSlurm())
    assert (lost.status, done.status) == (FAILED, OK)
    assert lost.reason == (
        f"WorkerDied: its array task ended {on_slurm.TRIES} times in the middle of it, the last time as OUT_OF_MEMORY; see 7.err"
    )
    assert len(found.arrays) == on_slurm.TRIES + 1


def test_a_task_that_slurm_begins_again_does_not_repeat_what_its_journal_has(
    village, counting, store, tmp_path
):
    specs = specs_of([counting], village, ["income"])
    work = SimpleNamespace(
        store=store, overwrite="always", device="cpu", limits=SimpleNamespace(seconds=None, memory_mb=None)
    )
    journal = tmp_path / "one.jsonl"
    told = on_slurm._told(work, [resolve(spec) for spec in specs], journal, 1)
    portion(json.dumps(told))
    with journal.open("a") as stream:
        stream.write('{"run_id": "ha')  # killed while it wrote
    before = rows_in(store.folder)
    assert portion(json.dumps(told)) == "done"
    assert len(Journal(journal).news()) == 2
    assert rows_in(store.folder) == before


def test_a_stopped_command_cancels_its_tasks(village, counting, store, arrays, monkeypatch):
    found = arrays(fate=lambda _: "RUNNING")
    monkeypatch.setattr(on_slurm.time, "sleep", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(specs_of([counting, "tfidf"], village, ["income"]), store, executor=OnSlurm(Terms(tasks=2)))
    assert found.cancelled == [0, 1]


def test_other_code_where_tasks_run_is_refused(village, counting, store, arrays, monkeypatch):
    arrays()
    here = on_slurm.this_code()
    monkeypatch.setattr(on_slurm, "this_code", lambda: here | {"numpy": "1.0"})
    with pytest.raises(NodeDiffers, match=r"has numpy \S+ in place of 1\.0"):
        run(specs_of([counting], village, ["income"]), store, executor=OnSlurm())


def test_words_of_slurm_become_what_submitit_takes():
    words = {"partition": "gpu", "time": "2:30:00", "tasks": "9", "parallel": "4", "reservation": "mine"}
    told = Terms.read(words, 4, 2.0, 8000).parameters({"partition", "qos"})
    assert told == {
        "name": "urbanbench",
        "timeout_min": 150,
        "cpus_per_task": 4,
        "gpus_per_node": 2,
        "mem_gb": 8.0,
        "slurm_array_parallelism": 4,
        "slurm_partition": "gpu",
        "slurm_additional_parameters": {"reservation": "mine"},
    }


@pytest.mark.parametrize(
    ("words", "gpus", "told"),
    [
        ({"time": "soon"}, 0, r"--slurm time=soon is no time\. Expected minutes"),
        ({"tasks": "0"}, 0, r"--slurm tasks=0 is no number"),
        ({"cluster": "moon"}, 0, r"--slurm cluster=moon is no place"),
        ({}, 0.5, r"--gpus-per-job got 0\.5 with --executor slurm\. Expected whole GPUs"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, gpus, told):
    with pytest.raises(BadInput, match=told):
        Terms.read(words, 1, gpus, None)


def test_a_machine_without_slurm_says_so(village, store, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(DataMissing, match=r"no command 'srun'.*--slurm cluster=local"):
        run(specs_of(["poi-counts"], village, ["income"], ["ridge"]), store, executor=OnSlurm())


COMMANDS = {
    "sbatch": """
        import os, re, subprocess, sys
        from pathlib import Path
        text = Path(sys.argv[-1]).read_text()
        state = Path(os.environ["SLURM_OF_TEST"])
        job = str(100 + len(list(state.glob("*.script"))))
        script = state / f"{job}.script"  # a copy, as SLURM's: submitit renames its own as soon as this returns
        script.write_text(text)
        found = re.search(r"--array=0-(\\d+)", text)
        for task in range(int(found[1]) + 1) if found else [None]:
            own = os.environ | {"SLURM_JOB_ID": job, "SLURM_JOB_NUM_NODES": "1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_JOB_NODELIST": "n1"}
            name = job
            if task is not None:
                own |= {"SLURM_ARRAY_JOB_ID": job, "SLURM_ARRAY_TASK_ID": str(task)}
                name = f"{job}_{task}"
            run = f'bash "{script}" > "{state}/{name}.out" 2>&1; echo done > "{state}/{name}.ended"'
            subprocess.Popen(["bash", "-c", run], env=own, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(f"Submitted batch job {job}")
    """,
    "srun": """
        import os, sys
        words = sys.argv[1:]
        while not os.path.basename(words[0]).startswith("python"):
            words.pop(0)
        os.execvp(words[0], words)
    """,
    "sacct": """
        import os, sys
        from pathlib import Path
        print("JobID|State|NodeList")
        for ended in Path(os.environ["SLURM_OF_TEST"]).glob("*.ended"):
            print(f"{ended.stem}|COMPLETED|n1")
    """,
    "scancel": "",
}


@pytest.fixture
def slurm_here(tmp_path, monkeypatch) -> Path:
    """Commands of SLURM that run array tasks as processes of this machine."""
    commands, state = tmp_path / "commands", tmp_path / "state"
    commands.mkdir()
    state.mkdir()
    for name, text in COMMANDS.items():
        path = commands / name
        path.write_text(f"#!{sys.executable}\n{textwrap.dedent(text)}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_OF_TEST", str(state))
    monkeypatch.setattr(on_slurm, "LOOK_S", 0.1)
    monkeypatch.setattr(on_slurm, "STATES_S", 1.0)
    return state


def test_an_array_goes_through_the_commands_of_slurm(village, counting, store, slurm_here, local_rows):
    specs = specs_of([counting, "poi-counts"], village, ["income"], ["ridge"])
    terms = Terms(tasks=2, parallel=1, options={"partition": "main"})
    results = run(specs, store, executor=OnSlurm(terms))
    assert [(one.status, one.reason) for one in results] == [(OK, "")] * 2
    assert rows_in(store.folder) == local_rows(specs)
    [script] = [path.read_text() for path in slurm_here.glob("*.script")]
    assert "--array=0-1%1" in script
    assert "--partition=main" in script
