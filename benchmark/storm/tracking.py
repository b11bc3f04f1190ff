"""An MLflow that is absent, answers 500, hangs, is killed, or has no room: what it costs a run,
and whether ``sync`` completes the mirror, three times the same."""

import contextlib
import http.server
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.records.mlflow_mirror import METRICS
from benchmark.records.store import RunFolder, Store
from benchmark.speed.family import machine_cpu_s
from benchmark.storm.fault import BALLAST, fill
from benchmark.storm.setting import NotHere, Setting, Tries, small_disk
from benchmark.storm.subject import RESNET20, SMALL, plan_of, runner, suite_file

_MOST_COST_PERCENT = 1.0
"""Of training time, the quickest round against the quickest without a mirror: rounds differ by more
than that for other reasons, which only ever take time."""


class _Trial:
    """One run under one state of MLflow."""

    def __init__(self, setting: Setting, name: str, number: int):
        self.where = setting.scratch / f"{name.replace(' ', '-')}-{number}"
        self.vary = SMALL if setting.short else RESNET20
        self.suite, self.results = suite_file(self.where, self.vary), self.where / "results"
        self.database = self.where / "mlflow.db"
        (cell,) = plan_of(self.where, self.vary).cells
        self.folder = Store(self.results).run(cell)
        self.said = ""

    def command(self, *words: str, uri: str) -> subprocess.CompletedProcess[str]:
        options = ["--results", str(self.results), "--tracking-uri", uri]
        command = [sys.executable, "-P", "-m", "benchmark", *words, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def train(self, uri: str) -> str | None:
        """Returns what is wrong with how it ended."""
        done = self.command("run", str(self.suite), uri=uri)
        self.said = done.stdout
        if (done.returncode, self.folder.status()) != (0, "finished"):
            return f"exit code {done.returncode}, {self.folder.status()}: {done.stderr[-500:]}"
        return None

    def after_an_epoch(self, act: Callable[[], None]) -> None:
        """Act when the run that is started next has ended its first epoch."""

        def watch() -> None:
            journal = self.folder.journal
            while not (journal.exists() and '"event": "epoch"' in journal.read_text()):
                time.sleep(0.05)
            act()

        threading.Thread(target=watch, daemon=True).start()

    def training_s(self) -> float:
        """From the built net to its end."""
        events = {event["event"]: event["time"] for event in self.folder.events()}
        return events["end"] - events["built"]

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
    """Each state in turn, in several rounds; the cost is against runs without a mirror."""
    tries, seconds = Tries(), defaultdict(list)
    states = {"hangs": _hangs} if setting.short else _STATES
    for number in range(setting.size(3, 1)):
        trial = _Trial(setting, "no mirror", number)
        subprocess.run(runner(trial.suite, trial.results), check=True)
        seconds["no mirror"].append(trial.training_s())
        for name, state in states.items():
            trial = _Trial(setting, name, number)
            try:
                problem = state(trial)
            except NotHere as why:
                tries.seen.append(f"{name}: not tried, {why}")
                continue
            tries.add(f"{name}, round {number}", problem)
            if not problem:
                seconds[name].append(trial.training_s())
            setting.say(f"{name}: {problem or 'as it must be'}")
    base = min(seconds["no mirror"])
    for name, measured in seconds.items():
        least, most = (100 * (each / base - 1) for each in (min(measured), max(measured)))
        if name in states and not setting.short:
            dear = f"it cost {least:.1f} %" if least >= _MOST_COST_PERCENT else None
            tries.add(f"{name}, cost", dear)
        rounds = f"the quickest round; the slowest {most:+.1f} %"
        tries.seen.append(f"{name}: {least:+.1f} % of {base:.0f} s of training ({rounds})")
    return tries


def _works(trial: _Trial) -> str | None:
    uri = f"sqlite:///{trial.database}"
    return trial.train(uri) or trial.synced(uri)


def _absent(trial: _Trial) -> str | None:
    port = free_port()
    return trial.train(f"http://127.0.0.1:{port}") or _told(trial) or _back(trial, port)


def _answers_500(trial: _Trial) -> str | None:
    class Broken(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(500)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    # It leaves its port at once, for MLflow's server when that is back.
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        problem = trial.train(f"http://127.0.0.1:{port}")
        server.shutdown()
    return problem or _told(trial) or _back(trial, port)


def _hangs(trial: _Trial) -> str | None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen(50)  # The kernel takes connections; nobody ever answers.
        port = server.getsockname()[1]
        problem = trial.train(f"http://127.0.0.1:{port}")
    return problem or _told(trial) or _back(trial, port)


def _killed(trial: _Trial) -> str | None:
    """After the first epoch."""
    port = free_port()
    with mlflow_server(trial.database, port) as server:
        _wait_until_idle()  # Its processes go on starting after it answers.
        trial.after_an_epoch(lambda: os.killpg(server.pid, signal.SIGKILL))
        problem = trial.train(f"http://127.0.0.1:{port}")
    return problem or _told(trial) or _back(trial, port)


def _full(trial: _Trial) -> str | None:
    """After the first epoch."""
    with small_disk(trial.where / "disk", 8) as disk:
        trial.after_an_epoch(lambda: fill(disk))
        uri = f"sqlite:///{disk / 'mlflow.db'}"
        problem = trial.train(uri) or _told(trial)
        (disk / BALLAST).unlink()
        return problem or trial.synced(uri)


_STATES: dict[str, Callable[[_Trial], str | None]] = {
    "works": _works,
    "absent": _absent,
    "answers 500": _answers_500,
    "hangs": _hangs,
    "killed": _killed,
    "disk full": _full,
}


def _told(trial: _Trial) -> str | None:
    said = "is behind" in trial.said and "resnet-bench sync" in trial.said
    return None if said else f"the user was not told: {trial.said[-500:]}"


def _back(trial: _Trial, port: int) -> str | None:
    """The server is back."""
    with mlflow_server(trial.database, port):
        return trial.synced(f"http://127.0.0.1:{port}")


@contextmanager
def mlflow_server(database: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """An MLflow server on 127.0.0.1 that answers; its files and its log stand beside its
    database. As it stands in for one of another machine, it has only the processor's time that
    nobody else asks for. Raises RuntimeError, with the log's end, where it does not answer."""
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    with (database.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", f"sqlite:///{database}"],
            stdout=log,
            stderr=log,
            process_group=0,  # Of the training's session, so that it can stand back for it.
            cwd=database.parent,
        )
    os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
    try:
        wait_for(process, port, Path(log.name))
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_idle(most_s: float = 60) -> None:
    """Until the machine's processors have little to do for a second, or that is over (Linux)."""
    ends, busy = time.monotonic() + most_s, math.inf
    while busy > _LITTLE and time.monotonic() < ends:
        before = machine_cpu_s()
        time.sleep(1)
        busy = machine_cpu_s() - before


_LITTLE = 0.1
"""CPU seconds a second."""


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until an MLflow server or UI answers. Raises RuntimeError, with the log's end, where it does
    not, or has ended."""
    for _ in range(480):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        if process.poll() is not None:
            break
        time.sleep(0.25)
    end = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"MLflow's server must answer within two minutes on port {port}: {end}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _rows(uri: str) -> list[tuple]:
    """Metric, step, time and value of every child of the suite."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("subject")
    if experiment is None:
        return []
    return sorted(
        (metric.key, metric.step, metric.timestamp, metric.value)
        for child in client.search_runs([experiment.experiment_id], "tags.variant LIKE '%'")
        for key in child.data.metrics
        for metric in client.get_metric_history(child.info.run_id, key)
    )


def _journal_rows(folder: RunFolder) -> list[tuple]:
    return sorted(
        (key, event["epoch"], round(event["time"] * 1000), event[key])
        for event in folder.events()
        if event["event"] == "epoch"
        for key in METRICS
        if event.get(key) is not None
    )
