"""The MLflow server or database that the mirror is kept in."""

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
"""A server that is away is to be known in seconds; MLflow's own defaults are minutes."""

SERVER_SETTINGS = {
    "PYTHONSAFEPATH": "1",  # A module of the current folder is not one of MLflow's.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # Seven processes, for LLM judges and the like.
}
"""The environment of a server or UI that is started here."""


def default_tracking_uri(store: Store) -> str:
    """SQLite in the results folder, whose path may hold any character.

    The driver is named, since MLflow makes a folder of the escaped path for a plain ``sqlite:``.
    """
    return _uri_of((store.root / "mlflow.db").resolve())


def _uri_of(file: Path) -> str:
    try:
        from sqlalchemy import URL
    except ImportError:  # Nor is MLflow there, which needs it: the name is for messages alone.
        return f"sqlite+pysqlite:///{file}"
    return URL.create("sqlite+pysqlite", database=str(file)).render_as_string(hide_password=False)


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file of an SQLite database; None for all else."""
    from sqlalchemy import make_url

    if not tracking_uri.startswith(("sqlite:", "sqlite+")):
        return None
    database = make_url(tracking_uri).database
    return Path(database) if database else None


def on_http(tracking_uri: str) -> bool:
    """Whether it is a server, which has a UI of its own."""
    return tracking_uri.startswith(("http://", "https://"))


def client_of(tracking_uri: str) -> "MlflowClient":
    """A client that gives up soon."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri)


@contextmanager
def reaching(tracking_uri: str) -> Iterator[None]:
    """Raises TrackingError for whatever a client, a database or a network raises within."""
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
    """Where the database is a file: it is there and has MLflow's tables, and one process at a time
    adds to them. ``rebuild``: a file that MLflow cannot open is moved aside first."""
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
    """Suite -> its page in the UI at ``server``: the runs that it asks for, without their parent,
    by test error or, where some are detectors', by average precision, beside their curves."""
    client = client_of(tracking_uri)
    return {
        each.name: page_of(server, each.experiment_id, _detects(client, each.experiment_id))
        for each in client.search_experiments()
        if each.name != "Default"
    }


def page_of(server: str, experiment: str, detectors: bool) -> str:
    """The page of one suite there; ``detectors``: whether some of its runs are."""
    return f"{server}/#/experiments/{experiment}/runs?{_shown(detectors=detectors)}"


def _detects(client: "MlflowClient", experiment: str) -> bool:
    query = "params.`dataset.kind` = 'boxes'"
    return len(client.search_runs([experiment], query, max_results=1)) > 0


def _shown(*, detectors: bool) -> str:
    """The UI's query: which runs, in which order, the best first."""
    best = "test_ap_percent" if detectors else "test_error_percent"
    return urlencode(
        {
            "searchFilter": "tags.in_plan = 'true'",
            "orderByKey": f"metrics.`{best}`",
            "orderByAsc": str(not detectors).lower(),
            "compareRunsMode": "CHART",
            "workflowType": "machine_learning",  # Without it MLflow opens its pages for LLMs.
        },
        quote_via=quote,
    )
