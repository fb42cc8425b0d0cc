"""Executors by name, with what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from urbanbench.errors import BadInput, UnknownName
from urbanbench.run.devices import chosen_device
from urbanbench.run.executors.contract import Executor
from urbanbench.run.executors.local import Local

__all__ = ["EXECUTORS", "Place"]

EXECUTORS = {
    "local": "this machine, in --jobs processes",
    "ray": "a Ray cluster: one on this machine, or that of --address",
    "slurm": "SLURM, by job arrays over a file system that all nodes see",
}


@dataclass(frozen=True)
class Place:
    """Where cells are to be done.

    Parameters
    ----------
    executor
        A name in `EXECUTORS`.
    jobs
        Of "local" the number of processes; of the others most jobs at once, where it is above 1.
    address
        Of a Ray cluster; "" for one on this machine.
    cores, gpus, memory_mb
        Of a job elsewhere: cores and so many threads, GPUs or a share of one, 10^6 bytes of memory.
    slurm
        What SLURM is told; see `urbanbench.run.executors.slurm_terms.Terms`.

    Raises
    ------
    UnknownName
        No such executor.
    BadInput
        Something that the executor does not take.
    """

    executor: str = "local"
    jobs: int = 1
    address: str = ""
    cores: int = 1
    gpus: float = 0.0
    memory_mb: float | None = None
    slurm: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise UnknownName("executor", self.executor, EXECUTORS)
        elsewhere = {
            "--cores-per-job": self.cores != 1,
            "--gpus-per-job": bool(self.gpus),
            "--memory-per-job": self.memory_mb is not None,
        }
        own = {"ray": {"--address": bool(self.address)}, "slurm": {"--slurm": bool(self.slurm)}}
        for name, given in (("local", elsewhere), *own.items()):
            wrong = (self.executor == "local") if name == "local" else (self.executor != name)
            words = [option for option, there in given.items() if there]
            if wrong and words:
                fits = "ray or slurm" if name == "local" else name
                msg = f"{' and '.join(words)} given with --executor {self.executor}. Expected --executor {fits}, which alone takes it. Leave it out, or name that executor."
                raise BadInput(msg)

    def device(self, word: str) -> str:
        """Return "cpu" or "cuda" for a word of the command line; elsewhere ``auto`` means the GPU where jobs ask for one.

        Raises
        ------
        BadInput
            Another word; "cuda" here without a GPU, or elsewhere without asking for one.
        """
        if self.executor == "local":
            return chosen_device(word, "--device")
        if word == "auto":
            return "cuda" if self.gpus else "cpu"
        if word not in {"cpu", "cuda"} or (word == "cuda" and not self.gpus):
            msg = f"--device got {word!r} with --executor {self.executor}. Expected auto, cpu, or cuda with --gpus-per-job 1 or a share of one."
            raise BadInput(msg)
        return word

    def chosen(self) -> Executor:
        """Return the executor; raises `ExtraMissing` where its package is not installed."""
        most = self.jobs if self.jobs > 1 else None
        if self.executor == "ray":
            from urbanbench.run.executors.on_ray import OnRay
            from urbanbench.run.executors.ray_cluster import Needs

            return OnRay(self.address, Needs(self.cores, self.gpus, self.memory_mb), most)
        if self.executor == "slurm":
            from urbanbench.run.executors.on_slurm import OnSlurm
            from urbanbench.run.executors.slurm_terms import Terms

            return OnSlurm(Terms.read(self.slurm, self.cores, self.gpus, self.memory_mb), most)
        return Local(self.jobs)
