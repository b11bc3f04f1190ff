"""SIGKILL at every write, and at random times; then the run continues."""

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmark.proof.storm.fault import POINTS
from benchmark.proof.storm.setting import Setting, Tries
from benchmark.proof.storm.small_runs import (
    RUNNER,
    Subject,
    points,
    runner,
    suite_file,
    with_fault,
    workers_in,
)
from benchmark.records.locks import locked
from benchmark.scheduling.attempt import train_run

_AT_ONCE = 2
_ORPHANS_END_WITHIN_S = 10


def kills_at_writes(setting: Setting) -> Tries:
    """Kill the worker, or the runner that started it, at each point where it changes the results
    folder, once per run."""
    subject = Subject.trained(setting.scratch / "whole", worker=with_fault("count", 0))
    _, said = _run(setting.scratch / "counted", with_fault("count", 0, RUNNER))
    counts = {"worker": len(subject.points()), "runner": len(points(said))}
    chosen = [(victim, point) for victim in counts for point in range(1, counts[victim] + 1)]
    if setting.short:
        rng = random.Random(0)
        chosen = [
            *rng.sample(chosen[: counts["worker"]], 2),
            rng.choice(chosen[counts["worker"] :]),
        ]
    tries = Tries()

    def attempt(victim: str, point: int) -> tuple[str, str | None]:
        name, where = f"{victim}'s point {point}", setting.scratch / f"{victim}-{point}"
        if victim == "worker":
            folder = subject.folder(where / "results")
            ended = train_run(subject.cell, folder, worker=with_fault("kill", point))
            if POINTS in folder.log.read_text():  # It reached its end.
                return name, f"it was not killed: {ended}"
        else:
            code, _ = _run(where, with_fault("kill", point, RUNNER))
            if code != -signal.SIGKILL:
                return name, f"it was not killed: exit code {code}"
            if _seconds_until_gone(where / "results") is None:
                return name, f"processes {workers_in(where / 'results')} were left"
        return name, subject.finish(where / "results")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, outcome in enumerate(pool.map(lambda one: attempt(*one), chosen), 1):
            tries.add(*outcome)
            setting.say(f"killed at {number} of {len(chosen)} writes")
    tries.seen.append(
        f"in a run of 4 epochs {counts['worker']} writes, flushes, renames and deletions of the "
        f"worker, {counts['runner']} of the runner"
    )
    return tries


def _run(where: Path, command: tuple[str, ...]) -> tuple[int, str]:
    """Return a runner's exit code, and what it and its worker wrote to standard error."""
    words = runner(suite_file(where), where / "results", command)
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def kills_at_random(setting: Setting) -> Tries:
    """Kill the runner's or the worker's process, up to four times per run, at random times."""
    started = time.monotonic()
    subject = Subject.trained(setting.scratch / "whole")
    longest = 1.3 * (time.monotonic() - started)
    tries, kills, slowest = Tries(), 0, 0.0
    wanted, max_kills = setting.size(100, 1), setting.size(4, 2)

    def chain(number: int) -> tuple[int, float, str | None]:
        rng = random.Random(number)
        where = setting.scratch / f"chain-{number}"
        return _killed_again_and_again(subject, where, rng, longest, max_kills)

    number, together = 0, min(_AT_ONCE, wanted)
    with ThreadPoolExecutor(together) as pool:
        while kills < wanted:
            chains = list(pool.map(chain, range(number, number + together)))
            for done, seconds, problem in chains:
                kills, slowest = kills + done, max(slowest, seconds)
                for _ in range(max(done, problem is not None)):
                    tries.add(f"chain {number}", problem)
                number += 1
            setting.say(f"killed {kills} times of {wanted}, in {number} runs")
    tries.seen.append(f"{number} runs, each killed up to {max_kills} times before its end")
    tries.seen.append(f"the last process was gone after at most {slowest:.1f} s")
    return tries


def _killed_again_and_again(
    subject: Subject, where: Path, rng: random.Random, longest: float, max_kills: int
) -> tuple[int, float, str | None]:
    """Return the kills, the seconds until the last orphan was gone, and what is wrong."""
    suite, results = suite_file(where), where / "results"
    kills, slowest = 0, 0.0
    for _ in range(max_kills):
        process = subprocess.Popen(runner(suite, results), stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, longest))
        workers = workers_in(results)
        if process.poll() is None:
            victims = [*workers, process.pid]
            with suppress(ProcessLookupError):  # It has just ended by itself.
                os.kill(victims[0] if rng.random() < 0.5 else process.pid, signal.SIGKILL)
                kills += 1
        process.wait()
        seconds = _seconds_until_gone(results)
        if seconds is None:
            return kills, slowest, f"processes {workers_in(results)} were left"
        slowest = max(slowest, seconds)
        if subject.folder(results).done():
            break
    return kills, slowest, subject.finish(results)


def _seconds_until_gone(results: Path) -> float | None:
    """Wait for the workers on a results folder to end, and for their locks on runs, which the
    kernel frees a moment after a process has lost its name. Returns None if they do not."""
    began = time.monotonic()
    while workers_in(results) or any(map(_is_locked, results.glob("runs/*/lock"))):
        if time.monotonic() - began > _ORPHANS_END_WITHIN_S:
            return None
        time.sleep(0.05)
    return time.monotonic() - began


def _is_locked(file: Path) -> bool:
    with locked(file) as lock:
        return lock is None
