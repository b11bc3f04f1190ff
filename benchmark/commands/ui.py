"""``resnet-bench ui``: the runs in a browser."""

import os
import socket
import sys
from pathlib import Path

from benchmark.commands.terminal import fail, say


def show(results: Path, tracking_uri: str | None, port: int) -> None:
    """Print each suite's link; then become MLflow's UI, unless a server has one already."""
    from benchmark.records.store import Store
    from benchmark.records.tracking import default_tracking_uri, on_http, reaching, suite_links

    uri = tracking_uri or default_tracking_uri(Store(results))
    served = on_http(uri)
    if not served:
        _require_database(uri, results)
        _require_free(port)
    server = uri.rstrip("/") if served else f"http://127.0.0.1:{port}"
    with reaching(uri):
        links = suite_links(uri, server)
    say(server if served else f"{server} (Ctrl-C ends it)")
    for suite, link in links.items():
        say(f"{suite}: {link}")
    if served:
        return
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    # Safe path: a module of the current folder is not one of MLflow's.
    os.execve(sys.executable, command, os.environ | {"PYTHONSAFEPATH": "1"})


def _require_database(uri: str, results: Path) -> None:
    """MLflow would make an empty one."""
    from benchmark.records.tracking import sqlite_file

    file = sqlite_file(uri)
    if file is not None and not file.exists():
        rule = (
            "must be there: resnet-bench run SUITE makes it, resnet-bench sync SUITE makes it anew"
        )
        fail(f"{file} {rule}. Received: --results {results}, without it")


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            fail(f"--port must be free on 127.0.0.1. Received: {port} ({error.strerror})")
