"""SIGKILL at every write, and at random times; then the run goes on."""

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from benchmark.execution.local import train_run
from benchmark.storm.fault import POINTS
from benchmark.storm.setting import Setting, Tries
from benchmark.storm.subject import Subject, runner, suite_file, with_fault

_AT_ONCE = 2
_ORPHANS_END_WITHIN_S = 10


def kills_at_writes(setting: Setting) -> Tries:
    """The worker is killed at each point where it changes its folder, once a run."""
    subject = Subject.trained(setting.scratch / "whole", worker=with_fault("count", 0))
    points = len(subject.points())
    chosen = list(range(1, points + 1))
    if setting.short:
        chosen = random.Random(0).sample(chosen, 2)
    tries = Tries()

    def attempt(point: int) -> tuple[str, str | None]:
        results = setting.scratch / f"write-{point}"
        fault = with_fault("kill", point)
        folder = subject.folder(results)
        ended = train_run(subject.cell, folder, [], worker=fault)
        if POINTS in folder.log.read_text():  # It came to its end.
            return f"point {point}", f"it was not killed: {ended}"
        return f"point {point}", subject.finish(results)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, outcome in enumerate(pool.map(attempt, chosen), 1):
            tries.add(*outcome)
            setting.say(f"killed at {number} of {len(chosen)} writes")
    tries.seen.append(f"{points} writes, flushes, renames and deletions in a run of 4 epochs")
    return tries


def kills_at_random(setting: Setting) -> Tries:
    """The runner's or the worker's process is killed, up to four times a run, at random times."""
    started = time.monotonic()
    subject = Subject.trained(setting.scratch / "whole")
    longest = 1.3 * (time.monotonic() - started)
    tries, kills, slowest = Tries(), 0, 0.0
    wanted, most = setting.size(100, 1), setting.size(4, 2)

    def chain(number: int) -> tuple[int, float, str | None]:
        rng = random.Random(number)
        where = setting.scratch / f"chain-{number}"
        return _killed_again_and_again(subject, where, rng, longest, most)

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
    tries.seen.append(f"{number} runs, each killed up to {most} times before its end")
    tries.seen.append(f"the last process was gone after at most {slowest:.1f} s")
    return tries


def _killed_again_and_again(
    subject: Subject, where: Path, rng: random.Random, longest: float, most: int
) -> tuple[int, float, str | None]:
    """Returns the kills, the seconds until the last orphan was gone, and what is wrong."""
    suite, results = suite_file(where), where / "results"
    kills, slowest = 0, 0.0
    for _ in range(most):
        process = subprocess.Popen(runner(suite, results), stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, longest))
        workers = _processes_of(results)
        if process.poll() is None:
            victims = [*workers, process.pid]
            with suppress(ProcessLookupError):  # It has just ended by itself.
                os.kill(victims[0] if rng.random() < 0.5 else process.pid, signal.SIGKILL)
                kills += 1
        killed = time.monotonic()
        process.wait()
        while _processes_of(results):
            if time.monotonic() - killed > _ORPHANS_END_WITHIN_S:
                return kills, slowest, f"processes {_processes_of(results)} were left"
            time.sleep(0.05)
        slowest = max(slowest, time.monotonic() - killed)
        if subject.is_done(results):
            break
    return kills, slowest, subject.finish(results)


def _processes_of(results: Path) -> list[int]:
    """Workers on a results folder (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"benchmark.execution.worker" in words and f"{results}/".encode() in words[-2]:
            found.append(int(process.name))
    return found
