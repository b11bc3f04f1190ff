"""An MLflow that is absent, answers 500, hangs, is killed, or has no room: its cost to a run, and
whether ``sync`` completes the mirror, three times with the same result."""

import http.server
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from benchmark.events import Kind, number_of, of_kind
from benchmark.metrics import METRICS
from benchmark.proof.storm.fault import BALLAST, fill
from benchmark.proof.storm.server import free_port, mlflow_server, stand_back, wait_until_idle
from benchmark.proof.storm.setting import NotHere, Setting, Tries, small_disk
from benchmark.proof.storm.small_runs import (
    RESNET20_LONGER,
    SMALL,
    plan_of,
    runner,
    suite_file,
    workers_in,
)
from benchmark.records.store import RunFolder, Store

_MAX_COST_PERCENT = 1.0
"""Percent of training time, in the median of the rounds: how much longer the training's threads
waited for a core than without a mirror, relative to the time that all of them train. They also wait
for each other and for the host, a sixth of their time: runs without a mirror differ from each other
by as much, and by less the longer they are."""

_ROUNDS = 2


class _Trial:
    """One run under one state of MLflow."""

    def __init__(self, setting: Setting, name: str, number: int | str):
        self.where = setting.scratch / f"{name.replace(' ', '-')}-{number}"
        vary = SMALL if setting.short else RESNET20_LONGER
        self.suite, self.results = suite_file(self.where, vary), self.where / "results"
        self.database = self.where / "mlflow.db"
        (self.cell,) = plan_of(self.where, vary).cells
        self.folder = Store(self.results).run(self.cell)
        self.said = ""
        self.waited_s = 0.0
        """CPU seconds during which the training's threads were ready but had no core."""

    def command(self, *words: str, uri: str) -> subprocess.CompletedProcess[str]:
        options = ["--results", str(self.results), "--tracking-uri", uri]
        command = [sys.executable, "-P", "-m", "benchmark", *words, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def train(self, uri: str) -> str | None:
        """Train the run. Returns what is wrong with how it ended."""
        with self.watched():
            done = self.command("run", str(self.suite), uri=uri)
        self.said = done.stdout
        if (done.returncode, self.folder.status()) != (0, "finished"):
            return f"exit code {done.returncode}, {self.folder.status()}: {done.stderr[-500:]}"
        return None

    def after_an_epoch(self, act: Callable[[], None]) -> None:
        """Call ``act`` once the next run to be started has finished its first epoch."""

        def watch() -> None:
            journal = self.folder.journal
            while not (journal.exists() and f'"event": "{Kind.EPOCH}"' in journal.read_text()):
                time.sleep(0.05)
            act()

        threading.Thread(target=watch, daemon=True).start()

    def training_s(self) -> float:
        """Return the seconds from when the net was built to the end of the run."""
        events = {event["event"]: event["time"] for event in self.folder.events()}
        return events[Kind.END] - events[Kind.BUILT]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Measure, while the run trains, how long its worker's threads wait for a core."""
        over = threading.Event()

        def watch() -> None:
            first = None
            while not over.wait(0.2):
                journal = self.folder.journal
                if first is None and journal.exists() and f'"{Kind.BUILT}"' in journal.read_text():
                    first = _waited_s(self.folder.path)
                elif first is not None:
                    self.waited_s = max(self.waited_s, _waited_s(self.folder.path) - first)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def synced(self, uri: str) -> str | None:
        """Sync three times. Returns what is wrong: rows that differ or are not the journal's."""
        seen = []
        for _ in range(3):
            done = self.command("sync", "subject", uri=uri)
            if done.returncode:
                return f"sync ended with exit code {done.returncode}: {done.stderr[-500:]}"
            seen.append(_rows(uri))
        wanted = _journal_rows(self.folder)
        if seen[0] != wanted:
            return f"{len(seen[0])} rows after a sync, not the journal's {len(wanted)}"
        return None if seen[0] == seen[1] == seen[2] else "syncs added rows"


def tracking(setting: Setting) -> Tries:
    """Try each state in turn, in several rounds; the cost is relative to runs without a mirror."""
    tries = Tries()
    trials: dict[str, list[_Trial]] = defaultdict(list)
    states = ["answers 500"] if setting.short else [*_STATES]
    for number in range(setting.size(_ROUNDS, 1)):
        if not setting.short:
            trials[_ALONE].append(_alone(setting, f"{number}-before"))
        for name in states:
            trial = _Trial(setting, name, number)
            try:
                problem = _STATES[name](trial)
            except NotHere as why:
                tries.seen.append(f"{name}: not tried, {why}")
                continue
            tries.add(f"{name}, round {number}", problem)
            if not problem:
                trials[name].append(trial)
            setting.say(f"{name}: {problem or 'as it must be'}")
        if not setting.short:
            trials[_ALONE].append(_alone(setting, f"{number}-after"))
    if not setting.short:
        _tell_costs(tries, trials)
    return tries


def _tell_costs(tries: Tries, trials: dict[str, "list[_Trial]"]) -> None:
    alone = trials.pop(_ALONE)
    waited = statistics.median(trial.waited_s for trial in alone)
    costs = [_cost_percent(trial, waited) for trial in alone]
    tries.seen.append(f"without a mirror: {_span(costs, '+.2f')} % (against their median)")
    tries.seen.append(f"training takes {_span([trial.training_s() for trial in alone], '.0f')} s")
    for name, measured in trials.items():
        costs = [_cost_percent(trial, waited) for trial in measured]
        median = statistics.median(costs)
        dear = f"it cost {median:.1f} %" if median >= _MAX_COST_PERCENT else None
        tries.add(f"{name}, cost", dear)
        clock = [trial.training_s() for trial in measured]
        tries.seen.append(f"{name}: {_span(costs, '+.2f')} % ({_span(clock, '.0f')} s)")


_ALONE = "no mirror"


def _alone(setting: Setting, number: str) -> _Trial:
    trial = _Trial(setting, _ALONE, number)
    with trial.watched():
        subprocess.run(runner(trial.suite, trial.results), check=True)
    return trial


def _cost_percent(trial: _Trial, waited_alone_s: float) -> float:
    all_s = trial.training_s() * trial.cell.spec.numerics.threads
    return 100 * (trial.waited_s - waited_alone_s) / all_s


def _span(values: Sequence[float], form: str) -> str:
    least, most = format(min(values), form), format(max(values), form)
    return least if least == most else f"{least} to {most}"


def _waited_s(folder: Path) -> float:
    """Return how long the threads of a folder's worker have waited for a core (Linux)."""
    waited = 0
    for process in workers_in(folder):
        with suppress(OSError):  # It has just ended.
            for thread in Path(f"/proc/{process}/task").iterdir():
                waited += int((thread / "schedstat").read_text().split()[1])
    return waited / 1e9


def _works(trial: _Trial) -> str | None:
    uri = f"sqlite:///{trial.database}"
    return trial.train(uri) or trial.synced(uri)


def _without(server: Callable[[_Trial], AbstractContextManager[int]], trial: _Trial) -> str | None:
    """Train with a server that does not work, given as its port; then start one that does, and
    sync."""
    with server(trial) as port:
        problem = trial.train(f"http://127.0.0.1:{port}")
    if problem := problem or _told(trial):
        return problem
    with mlflow_server(trial.database, port):
        return trial.synced(f"http://127.0.0.1:{port}")


@contextmanager
def _absent(trial: _Trial) -> Iterator[int]:
    yield free_port()


@contextmanager
def _answers_500(trial: _Trial) -> Iterator[int]:
    class Broken(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(500)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    # It frees its port at once, for MLflow's server when that returns.
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def _hangs(trial: _Trial) -> Iterator[int]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen(50)  # The kernel takes connections; nobody ever answers.
        yield server.getsockname()[1]


@contextmanager
def _killed(trial: _Trial) -> Iterator[int]:
    """Kill the server after the first epoch."""
    port = free_port()
    with mlflow_server(trial.database, port) as server:
        wait_until_idle()  # Its processes are still starting when it first answers.
        stand_back(server.pid)
        trial.after_an_epoch(lambda: os.killpg(server.pid, signal.SIGKILL))
        yield port


def _full(trial: _Trial) -> str | None:
    """Fill the disk after the first epoch."""
    with small_disk(trial.where / "disk", 8) as disk:
        trial.after_an_epoch(lambda: fill(disk))
        uri = f"sqlite:///{disk / 'mlflow.db'}"
        problem = trial.train(uri) or _told(trial)
        (disk / BALLAST).unlink()
        return problem or trial.synced(uri)


_STATES: dict[str, Callable[[_Trial], str | None]] = {
    "works": _works,
    "absent": partial(_without, _absent),
    "answers 500": partial(_without, _answers_500),
    "hangs": partial(_without, _hangs),
    "killed": partial(_without, _killed),
    "disk full": _full,
}


def _told(trial: _Trial) -> str | None:
    said = "is not up to date" in trial.said and "resnet-bench sync" in trial.said
    return None if said else f"the user was not informed: {trial.said[-500:]}"


def _rows(uri: str) -> list[tuple[Any, ...]]:
    """Return metric, step, time and value of every child of the suite."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("subject")
    if experiment is None:
        return []
    return sorted(
        (metric.key, metric.step, metric.timestamp, metric.value)
        for child in client.search_runs([experiment.experiment_id], "tags.variant LIKE '%'")
        for key in {metric.key for metric in METRICS} & set(child.data.metrics)
        for metric in client.get_metric_history(child.info.run_id, key)
    )


def _journal_rows(folder: RunFolder) -> list[tuple[Any, ...]]:
    return sorted(
        (metric.key, event["epoch"], round(event["time"] * 1000), number)
        for event in of_kind(folder.events(), Kind.EPOCH)
        for metric in METRICS
        if (number := number_of(event, metric.key)) is not None
    )
