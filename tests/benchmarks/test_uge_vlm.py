"""UGE on a vision-language model: a LoRA step of a public size, counted on any machine and measured on a GPU."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

PROGRAMS = Path(__file__).with_name("programs")


def report(program):
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / program)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.benchmark(group="uge-vlm: a step counted")
def test_arithmetic_and_memory_of_a_step(benchmark):
    benchmark.extra_info.update(benchmark.pedantic(report, args=("vlm_arithmetic.py",), rounds=1))


@pytest.mark.benchmark(group="uge-vlm: a step on a GPU")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_steps_on_a_gpu(benchmark):
    benchmark.extra_info.update(benchmark.pedantic(report, args=("vlm_steps.py",), rounds=1))
