"""The MLflow server or database that holds the mirror."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from benchmark.records.problems import RecordsError, TrackingError, masked, one_line
from benchmark.records.store import Store
from benchmark.tracking import database

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
"""Timeouts that detect an unreachable server within seconds; MLflow's defaults take minutes."""

SERVER_SETTINGS = {
    "PYTHONSAFEPATH": "1",  # A module in the current folder must not replace one of MLflow's.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # Seven processes, for LLM judges and the like.
}
"""The environment of a server or UI started here."""


def default_tracking_uri(store: Store) -> str:
    """Return the URI of SQLite in the results folder, whose path may contain any character.

    The driver is named, since for a plain ``sqlite:`` MLflow creates a folder of the escaped path.
    """
    return _uri_of((store.root / "mlflow.db").resolve())


def _uri_of(file: Path) -> str:
    try:
        from sqlalchemy import URL
    except ImportError:  # MLflow, which needs it, is missing too: the name is only for messages.
        return f"sqlite+pysqlite:///{file}"
    return URL.create("sqlite+pysqlite", database=str(file)).render_as_string(hide_password=False)


def sqlite_file(tracking_uri: str) -> Path | None:
    """Return the file of an SQLite database; None for any other URI."""
    from sqlalchemy import make_url

    if not tracking_uri.startswith(("sqlite:", "sqlite+")):
        return None
    database = make_url(tracking_uri).database
    return Path(database) if database else None


def on_http(tracking_uri: str) -> bool:
    """Return whether it is a server, which has its own UI."""
    return tracking_uri.startswith(("http://", "https://"))


def client_of(tracking_uri: str) -> "MlflowClient":
    """Return a client that gives up quickly."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri)


@contextmanager
def reaching(tracking_uri: str) -> Iterator[None]:
    """Raise TrackingError for any error of a client, a database or a network in the block."""
    try:
        yield
    except RecordsError:
        raise
    except Exception as error:
        rule = "the tracking URI must be of an MLflow server or database that answers"
        mend = ""
        if (file := sqlite_file(tracking_uri)) and file.exists():
            mend = ". To make it from the records: resnet-bench sync SUITE --rebuild"
        received = f"Received: {masked(one_line(error), tracking_uri)}{mend}"
        raise TrackingError(f"{rule}: {masked(tracking_uri)}. {received}") from error


@contextmanager
def creating(tracking_uri: str, *, rebuild: bool = False) -> Iterator[None]:
    """If the database is a file, ensure that it exists with MLflow's tables, and that one process
    at a time adds to them. ``rebuild``: first move aside a file that MLflow cannot open."""
    file = sqlite_file(tracking_uri)
    if file is None:
        yield
        return
    with database.held(file):
        if rebuild and file.exists():
            database.move_aside_if_unusable(file, _open)
        database.make(file, _open)
        yield


def _open(file: Path) -> None:
    client_of(_uri_of(file)).search_experiments(max_results=1)


def suite_links(tracking_uri: str, server: str) -> dict[str, str]:
    """Return suite -> its page in the UI at ``server``: the runs in its plan, without their parent,
    by test error or, if some are detectors, by average precision, next to their curves."""
    client, links = client_of(tracking_uri), {}
    for suite in client.search_experiments():
        if suite.name != "Default":
            query = "params.`dataset.kind` = 'boxes'"
            detectors = client.search_runs([suite.experiment_id], query, max_results=1)
            links[suite.name] = page_of(server, suite.experiment_id, bool(detectors))
    return links


def page_of(server: str, experiment: str, detectors: bool) -> str:
    """Return the page of one suite there, with the best runs first; ``detectors``: whether some of
    its runs are detectors."""
    best = "test_ap_percent" if detectors else "test_error_percent"
    shown = urlencode(
        {
            "searchFilter": "tags.in_plan = 'true'",
            "orderByKey": f"metrics.`{best}`",
            "orderByAsc": str(not detectors).lower(),
            "compareRunsMode": "CHART",
            "workflowType": "machine_learning",  # Without it MLflow opens its pages for LLMs.
        },
        quote_via=quote,
    )
    return f"{server}/#/experiments/{experiment}/runs?{shown}"
