"""This project's training step, in as many one-thread processes as the case has threads."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmark.proof.speed.case import Case
from benchmark.proof.speed.contender import OURS


class Packed:
    """Processes of ``ours``, each on its own core, working at the same time."""

    def __init__(self, case: Case, weights: Path):
        cores = sorted(os.sched_getaffinity(0))[: case.threads]
        self.processes = [_start(case, weights, core) for core in cores]
        self.parameters = [_answer(process) for process in self.processes][-1]["parameters"]

    def losses(self, steps: int) -> list[float]:
        """Return no losses: each process is ``ours`` at one thread."""
        return []

    def work(self, seconds: float) -> tuple[float, float]:
        """Return the sum of the processes' images per second, times ``seconds``."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        answers = [_answer(process) for process in self.processes]
        return sum(a["amount"] / a["seconds"] for a in answers) * seconds, seconds


def build(case: Case, weights: Path) -> Packed:
    """Build one run per core, each with its own weights."""
    return Packed(case, weights.with_name("packed"))


def _start(case: Case, weights: Path, core: int) -> subprocess.Popen[str]:
    alone = json.dumps(asdict(replace(case, threads=1)))
    command = [sys.executable, "-P", "-m", "benchmark.proof.speed.contender", OURS, alone]
    return subprocess.Popen(
        [*command, str(weights.with_name(f"packed-{core}.safetensors")), "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process ended with exit code {process.wait()}, as reported above")
    return json.loads(line)
