"""Find a recorded run by any of its names."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.records.problems import RecordsError
from benchmark.records.store import RunFolder, Store
from benchmark.spec import RunSpec

_FILES = ("spec.json", "provenance.json", "journal.jsonl")
"""The files that MLflow keeps for an ended run."""


@contextmanager
def found_run(
    store: Store, run: str, tracking_uri: str, *, weights: bool = False
) -> Iterator[RunFolder]:
    """Find the records of ``run``, given as its folder, its id or the start of it, its name in a
    suite (``resnet20-A/seed0`` or ``quickstart/resnet20-A/seed0``), or its MLflow run id.

    ``weights``: whether its weights are needed, too. MLflow does not keep them, so a run of MLflow
    is then looked for in the store. Raises RecordsError if there is none, or more than one.
    """
    if re.fullmatch(r"[0-9a-f]{32}", run):
        with tempfile.TemporaryDirectory() as scratch:
            recorded = _from_mlflow(run, tracking_uri, Path(scratch))
            yield _with_weights(recorded, store) if weights else recorded
        return
    if (Path(run) / "spec.json").is_file():
        yield RunFolder(Path(run))
        return
    found = sorted(_ids(store, run))
    if len(found) != 1:
        rule = "must be a run's folder, its id, its name in a suite, or its MLflow run id"
        what = f"{run}, which fits {', '.join(found)}" if found else f"{run}, unknown here"
        raise RecordsError(f"run {rule} (results: {store.root}). Received: {what}")
    yield store.run(found[0])


def _ids(store: Store, run: str) -> set[str]:
    if re.fullmatch(r"[0-9a-f]{4,16}", run):
        folders = (store.root / "runs").glob(f"{run}*")
        return {path.name for path in folders if (path / "spec.json").is_file()}
    return {
        cell["run_id"]
        for suite, plan in store.plans()
        for cell in plan["cells"]
        if run in (name := f"{cell['variant']}/seed{cell['seed']}", f"{suite}/{name}")
    }


def _with_weights(recorded: RunFolder, store: Store) -> RunFolder:
    run_id = RunSpec.model_validate(recorded.spec()).digest()
    folder = store.run(run_id)
    if not folder.weights.exists():
        rule = "MLflow keeps no weights: the results folder must have them"
        raise RecordsError(f"{rule} ({folder.weights}). Received: none")
    return folder


def _from_mlflow(run: str, tracking_uri: str, scratch: Path) -> RunFolder:
    from benchmark.tracking.server import client_of, reaching

    with reaching(tracking_uri):
        client = client_of(tracking_uri)
        there = {item.path for item in client.list_artifacts(run)}
        missing = set(_FILES) - there
        if missing:
            rule = f"MLflow run must be one that has ended, with {', '.join(_FILES)}"
            raise RecordsError(f"{rule}. Received: {run}, without {', '.join(sorted(missing))}")
        for name in _FILES:
            client.download_artifacts(run, name, str(scratch))
    return RunFolder(scratch)
