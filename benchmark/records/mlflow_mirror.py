"""MLflow as a mirror of the journals: one experiment a suite, a parent run, a child a run.

Everything is sent with the journal's own times, so sending it again adds nothing.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from benchmark.records.frames import flattened
from benchmark.records.journal import Event
from benchmark.records.store import RunFolder, Store

METRICS = (
    "learning_rate",
    "train_loss",
    "train_error_percent",
    "test_loss",
    "test_error_percent",
    "validation_loss",
    "validation_error_percent",
    "gradient_norm",
    "images_per_s",
)
"""Logged for each epoch, as far as the epoch has them; the step is the epoch."""

RESULT_TAGS = (
    "status",
    "reason",
    "attempt",
    "device",
    "parameters",
    "best_error_percent",
    "best_epoch",
    "final_weights_sha256",
)
"""Of the result. The final errors are the last values of the metrics."""

_TERMINAL = {"finished": "FINISHED", "diverged": "FINISHED", "interrupted": "KILLED"}
_BATCH = 1000
_NAME = "resnet_bench.name"
_RUN_ID = "resnet_bench.run_id"


def default_tracking_uri(store: Store) -> str:
    """SQLite in the results folder."""
    return f"sqlite:///{(store.root / 'mlflow.db').resolve()}"


def suite_links(tracking_uri: str, server: str) -> dict[str, str]:
    """Suite -> its page in the UI at ``server``: the runs without their parent, by test error,
    beside their curves."""
    from mlflow import MlflowClient

    query = urlencode(
        {
            "searchFilter": "tags.variant LIKE '%'",
            "orderByKey": "metrics.`test_error_percent`",
            "orderByAsc": "true",
            "compareRunsMode": "CHART",
        },
        quote_via=quote,
    )
    return {
        experiment.name: f"{server}/#/experiments/{experiment.experiment_id}/runs?{query}"
        for experiment in MlflowClient(tracking_uri).search_experiments()
        if experiment.name != "Default"
    }


class MlflowMirror:
    """Mirrors one suite's runs to a tracking server or database."""

    def __init__(self, store: Store, suite: str, tracking_uri: str):
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        logging.getLogger("alembic").setLevel(logging.WARNING)
        from mlflow import MlflowClient

        self.store, self.suite, self.uri = store, suite, tracking_uri
        self.client = MlflowClient(tracking_uri)
        self.experiment = self._experiment()
        self.parent = self._find("suite", suite) or self._create_parent()
        self._sent: dict[str, int] = {}

    def mirror(self, cell: dict[str, Any]) -> None:
        """Send what the journal of a cell's run has and was not sent by this object before.

        ``cell``: variant, seed and run_id, as a plan keeps them.
        """
        folder = self.store.run(cell["run_id"])
        events = folder.events()
        if not events:
            return
        name = f"{cell['variant']}/seed{cell['seed']}"
        child = self._find(_NAME, name, folder.run_id) or self._create_child(name, cell, folder)
        self._log_epochs(child, name, events)
        result = folder.result()
        if result:
            self._log_end(child, folder, events, result)

    def mirror_suite(self, note: str, artifacts: list[Path]) -> None:
        """Set the note of the experiment and of the parent run, its figures, and end it."""
        self.client.set_experiment_tag(self.experiment, "mlflow.note.content", note)
        self.client.set_tag(self.parent, "mlflow.note.content", note)
        for path in artifacts:
            self.client.log_artifact(self.parent, str(path))
        self.client.set_terminated(self.parent)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(self.suite)
        if found is None:
            local = self.uri.startswith("sqlite:")
            place = (self.store.root / "mlartifacts" / self.suite).resolve().as_uri()
            return self.client.create_experiment(self.suite, place if local else None)
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _find(self, tag: str, value: str, run_id: str | None = None) -> str | None:
        query = f"tags.`{tag}` = '{value}'"
        if run_id:
            query += f" and tags.`{_RUN_ID}` = '{run_id}'"
        found = self.client.search_runs([self.experiment], query, max_results=1)
        return found[0].info.run_id if found else None

    def _create_parent(self) -> str:
        plan = self.store.suite(self.suite).plan()
        tags = {"suite": self.suite, "source": plan["source"]}
        run = self.client.create_run(self.experiment, tags=tags, run_name=self.suite)
        return run.info.run_id

    def _create_child(self, name: str, cell: dict[str, Any], folder: RunFolder) -> str:
        from mlflow.entities import Dataset, DatasetInput, Param

        spec, start = folder.spec(), folder.events()[0]
        made = folder.provenance()
        run = self.client.create_run(
            self.experiment,
            start_time=_milliseconds(start),
            run_name=name,
            tags={
                "mlflow.parentRunId": self.parent,
                "mlflow.source.name": "resnet-bench",
                "mlflow.source.git.commit": made.get("git_commit") or "unknown",
                "variant": cell["variant"],
                "seed": str(cell["seed"]),
                _NAME: name,
                _RUN_ID: folder.run_id,
            },
        )
        child = run.info.run_id
        params = [Param(key, str(value)) for key, value in flattened(spec).items()]
        self.client.log_batch(child, params=params)
        dataset = Dataset(
            name=spec["dataset"]["name"],
            digest=start["dataset_sha256"][:36],
            source_type="resnet-bench",
            source=f"resnet-bench data get {spec['dataset']['name']}",
        )
        self.client.log_inputs(child, datasets=[DatasetInput(dataset)])
        self.client.log_artifact(child, str(folder.path / "spec.json"))
        self.client.log_artifact(child, str(folder.path / "provenance.json"))
        return child

    def _log_epochs(self, child: str, name: str, events: list[Event]) -> None:
        rows = [event for event in events if event["event"] == "epoch"]
        metrics = list(_metrics(rows[self._sent.get(name, 0) :]))
        for first in range(0, len(metrics), _BATCH):
            self.client.log_batch(child, metrics=metrics[first : first + _BATCH])
        self._sent[name] = len(rows)

    def _log_end(
        self, child: str, folder: RunFolder, events: list[Event], result: dict[str, Any]
    ) -> None:
        from mlflow.entities import RunTag

        tags = [RunTag(key, str(result[key])) for key in RESULT_TAGS]
        self.client.log_batch(child, tags=tags)
        self.client.log_artifact(child, str(folder.journal))
        status = _TERMINAL.get(result["status"], "FAILED")
        self.client.set_terminated(child, status, _milliseconds(events[-1]))


def _metrics(rows: list[Event]) -> Iterator[Any]:
    from mlflow.entities import Metric

    for row in rows:
        for key in METRICS:
            if row.get(key) is not None:
                yield Metric(key, row[key], _milliseconds(row), row["epoch"])


def _milliseconds(event: Event) -> int:
    return round(event["time"] * 1000)
