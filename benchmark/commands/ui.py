"""``resnet-bench ui``: show the runs in a browser."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands.options import Results, TrackingUri
from benchmark.commands.terminal import fail, say

_HERE = "127.0.0.1"

_LETS_IN = ("MLFLOW_SERVER_ALLOWED_HOSTS", "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS")
"""MLflow's settings of the names by which it is asked, and of the pages that may ask it."""


def ui(
    results: Results = Path("results"),
    tracking_uri: TrackingUri = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="A port of this machine.")] = 5000,
    host: Annotated[
        str, typer.Option(help="The address to listen on. Any but the default lets others in.")
    ] = _HERE,
) -> None:
    """Open MLflow's UI on the records, for this machine only. If the records are on an MLflow
    server, print its links."""
    from benchmark.records.problems import without_credentials
    from benchmark.records.store import Store
    from benchmark.tracking.server import (
        SERVER_SETTINGS,
        default_tracking_uri,
        on_http,
        reaching,
        suite_links,
    )

    uri = tracking_uri or default_tracking_uri(Store(results))
    served = on_http(uri)
    if not served:
        _require_database(uri, results)
        _require_free(host, port)
    server = without_credentials(uri).rstrip("/") if served else f"http://{_named(host)}:{port}"
    with reaching(uri):
        links = suite_links(uri, server)
    say(server if served else f"{server} (Ctrl-C ends it)")
    for suite, link in links.items():
        say(f"{suite}: {link}")
    if served:
        return
    if host != _HERE:
        say(f"Listening on {host}: anyone who can reach it can read and change what MLflow holds.")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--host", host, "--port", str(port)]
    command += ["--workers", "1"]
    # Not on the command line, which all users of the machine can see.
    own = {"MLFLOW_BACKEND_STORE_URI": uri}
    if host != _HERE:  # By any of this machine's names; MLflow lets in those it knows alone.
        own |= dict.fromkeys(_LETS_IN, "*")
    os.execve(sys.executable, command, os.environ | SERVER_SETTINGS | own)


def _require_database(uri: str, results: Path) -> None:
    """End the command if the database is missing; MLflow would create an empty one."""
    from benchmark.tracking.server import sqlite_file

    file = sqlite_file(uri)
    if file is not None and not file.exists():
        rule = "must exist: resnet-bench run SUITE or resnet-bench sync SUITE creates it"
        fail(f"MLflow's database {file} {rule}. Received: --results {results}, which has none")


def _named(host: str) -> str:
    """Return the host for a link: for "all addresses", this machine's own."""
    if host in ("0.0.0.0", "::"):
        return _HERE
    return f"[{host}]" if ":" in host else host


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(f"--port must be free on {host}. Received: {port} ({error.strerror})")
