"""An MLflow server on this machine, for the storm and the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmark.proof.speed.processes import family, machine_cpu_s
from benchmark.tracking.server import SERVER_SETTINGS


@contextmanager
def mlflow_server(database: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Yield an MLflow server on 127.0.0.1 once it answers; its files and its log are next to its
    database. Raises RuntimeError, with the end of the log, if it does not answer."""
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    with (database.parent / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", f"sqlite:///{database}"],
            stdout=log,
            stderr=log,
            env=os.environ | SERVER_SETTINGS,
            process_group=0,  # In the training's session, so that it can yield the CPU to it.
            cwd=database.parent,
        )
    try:
        wait_for(process, port, Path(log.name))
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def stand_back(process: int) -> None:
    """Give all processes of a server only the CPU time that nobody else wants: it stands in for a
    server on another machine."""
    for one in family(process):
        for thread in one.threads():
            os.sched_setscheduler(thread.id, os.SCHED_IDLE, os.sched_param(0))


def wait_until_idle() -> None:
    """Wait until the CPUs have had a tenth of a second to do within one, for a minute at most."""
    for _ in range(60):
        before = machine_cpu_s()
        time.sleep(1)
        if machine_cpu_s() - before <= 0.1:
            return


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until an MLflow server or UI answers. Raises RuntimeError, with the end of the log, if
    it does not, or has ended."""
    for _ in range(480):
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        if process.poll() is not None:
            break
        time.sleep(0.25)
    end = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"MLflow's server must answer within two minutes on port {port}: {end}")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
