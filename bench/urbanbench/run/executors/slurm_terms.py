"""What SLURM is told of the arrays that do cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from urbanbench.errors import BadInput

__all__ = ["Terms"]

_TIME = re.compile(r"(?:(\d+)-)?(\d+):(\d\d)(?::(\d\d))?")
_DAY_MIN, _HOUR_MIN = 1440, 60


@dataclass(frozen=True)
class Terms:
    """What an array asks for.

    Parameters
    ----------
    cluster
        "slurm", or "local" for processes of this machine in place of SLURM, to try.
    minutes
        Most wall time of an array task; what a task has not done by then, another one goes on with.
    tasks
        Most tasks of an array.
    parallel
        Most tasks that run at once; None for as many as SLURM gives.
    cores, gpus, memory_mb
        Of a task.
    options
        Further options of ``sbatch``: partition, account, qos, constraint and so on.
    """

    cluster: str = "slurm"
    minutes: int = 240
    tasks: int = 64
    parallel: int | None = None
    cores: int = 1
    gpus: int = 0
    memory_mb: float | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, told: Mapping[str, str], cores: int, gpus: float, memory_mb: float | None) -> Self:
        """Read the words of ``--slurm``.

        Raises
        ------
        BadInput
            A share of a GPU, or a value of another form.

        Examples
        --------
        >>> Terms.read({"time": "1-02:30:00", "partition": "gpu"}, 4, 1, None).minutes
        1590
        """
        if gpus != int(gpus):
            msg = f"--gpus-per-job got {gpus:g} with --executor slurm. Expected whole GPUs, which alone SLURM gives."
            raise BadInput(msg)
        own = {name: told[name] for name in ("cluster", "time", "tasks", "parallel") if name in told}
        cluster = own.get("cluster", cls.cluster)
        if cluster not in {"slurm", "local"}:
            msg = f"--slurm cluster={cluster} is no place. Expected slurm, or local for processes of this machine."
            raise BadInput(msg)
        return cls(
            cluster=cluster,
            minutes=_minutes(own["time"]) if "time" in own else cls.minutes,
            tasks=_number("tasks", own["tasks"]) if "tasks" in own else cls.tasks,
            parallel=_number("parallel", own["parallel"]) if "parallel" in own else None,
            cores=cores,
            gpus=int(gpus),
            memory_mb=memory_mb,
            options={name: value for name, value in told.items() if name not in own},
        )

    def parameters(self, known: set[str]) -> dict[str, Any]:
        """Return what submitit takes; `known` are the options of ``sbatch`` that it knows by name."""
        told: dict[str, Any] = {
            "name": "urbanbench",
            "timeout_min": self.minutes,
            "cpus_per_task": self.cores,
            "slurm_array_parallelism": self.parallel or self.tasks,
        }
        if self.gpus:
            told["gpus_per_node"] = self.gpus
        if self.memory_mb is not None:
            told["mem_gb"] = self.memory_mb / 1000
        named = {f"slurm_{name}": value for name, value in self.options.items() if name in known}
        further = {name: value for name, value in self.options.items() if name not in known}
        return told | named | ({"slurm_additional_parameters": further} if further else {})


def _minutes(text: str) -> int:
    """Read minutes, or ``[DAYS-]HOURS:MINUTES[:SECONDS]``."""
    if text.isdecimal() and int(text):
        return int(text)
    found = _TIME.fullmatch(text)
    if found is None:
        msg = (
            f"--slurm time={text} is no time. Expected minutes, or D-HH:MM:SS. For example --slurm time=240."
        )
        raise BadInput(msg)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return max(1, days * _DAY_MIN + hours * _HOUR_MIN + minutes + (seconds > 0))


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or not int(text):
        msg = f"--slurm {name}={text} is no number. Expected a whole number above 0."
        raise BadInput(msg)
    return int(text)
