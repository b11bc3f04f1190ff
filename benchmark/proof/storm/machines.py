"""Several machines on one results folder, as far as one machine can show it: each has its own host
name (UTS namespace) and its own mount (bindfs); as in some network file systems, a lock in one
mount is not seen in another."""

import os
import random
import signal
import subprocess
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from benchmark.events import Kind
from benchmark.proof.speed.processes import family
from benchmark.proof.storm.setting import Setting, Tries, mounted
from benchmark.proof.storm.small_runs import Subject, plan_of, runner, suite_file, trained_once
from benchmark.worker.lease import EXPIRES_S

_PROCESSES = 2
"""Number of processes on a machine that trains a run: the runner and its worker."""

_SETTLED_S = 5
"""Time within which a machine that wakes notices that its run was taken over."""


def machines(setting: Setting) -> Tries:
    """Check that machines that start at once train each run once. A run held by a machine that died
    or stood still goes to another once the lease expires, and not before; a machine that wakes
    again changes nothing. In the short form, the lease's file is backdated."""
    tries = Tries()
    with ExitStack() as stack:
        shared = setting.scratch / "shared"
        shared.mkdir()
        mounts = [setting.scratch / name for name in ("first", "second")]
        for mount in mounts:
            command = ["unshare", "--uts", "bindfs", str(shared), str(mount)]
            needs = "a second machine needs root and bindfs"
            stack.enter_context(mounted(mount, command, needs))
        _at_once(tries, mounts, runs=setting.size(8, 2))
        subject = Subject.trained(setting.scratch / "whole")
        lost = [(kind, n) for kind in ("died", "stood still") for n in range(setting.size(5, 1))]
        held = [_Lost(subject, shared, mounts, kind, number) for kind, number in lost]
        for each in held:
            each.begin()
            tries.add(f"{each.name}, before its lease expired", each.refused())
        setting.say(f"{len(held)} runs are with machines that do not answer")
        _expire(held, wait=not setting.short)
        for each in held:
            tries.add(each.name, each.taken_over())
            setting.say(f"{each.name}: taken over")
    tries.seen.append(f"{len(lost)} runs, whose machine died or stood still, were taken over")
    tries.seen.append("one computer, with host names and mounts (bindfs) for each")
    return tries


def _at_once(tries: Tries, mounts: list[Path], runs: int) -> None:
    command = runner(suite_file(mounts[0], seeds=runs), Path("results"))
    processes = [_on(mount, command) for mount in mounts]
    codes = [process.wait() for process in processes]
    tries.add("at once, exit codes", None if codes == [0, 0] else str(codes))
    trained_once(tries, mounts[0] / "results", plan_of(mounts[0], seeds=runs))


class _Lost:
    """A run whose machine stops in the middle."""

    def __init__(self, subject: Subject, shared: Path, mounts: list[Path], kind: str, number: int):
        self.subject, self.kind, self.name = subject, kind, f"{kind}, run {number}"
        self.place = Path(f"{kind.replace(' ', '-')}-{number}")
        self.shared, (self.first, self.second) = shared, mounts
        self.rng = random.Random(self.name)
        self.folder = subject.folder(shared / self.place / "results")

    def begin(self) -> None:
        """Train it on the first machine, and stop that at a random moment after an epoch."""
        suite_file(self.shared / self.place)
        self.process = _on(self.first, self._command)
        while not any(event["event"] == Kind.EPOCH for event in self.folder.events()):
            time.sleep(0.02)
        time.sleep(self.rng.uniform(0, 0.1))
        self.processes = family(self.process.pid)
        for process in self.processes:
            with suppress(psutil.NoSuchProcess):  # It has just ended.
                process.send_signal(signal.SIGKILL if self.kind == "died" else signal.SIGSTOP)

    def refused(self) -> str | None:
        """Return what is wrong: the second machine must leave the run alone."""
        if len(self.processes) < _PROCESSES:
            return "its worker had ended already"
        _on(self.second, self._command).wait()
        attempts = self.folder.attempts()
        return None if attempts == 1 else f"{attempts} attempts"

    def taken_over(self) -> str | None:
        """Return what is wrong. A third machine, this one, trains the run to its end; then the
        first wakes."""
        results = self.shared / self.place / "results"
        problem = self.subject.finish(results)
        if self.kind == "stood still":
            for process in self.processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
            time.sleep(_SETTLED_S)
            if self.process.poll() is None:
                problem = problem or "the machine that woke goes on"
        self.process.wait()
        return problem or self.subject.finish(results)

    @property
    def _command(self) -> list[str]:
        return runner(self.place / "subject.yaml", self.place / "results")


def _expire(held: list[_Lost], *, wait: bool) -> None:
    if wait:
        time.sleep(EXPIRES_S + 5)
        return
    long_ago = time.time() - EXPIRES_S - 5
    for each in held:
        for file in each.folder.path.glob("lease.*"):
            os.utime(file, (long_ago, long_ago))


def _on(mount: Path, command: list[str]) -> subprocess.Popen[bytes]:
    """Start a command on the machine of a mount, in that folder."""
    named = ["sh", "-c", 'hostname "$0" && exec "$@"', mount.name, *command]
    return subprocess.Popen(["unshare", "--uts", *named], cwd=mount, stderr=subprocess.DEVNULL)
