"""MLflow as a mirror of the journals: an experiment per suite, with a parent run and a child per
run.

Everything is sent with the journal's own times, so sending it again adds nothing. A child is its
run's last attempt: on a new attempt it is deleted and made again. Several results folders may share
a server: each knows its own runs by a tag, and touches no others.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.events import Event, Kind, first_of_kind, number_of, of_kind
from benchmark.metrics import METRICS
from benchmark.records.journal import read_attempts
from benchmark.records.nesting import flattened
from benchmark.records.problems import RecordsError
from benchmark.records.reference import compared_with, reference_for
from benchmark.records.store import RunFolder, Store
from benchmark.status import Status
from benchmark.tracking.moved import point_to
from benchmark.tracking.owner import identity_of, name_of
from benchmark.tracking.server import client_of, creating, sqlite_file

RESULT_METRICS = ("parameters", "best_error_percent")
"""Fields of the result that the UI can sort by."""

RESULT_TAGS = (
    "status",
    "failure",
    "reason",
    "device",
    *RESULT_METRICS,
    "best_epoch",
    "final_weights_sha256",
)
"""Fields of the result sent as tags. Final errors and precisions are the metrics' last values."""

KIND = "mlflow.experimentKind", "custom_model_development"
"""The UI's tag for an experiment's kind; the links select the view in which it opens."""

_TERMINAL = {
    Status.FINISHED: "FINISHED",
    Status.DIVERGED: "FINISHED",
    Status.INTERRUPTED: "KILLED",
}
_BATCH, _PAGE = 1000, 50_000
_LONGEST_NOTE, _LONGEST_TAG = 20_000, 8_000
"""MLflow's limits for a tag of an experiment and of a run, in characters."""
_NAME = "resnet_bench.name"
_RUN_ID = "resnet_bench.run_id"
_IN_PLAN = "in_plan"
_OWNER = "resnet_bench.results"
"""The tag with the id of a run's results folder."""
_PLACE = "results"
"""The tag with that folder's readable name: its user, host and path."""
_DESCRIBED = "resnet_bench.described"
"""The tag set when a child has everything that does not change; until then, it is sent again."""


