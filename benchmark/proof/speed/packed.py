"""This project's training step, in as many one-thread processes as the case has threads."""

import os
from dataclasses import replace
from pathlib import Path

from benchmark.proof.speed.case import Case
from benchmark.proof.speed.contender import OURS
from benchmark.proof.speed.measure import Process


class Packed:
    """Processes of ``ours``, each on its own core, working at the same time."""

    def __init__(self, case: Case, weights: Path):
        cores = sorted(os.sched_getaffinity(0))[: case.threads]
        self.processes = []
        for core in cores:
            os.sched_setaffinity(0, {core})  # The process inherits it.
            own = weights.with_name(f"packed-{core}.safetensors")
            self.processes.append(Process(OURS, replace(case, threads=1), own, 0))
        os.sched_setaffinity(0, cores)
        self.parameters = [process.answer() for process in self.processes][-1]["parameters"]

    def losses(self, steps: int) -> list[float]:
        """Return no losses: each process is ``ours`` at one thread."""
        return []

    def work(self, seconds: float) -> tuple[float, float]:
        """Return the sum of the processes' images per second, times ``seconds``."""
        for process in self.processes:
            process.ask(seconds)
        answers = [process.answer() for process in self.processes]
        return sum(a["amount"] / a["seconds"] for a in answers) * seconds, seconds


build = Packed
"""One run per core, each with its own weights."""
