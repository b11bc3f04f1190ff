"""MLflow as a mirror of the journals: one experiment a suite, a parent run, a child a run.

Everything is sent with the journal's own times, so sending it again adds nothing. A child is its
run's last attempt: with a new attempt it is deleted and made anew.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.metrics import METRICS
from benchmark.records.journal import Event
from benchmark.records.nesting import flattened
from benchmark.records.reference import compared_with, reference_for
from benchmark.records.store import RunFolder, Store
from benchmark.records.tracking import client_of, creating, sqlite_file
from benchmark.status import Status

RESULT_TAGS = (
    "status",
    "failure",
    "reason",
    "device",
    "parameters",
    "best_error_percent",
    "best_epoch",
    "final_weights_sha256",
)
"""Of the result. The final errors and precisions are the last values of the metrics."""

_TERMINAL = {
    Status.FINISHED: "FINISHED",
    Status.DIVERGED: "FINISHED",
    Status.INTERRUPTED: "KILLED",
}
_BATCH = 1000
_NAME = "resnet_bench.name"
_RUN_ID = "resnet_bench.run_id"
_IN_PLAN = "in_plan"
_DESCRIBED = "resnet_bench.described"
"""Set when a child has all that does not change: what fails before is sent again."""


class MlflowMirror:
    """Mirrors one suite's runs to a tracking server or database."""

    def __init__(self, store: Store, suite: str, tracking_uri: str, *, rebuild: bool = False):
        """``rebuild``: delete what is there of the suite first."""
        self.store, self.suite, self.uri = store, suite, tracking_uri
        with creating(tracking_uri, rebuild=rebuild):
            self.client = client_of(tracking_uri)
            self.experiment = self._experiment()
            if rebuild:
                self._delete_all()
            parents = self._find("suite", suite)
            self.parent = parents[0].info.run_id if parents else self._create_parent()
        self.reference = reference_for(store)
        self._sent: dict[str, int] = {}

    def mirror(self, cell: dict[str, Any]) -> None:
        """Send what the journal of a cell's run has and was not sent by this object before.

        ``cell``: variant, seed and run_id, as a plan keeps them.
        """
        folder = self.store.run(cell["run_id"])
        events = folder.events()
        if not events:
            return
        name = _name(cell)
        result = folder.result()
        child = self._child(name, cell, folder, events)
        if child.data.tags.get(_DESCRIBED) != "true":
            self._describe(child, folder, events, ended=result is not None)
        child = child.info.run_id
        self._log_epochs(child, name, events)
        if result:
            self._log_end(child, folder, events, result)

    def mirror_suite(self, note: str, artifacts: Sequence[Path], verdicts: str = "") -> None:
        """Set the note of the experiment and of the parent run, its figures and the tag
        ``verdicts``, and end it; and mark which children the suite still asks for."""
        self.client.set_experiment_tag(self.experiment, "mlflow.note.content", note)
        self.client.set_tag(self.parent, "mlflow.note.content", note)
        self.client.set_tag(self.parent, "verdicts", verdicts or "none")
        for path in artifacts:
            self.client.log_artifact(self.parent, str(path))
        self.client.set_terminated(self.parent)
        cells = self.store.suite(self.suite).plan()["cells"]
        planned = {(_name(cell), cell["run_id"]) for cell in cells}
        query = "tags.variant LIKE '%'"
        for child in self.client.search_runs([self.experiment], query, max_results=50_000):
            tags = child.data.tags
            asked = str((tags.get(_NAME), tags.get(_RUN_ID)) in planned).lower()
            if tags.get(_IN_PLAN) != asked:
                self.client.set_tag(child.info.run_id, _IN_PLAN, asked)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(self.suite)
        if found is None:
            place = (self.store.root / "mlartifacts" / self.suite).resolve().as_uri()
            local = sqlite_file(self.uri) is not None
            return self.client.create_experiment(self.suite, place if local else None)
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        return found.experiment_id

    def _delete_all(self) -> None:
        """The suite's parent and children; MLflow keeps what is deleted in its trash."""
        for query in (f"tags.suite = '{self.suite}'", f"tags.`{_NAME}` LIKE '%'"):
            for run in self.client.search_runs([self.experiment], query, max_results=50_000):
                self.client.delete_run(run.info.run_id)

    def _find(self, tag: str, value: str, run_id: str | None = None) -> list[Any]:
        query = f"tags.`{tag}` = '{value}'"
        if run_id:
            query += f" and tags.`{_RUN_ID}` = '{run_id}'"
        return list(self.client.search_runs([self.experiment], query))

    def _create_parent(self) -> str:
        plan = self.store.suite(self.suite).plan()
        tags = {"suite": self.suite, "source": plan["source"]}
        if plan.get("set"):
            tags["set"] = json.dumps(plan["set"])
        run = self.client.create_run(self.experiment, tags=tags, run_name=self.suite)
        return run.info.run_id

    def _child(
        self, name: str, cell: dict[str, Any], folder: RunFolder, events: list[Event]
    ) -> Any:
        """The child of a run's last attempt, known by when it began; an earlier one's makes place
        for it."""
        there = self._find(_NAME, name, folder.run_id)
        began = _milliseconds(events[0])
        last = [child for child in there if child.info.start_time == began]
        for child in [*last[1:], *(child for child in there if child not in last)]:
            self.client.delete_run(child.info.run_id)  # Also one that two processes made at once.
        if last:
            return last[0]
        self._sent.pop(name, None)
        return self.client.create_run(
            self.experiment,
            start_time=began,
            run_name=name,
            tags={
                "mlflow.parentRunId": self.parent,
                "mlflow.source.name": "resnet-bench",
                "variant": cell["variant"],
                "seed": str(cell["seed"]),
                "attempt": str(events[0].get("attempt")),
                _IN_PLAN: "true",
                _NAME: name,
                _RUN_ID: folder.run_id,
            },
        )

    def _describe(self, child: Any, folder: RunFolder, events: list[Event], *, ended: bool) -> None:
        """Send the spec, the provenance and the data set, as far as they are there: the worker
        writes the last of them with ``built``. Doing it again adds nothing."""
        from mlflow.entities import Param, RunTag

        run, spec = child.info.run_id, folder.spec() or {}
        built = next((event for event in events if event["event"] == "built"), {})
        commit = folder.provenance().get("git_commit") or "unknown"
        parts = folder.provenance().get("recipe") or {}
        params = [Param(key, str(value)) for key, value in flattened(spec).items()]
        tags = [RunTag("mlflow.source.git.commit", commit)]
        if parts:
            recipe = ", ".join(f"{part} {number}" for part, number in sorted(parts.items()))
            tags.append(RunTag("recipe", recipe))
        self.client.log_batch(run, params=params, tags=tags)
        for file in (folder.path / "spec.json", folder.path / "provenance.json"):
            if file.exists():  # A run that failed at once has no provenance.
                self.client.log_artifact(run, str(file))
        self._log_dataset(run, spec, built.get("dataset_sha256"))
        if built or ended:
            self.client.set_tag(run, _DESCRIBED, "true")

    def _log_dataset(self, child: str, spec: dict[str, Any], digest: str | None) -> None:
        from mlflow.entities import Dataset, DatasetInput

        if digest:
            dataset = Dataset(
                name=spec["dataset"]["name"],
                digest=digest[:36],
                source_type="resnet-bench",
                source=spec["dataset"]["name"],
            )
            self.client.log_inputs(child, datasets=[DatasetInput(dataset)])

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

        tags = [RunTag(key, str(result[key])) for key in RESULT_TAGS if result.get(key) is not None]
        if compared := compared_with(self.reference, folder):
            told = {"reference": compared.outcome, "reference.difference_percent": compared.by}
            told |= {"reference.seeds_sd_percent": compared.sd}
            tags += [RunTag(key, str(value)) for key, value in told.items() if value is not None]
        self.client.log_batch(child, tags=tags)
        for file in (folder.journal, folder.detections):
            if file.exists():  # Of a classifier, or what failed, nothing was detected.
                self.client.log_artifact(child, str(file))
        status = _TERMINAL.get(result["status"], "FAILED")
        self.client.set_terminated(child, status, _milliseconds(events[-1]))


def _metrics(rows: list[Event]) -> Iterator[Any]:
    from mlflow.entities import Metric

    for row in rows:
        for metric in METRICS:
            if row.get(metric.key) is not None:
                yield Metric(metric.key, row[metric.key], _milliseconds(row), row["epoch"])


def _name(cell: dict[str, Any]) -> str:
    return f"{cell['variant']}/seed{cell['seed']}"


def _milliseconds(event: Event) -> int:
    return round(event["time"] * 1000)