class MlflowMirror:
    """A mirror of one suite's runs in a tracking server or database."""

    def __init__(self, store: Store, suite: str, tracking_uri: str, *, rebuild: bool = False):
        """``rebuild``: first delete what is there of the suite."""
        self.store, self.suite, self.uri = store, suite, tracking_uri
        self.owner, self.place = identity_of(store.root), name_of(store.root)
        with creating(tracking_uri, rebuild=rebuild):
            self.client = client_of(tracking_uri)
            self.experiment = self._experiment()
            if rebuild:
                self._delete_all()
            self.parent = self._parent()
        self.reference = reference_for(store)
        self._sent: dict[str, int] = {}

    def mirror(self, cell: dict[str, Any]) -> None:
        """Send what the journal of a cell's run has and this object has not sent before.

        ``cell``: variant, seed and run_id, as in a plan.
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
        """Set the note of the experiment and the parent run, the parent's figures and its tag
        ``verdicts``, and end it; then mark the children that are still in the suite's plan."""
        tag = "mlflow.note.content"
        self.client.set_experiment_tag(self.experiment, tag, _cut(note, _LONGEST_NOTE))
        self.client.set_tag(self.parent, tag, _cut(note, _LONGEST_TAG))
        self.client.set_tag(self.parent, "verdicts", verdicts or "none")
        for path in artifacts:
            self.client.log_artifact(self.parent, str(path))
        self.client.set_terminated(self.parent)
        cells = self.store.suite(self.suite).plan()["cells"]
        planned = {(_name(cell), cell["run_id"]) for cell in cells}
        for child in self._search("tags.variant LIKE '%'"):
            tags = child.data.tags
            asked = str((tags.get(_NAME), tags.get(_RUN_ID)) in planned).lower()
            if tags.get(_IN_PLAN) != asked:
                self.client.set_tag(child.info.run_id, _IN_PLAN, asked)

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(self.suite)
        if found is None:
            return self.client.create_experiment(
                self.suite,
                _artifacts_of(self.uri, self.suite),
                tags=dict([KIND, (self._adopted, "true")]),
            )
        if (file := sqlite_file(self.uri)) and (place := _artifacts_of(self.uri, self.suite)):
            point_to(file, found.experiment_id, place)
        if found.lifecycle_stage == "deleted":
            self.client.restore_experiment(found.experiment_id)
        if KIND[0] not in found.tags:
            self.client.set_experiment_tag(found.experiment_id, *KIND)
        if self._adopted not in found.tags:
            self._adopt(found.experiment_id)
            self.client.set_experiment_tag(found.experiment_id, self._adopted, "true")
        return found.experiment_id

    @property
    def _adopted(self) -> str:
        """Return the tag for an experiment in which all of this folder's runs are owned."""
        return f"resnet_bench.adopted.{self.owner}"

    def _delete_all(self) -> None:
        """Delete this folder's parent and children; MLflow keeps deleted runs in its trash."""
        for run in self._search():
            self.client.delete_run(run.info.run_id)

    def _adopt(self, experiment: str) -> None:
        """Adopt the runs of an earlier version, which name no folder, if they can come from this
        folder's records: all runs in the folder's own database; on a server, the children whose run
        is recorded here and started when its journal says, and their parent."""
        own = sqlite_file(self.uri) == (self.store.root / "mlflow.db").resolve()
        nameless = [run for run in self._all(experiment) if _OWNER not in run.data.tags]
        mine = [run for run in nameless if own or self._is_recorded(run)]
        parents = {run.data.tags.get("mlflow.parentRunId") for run in mine}
        for run in nameless:
            if run in mine or run.info.run_id in parents:
                self.client.set_tag(run.info.run_id, _PLACE, self.place)
                self.client.set_tag(run.info.run_id, _OWNER, self.owner)

    def _is_recorded(self, run: Any) -> bool:
        run_id = run.data.tags.get(_RUN_ID)
        if run_id is None:
            return False
        try:
            attempts = read_attempts(self.store.run(run_id).journal)
            began = {_milliseconds(events[0]) for events in attempts if events}
        except (OSError, RecordsError):
            return False
        return run.info.start_time in began

    def _search(self, query: str = "") -> list[Any]:
        """Return this folder's runs."""
        own = f"tags.`{_OWNER}` = '{self.owner}'"
        return self._all(self.experiment, f"{own} and {query}" if query else own)

    def _all(self, experiment: str, query: str = "") -> list[Any]:
        page = self.client.search_runs([experiment], query, max_results=_PAGE)
        found = list(page)
        while page.token:
            page = self.client.search_runs(
                [experiment], query, max_results=_PAGE, page_token=page.token
            )
            found += page
        return found

    def _parent(self) -> str:
        """Return the id of this folder's parent run, which is made if it is not there."""
        if parents := self._search(f"tags.suite = '{self.suite}'"):
            return parents[0].info.run_id
        plan = self.store.suite(self.suite).plan()
        tags = {"suite": self.suite, "source": plan["source"]} | self._owned
        if plan.get("set"):
            tags["set"] = json.dumps(plan["set"])
        run = self.client.create_run(self.experiment, tags=tags, run_name=self.suite)
        return run.info.run_id

    @property
    def _owned(self) -> dict[str, str]:
        user, at, _ = self.place.partition("@")
        return {_OWNER: self.owner, _PLACE: self.place} | ({"mlflow.user": user} if at else {})

    def _child(
        self, name: str, cell: dict[str, Any], folder: RunFolder, events: list[Event]
    ) -> Any:
        """Return the child of a run's last attempt, identified by its start time; it replaces that
        of an earlier attempt."""
        own = f"tags.`{_NAME}` = '{name}' and tags.`{_RUN_ID}` = '{folder.run_id}'"
        there = self._search(own)
        began = _milliseconds(events[0])
        last = [child for child in there if child.info.start_time == began]
        for child in [*last[1:], *(child for child in there if child not in last)]:
            self.client.delete_run(child.info.run_id)  # Also duplicates from two processes at once.
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
                **self._owned,
            },
        )

    def _describe(self, child: Any, folder: RunFolder, events: list[Event], *, ended: bool) -> None:
        """Send the spec, the provenance and the data set, as far as they exist: the worker writes
        the last of them with ``built``. Sending them again adds nothing."""
        from mlflow.entities import Dataset, DatasetInput, Param, RunTag

        run, spec = child.info.run_id, folder.spec() or {}
        built = first_of_kind(events, Kind.BUILT)
        commit = folder.provenance().get("git_commit") or "unknown"
        parts = folder.provenance().get("recipe") or {}
        params = [Param(key, str(value)) for key, value in flattened(spec).items()]
        tags = [RunTag("mlflow.source.git.commit", commit)]
        if parts:
            recipe = ", ".join(f"{part} {number}" for part, number in sorted(parts.items()))
            tags.append(RunTag("recipe", recipe))
        self.client.log_batch(run, params=params, tags=tags)
        for file in (folder.path / "spec.json", folder.path / "provenance.json"):
            if file.exists():  # A run that failed immediately has no provenance.
                self.client.log_artifact(run, str(file))
        if digest := built.get("dataset_sha256"):
            name = spec["dataset"]["name"]
            dataset = Dataset(name, digest[:36], source_type="resnet-bench", source=name)
            self.client.log_inputs(run, datasets=[DatasetInput(dataset)])
        if built or ended:
            self.client.set_tag(run, _DESCRIBED, "true")

    def _log_epochs(self, child: str, name: str, events: list[Event]) -> None:
        rows = of_kind(events, Kind.EPOCH)
        metrics = list(_metrics(rows[self._sent.get(name, 0) :]))
        for first in range(0, len(metrics), _BATCH):
            self.client.log_batch(child, metrics=metrics[first : first + _BATCH])
        self._sent[name] = len(rows)

    def _log_end(
        self, child: str, folder: RunFolder, events: list[Event], result: dict[str, Any]
    ) -> None:
        from mlflow.entities import Metric, RunTag

        tags = [
            RunTag(key, _text(result[key])) for key in RESULT_TAGS if result.get(key) is not None
        ]
        if compared := compared_with(self.reference, folder):
            told = {"reference": compared.outcome, "reference.difference_percent": compared.by}
            told |= {"reference.seeds_sd_percent": compared.sd}
            tags += [RunTag(key, _text(value)) for key, value in told.items() if value is not None]
        ended = _milliseconds(events[-1])
        metrics = [
            Metric(key, float(result[key]), ended, 0)
            for key in RESULT_METRICS
            if result.get(key) is not None
        ]
        self.client.log_batch(child, metrics=metrics, tags=tags)
        for file in (folder.journal, folder.detections):
            if file.exists():  # Classifiers and failed runs have no detections.
                self.client.log_artifact(child, str(file))
        status = _TERMINAL.get(result["status"], "FAILED")
        self.client.set_terminated(child, status, ended)


def _metrics(rows: list[Event]) -> Iterator[Any]:
    from mlflow.entities import Metric

    for row in rows:
        for metric in METRICS:
            if (number := number_of(row, metric.key)) is not None:
                yield Metric(metric.key, number, _milliseconds(row), row["epoch"])


def _text(value: Any) -> str:
    """Return a tag's value, with numbers in readable form."""
    return f"{round(value, 4):g}" if isinstance(value, float) else str(value)


def _cut(note: str, most: int) -> str:
    """Return the lines that fit, and where the rest is."""
    if len(note) <= most:
        return note
    rest = "\n\nThe rest is in report.html, an artifact of the run that has the suite's name."
    whole = note[: most - len(rest)].rsplit("\n", 1)[0]
    return whole + rest


def _artifacts_of(tracking_uri: str, suite: str) -> str | None:
    """Return where artifacts are kept: next to the database file, which several results folders may
    use; None for a server, which has its own place."""
    file = sqlite_file(tracking_uri)
    return (file.resolve().parent / "mlartifacts" / suite).as_uri() if file else None


def _name(cell: dict[str, Any]) -> str:
    return f"{cell['variant']}/seed{cell['seed']}"


def _milliseconds(event: Event) -> int:
    return round(event["time"] * 1000)
