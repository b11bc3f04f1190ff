"""Measure a case: start all contenders, then let them take turns, one working at a time."""

import json
import os
import random
import signal
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

from benchmark.proof.speed.case import Case
from benchmark.proof.speed.contender import FLOOR, OURS, contenders
from benchmark.proof.speed.processes import cpu_s, machine_cpu_s
from benchmark.records.provenance import HUGE_PAGES, provenance

FIRST_TOLERANCE = {"float32": 0.001, "mixed_bfloat16": 0.02}
"""Precision -> allowed relative difference of the first loss, which is from before any step."""

NEXT_TOLERANCE = 0.1
"""The same for the next four. Losses drift apart by rounding, as two runs of any framework do, and
sooner where few values are normalized at a time; the table shows how far in 50 steps."""

_PAUSE_S = 0.3
"""Pause between two turns, so that the threads of the last one are asleep."""


@dataclass(frozen=True)
class Turn:
    """One contender's turn in one round."""

    round: int
    contender: str
    amount: float
    """Images trained on; for the floor, multiply-adds."""
    seconds: float
    peak_memory_mib: float
    others_percent: float
    """The share of the machine that all other processes used during the turn."""


@dataclass(frozen=True)
class Measured:
    """The measurements of a case."""

    case: Case
    seconds: float
    """Approximate length intended for a turn."""
    turns: list[Turn]
    parameters: dict[str, int | None]
    """Contender -> trainable parameters."""
    losses: dict[str, list[float]]
    """Contender -> its first losses."""
    absent: dict[str, str]
    """Contender that could not be measured -> the reason."""
    environment: dict[str, Any]

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "Measured":
        """Restore it from the plain data of ``asdict``."""
        turns = [Turn(**turn) for turn in data["turns"]]
        return cls(**{**data, "case": Case(**data["case"]), "turns": turns})


def measure(
    case: Case, rounds: int, seconds: float, agreement_steps: int, say: Callable[[str], None]
) -> Measured:
    """Let each contender work for about ``seconds`` in each round, in an order that changes.

    ``agreement_steps``: steps of each over which losses are compared beforehand. A contender that
    cannot run, or does different work, is absent. Raises RuntimeError if our step or the floor is.
    """
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights.safetensors"
        processes = [Process(OURS, case, weights, agreement_steps)]
        try:
            processes[0].wait_for(weights)
            others = [name for name in contenders(case) if name != OURS]
            processes += [Process(name, case, weights, agreement_steps) for name in others]
            return _Measurement(case, processes, say).run(rounds, seconds)
        finally:
            for process in processes:
                process.close()


class _Measurement:
    def __init__(self, case: Case, processes: list["Process"], say: Callable[[str], None]):
        self.case, self.processes, self.say = case, processes, say
        self.absent: dict[str, str] = {}

    def run(self, rounds: int, seconds: float) -> Measured:
        first = self._each(Process.answer, self.processes)
        running = [process for process in self.processes if process.name in first]
        for name, why in self._other_work(first).items():
            self._leave_out(name, why)
        turns: list[Turn] = []
        for number in range(-1, rounds):  # The first is a warm-up.
            running = [process for process in running if process.name not in self.absent]
            random.Random(number).shuffle(running)
            done = self._each(lambda process: process.turn(seconds), running)
            if number >= 0:
                turns += [Turn(number, name, **facts) for name, facts in done.items()]
                self.say(f"{self.case.name}: round {number + 1} of {rounds}")
        there = {name: facts for name, facts in first.items() if name not in self.absent}
        return Measured(
            case=self.case,
            seconds=seconds,
            turns=[turn for turn in turns if turn.contender in there],
            parameters={name: facts["parameters"] for name, facts in there.items()},
            losses={name: facts["losses"] for name, facts in there.items() if facts["losses"]},
            absent=self.absent,
            environment=_environment(),
        )

    def _each(
        self, ask: Callable[["Process"], dict[str, Any]], processes: list["Process"]
    ) -> dict[str, dict[str, Any]]:
        answers = {}
        for process in processes:
            try:
                answers[process.name] = ask(process)
            except _Gone as gone:
                self._leave_out(process.name, str(gone))
        return answers

    def _leave_out(self, name: str, why: str) -> None:
        if name in (OURS, FLOOR):
            raise RuntimeError(f"{self.case.name}: {name} could not be measured: {why}")
        self.absent[name] = why
        self.say(f"{self.case.name}: {name} is absent: {why}")

    def _other_work(self, first: dict[str, dict[str, Any]]) -> dict[str, str]:
        """Return who started from our weights, and yet has other parameters or other losses."""
        ours, found = first[OURS], {}
        for name, facts in first.items():
            pairs = list(zip(facts["losses"], ours["losses"], strict=False))[:5]
            off = [abs(a / b - 1) for a, b in pairs]
            allowed = [FIRST_TOLERANCE[self.case.precision]] + 4 * [NEXT_TOLERANCE]
            beyond = [each for each, most in zip(off, allowed, strict=False) if each > most]
            if facts["losses"] and facts["parameters"] != ours["parameters"]:
                found[name] = f"it has {facts['parameters']} parameters, not {ours['parameters']}"
            elif beyond:
                found[name] = f"one of its first losses is off by {max(beyond):.1%}"
        return found


def _environment() -> dict[str, Any]:
    """Return code, versions and machine, including PyTorch's version."""
    made = provenance()
    with suppress(metadata.PackageNotFoundError):
        made["versions"]["torch"] = metadata.version("torch")
    return made


def _devices(case: Case) -> dict[str, str]:
    """Return environment variables for no GPU, or for the first of those that may be used."""
    if case.device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": "-1"}
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
    return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": allowed[0]}


class _Gone(RuntimeError):
    """A contender's process ended; the message says how."""


class Process:
    """A contender's process, on the cores of this one. Its log is next to its weights."""

    def __init__(self, name: str, case: Case, weights: Path, agreement_steps: int):
        self.name = name
        self.log = weights.with_name(f"{weights.stem} {name}.log")
        command = [sys.executable, "-P", "-m", "benchmark.proof.speed.contender"]
        command += [name, json.dumps(asdict(case)), str(weights), str(agreement_steps)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=HUGE_PAGES | os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | _devices(case),
            )

    def wait_for(self, file: Path) -> None:
        """Wait until a file is there, or the process has ended."""
        while not file.exists() and self.process.poll() is None:
            time.sleep(0.1)

    def turn(self, seconds: float) -> dict[str, Any]:
        """Return the answer to ``ask``, and the share of the machine that others used meanwhile."""
        time.sleep(_PAUSE_S)
        number = self.process.pid
        started, busy, own = time.monotonic(), machine_cpu_s(), cpu_s(number)
        self.ask(seconds)
        answer = self.answer()
        available = (time.monotonic() - started) * (os.cpu_count() or 1)
        others = max(0.0, machine_cpu_s() - busy - (cpu_s(number) - own))
        return {**answer, "others_percent": round(100 * others / available, 1)}

    def ask(self, seconds: float) -> None:
        """Have it work for about ``seconds``."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for its next line, and return that. Raises RuntimeError if the process has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            lines = self.log.read_text(errors="replace").strip().splitlines()
            if code < 0:
                raise _Gone(f"killed by {signal.Signals(-code).name}")
            raise _Gone(lines[-1][:300] if lines else f"exit code {code}")
        return json.loads(line)

    def close(self) -> None:
        """End it."""
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
