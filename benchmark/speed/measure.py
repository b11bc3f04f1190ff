"""Measure a case: all contenders are started, and then take turns, one at work at a time."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmark.records.provenance import provenance
from benchmark.speed.case import Case
from benchmark.speed.contender import OURS, contenders

_PAUSE_S = 0.3
"""Between two turns, so that the threads of the last one are asleep."""


@dataclass(frozen=True)
class Turn:
    """One contender's turn in one round."""

    round: int
    contender: str
    amount: float
    """Images trained on; for the floor, multiply-adds."""
    seconds: float
    peak_memory_mib: float


@dataclass(frozen=True)
class Measured:
    """What a case gave."""

    case: Case
    turns: list[Turn]
    parameters: dict[str, int | None]
    """Contender -> trainable parameters."""
    losses: dict[str, list[float]]
    """Contender -> its first losses."""
    absent: dict[str, str]
    """Contender that could not be measured -> why."""
    environment: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "Measured":
        """From ``as_json``."""
        turns = [Turn(**turn) for turn in data["turns"]]
        return cls(**{**data, "case": Case(**data["case"]), "turns": turns})


def measure(
    case: Case, rounds: int, seconds: float, agreement_steps: int, say: Callable[[str], None]
) -> Measured:
    """Each contender works for about ``seconds`` in each round; who begins changes with it.

    ``agreement_steps``: steps of each over which losses are recorded beforehand.
    """
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights.safetensors"
        ours = _Process(OURS, case, weights, agreement_steps)
        ours.wait_for(weights)
        others = [
            _Process(name, case, weights, agreement_steps)
            for name in contenders(case)
            if name != OURS
        ]
        running, absent, first = [], {}, {}
        for process in [ours, *others]:
            try:
                first[process.name] = process.answer()
                running.append(process)
            except _Gone as gone:
                absent[process.name] = str(gone)
                say(f"{case.name}: {process.name} is absent: {gone}")
        turns = []
        for number in range(rounds):
            turn = number % len(running)
            for process in running[turn:] + running[:turn]:
                time.sleep(_PAUSE_S)
                turns.append(Turn(number, process.name, **process.ask(seconds)))
            say(f"{case.name}: round {number + 1} of {rounds}")
        for process in [ours, *others]:
            process.close()
    return Measured(
        case=case,
        turns=turns,
        parameters={name: reply["parameters"] for name, reply in first.items()},
        losses={name: reply["losses"] for name, reply in first.items() if reply["losses"]},
        absent=absent,
        environment=_environment(),
    )


def _environment() -> dict[str, Any]:
    """Code, versions and machine, PyTorch's version included."""
    made = provenance()
    with suppress(metadata.PackageNotFoundError):
        made["versions"]["torch"] = metadata.version("torch")
    return made


class _Gone(RuntimeError):
    """A contender's process ended; the message is its last word."""


class _Process:
    def __init__(self, name: str, case: Case, weights: Path, agreement_steps: int):
        self.name = name
        self.log = weights.with_name(f"{name}.log")
        command = [sys.executable, "-m", "benchmark.speed.contender"]
        command += [name, json.dumps(asdict(case)), str(weights), str(agreement_steps)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"},
            )

    def wait_for(self, file: Path) -> None:
        while not file.exists() and self.process.poll() is None:
            time.sleep(0.1)

    def ask(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            lines = self.log.read_text(errors="replace").strip().splitlines()
            raise _Gone(lines[-1][:300] if lines else f"exit code {self.process.returncode}")
        return json.loads(line)

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
