"""The layout of a results folder.

``runs/ID/``: spec.json, provenance.json, journal.jsonl, result.json, weights.safetensors,
preprocessing.safetensors, log.txt; for detectors also detections.json and shown.npz.
``SUITE/``: plan.json, and the tables, figures and reports made from the runs; reports on some of
the runs in ``selected/``. A suite changed by ``--set`` has its own name, and so its own folder.
``mlflow.db``, ``mlartifacts/``: MLflow's files, unless another tracking server is named.
``.filling-in/runs/ID/``: an ended run, trained again for measurements that it lacks.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmark.events import Event, Kind
from benchmark.records.files import read_json, write_json
from benchmark.records.journal import Journal, count_attempts, curves_sha256, read_attempts
from benchmark.records.problems import RecordsError, one_line
from benchmark.records.result import is_whole, sealed
from benchmark.spec import RunSpec
from benchmark.spec.base import digest_of
from benchmark.spec.protocol import ProtocolName
from benchmark.spec.recipe import with_recipe
from benchmark.status import DONE, Status
from benchmark.suite import Cell
from benchmark.suite.names import NAME
from benchmark.suite.suite import LoadedSuite

ASIDE = ".filling-in"
"""Subfolder of a results folder in which ended runs are trained again."""

_RUN_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class RunFolder:
    """The records of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The digest of the run's spec."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.path / "journal.jsonl"

    @property
    def log(self) -> Path:
        """Output of the run's process other than its events."""
        return self.path / "log.txt"

    @property
    def weights(self) -> Path:
        """The final weights."""
        return self.path / "weights.safetensors"

    @property
    def preprocessing(self) -> Path:
        """The preprocessing of pixels, for anyone who uses the weights."""
        return self.path / "preprocessing.safetensors"

    @property
    def detections(self) -> Path:
        """A detector's final detections in the scored images."""
        return self.path / "detections.json"

    @property
    def shown(self) -> Path:
        """The first few scored images with their ground truth: ``records.detection_images``."""
        return self.path / "shown.npz"

    @property
    def evaluations(self) -> Path:
        """The folder of the finished run's tests, with one folder per protocol."""
        return self.path / "evaluations"

    def tested(self) -> dict[str, dict[str, Any]]:
        """Return protocol -> errors for the finished run's completed tests. Folders with other
        names, such as copies, are ignored, and so are tests of other weights, of an attempt whose
        result is gone."""
        if not self.evaluations.is_dir():
            return {}
        own = (self.result() or {}).get("final_weights_sha256")
        files = sorted(self.evaluations.glob("*/result.json"))
        read = {file.parent.name: _test(file) for file in files if _is_test(file.parent)}
        return {
            protocol: errors
            for protocol, errors in read.items()
            if errors and errors.get("weights_sha256", own) == own
        }

    @property
    def runs(self) -> Path:
        """The folder of the runs that this one may start from."""
        runs = self.path.parent
        return runs.parent.parent / "runs" if runs.parent.name == ASIDE else runs

    @property
    def checkpoints(self) -> Path:
        """The checkpoint folder of a run that has not ended."""
        return self.path / "checkpoints"

    def prepare(self, spec: RunSpec) -> None:
        """Create the folder and write the spec."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "spec.json", spec.model_dump(mode="json"))

    def begin(self) -> None:
        """Record a new attempt in the journal and delete what the last one left. Only the process
        that holds the run may call this."""
        left = (self.weights, self.preprocessing, self.detections, self.shown)
        for path in (self.path / "result.json", self.path / "provenance.json", *left):
            path.unlink(missing_ok=True)
        for half_written in self.path.glob(".*.aside"):
            if not half_written.is_dir():
                half_written.unlink(missing_ok=True)
        attempt = self.attempts() + 1
        Journal(self.journal).append({"event": Kind.START, "attempt": attempt})

    def attempts(self) -> int:
        """Return how many times the run was begun."""
        return count_attempts(self.journal)

    def spec(self) -> dict[str, Any] | None:
        """Return the spec as plain data; None if the run never began."""
        return read_json(self.path / "spec.json")

    def provenance(self) -> dict[str, Any]:
        """Return where and with what the run ran; empty if it never began."""
        return read_json(self.path / "provenance.json") or {}

    def end(self, result: dict[str, Any]) -> None:
        """Save how the run ended."""
        write_json(self.path / "result.json", sealed(result))

    def events(self, result: dict[str, Any] | None = None) -> list[Event]:
        """Return the events of the attempt that the run ended with, or of the last one. Raises
        RecordsError for a line that is not an event, if no attempt has the curves that the run
        ended with, and for a folder that holds a different run than its name says.

        ``result``: how it ended, if already read.
        """
        self.require_own_id()
        result = result or self.result() or {}
        digest, attempts = result.get("curves_sha256"), read_attempts(self.journal)
        if digest is None:
            return next(attempts, [])
        last: list[Event] = []
        for last in attempts:
            if curves_sha256(last) == digest:
                return last
        if digest == curves_sha256([]) and not last:  # The run failed before it had a journal.
            return []
        rule = "must hold the curves whose digest result.json has"
        raise RecordsError(f"{self.journal} {rule}. Received: others; it was changed since")

    def require_own_id(self) -> None:
        """Raise RecordsError if the folder's name is the id of another run than the one in it.
        Warn of a spec from a version with other fields, whose id cannot be computed."""
        spec = self.spec()
        if spec is None or not _RUN_ID.fullmatch(self.run_id):
            return
        try:
            stated, recipe = RunSpec.model_validate(spec).stated(), self.provenance().get("recipe")
        except ValueError as error:
            rule = "must be a spec of this version, or the run's id cannot be checked"
            _warn(f"{self.path / 'spec.json'} {rule}. Received: {one_line(error)}")
            return
        # A run that no worker has begun has no recipe: it will have the current one.
        recorded = digest_of(stated if recipe is None else with_recipe(stated, recipe))
        if recorded != self.run_id:
            rule = "must hold the run whose id is its name, by its spec and its recipe"
            raise RecordsError(f"{self.path} {rule}. Received: {recorded}")

    def result(self) -> dict[str, Any] | None:
        """Return how the run ended; None if it has not, or, with a warning, for a corrupt file."""
        path = self.path / "result.json"
        try:
            result = read_json(path)
            if result is None:
                return None
            if not (isinstance(result, dict) and result.get("status") in [*Status]):
                raise RecordsError(f"{path} must hold a status. Received: {str(result)[:100]}")
            if not is_whole(result):
                raise RecordsError(f"{path} must have the digest that it names. It was changed")
        except RecordsError as error:
            _warn(f"{error}. The run counts as unfinished.")
            return None
        return result

    def status(self) -> Status:
        """Return the run's status."""
        result = self.result()
        if result:
            return Status(result["status"])
        began = self.journal.exists() or (self.path / "result.json").exists()
        return Status.UNFINISHED if began else Status.PLANNED

    def done(self) -> bool:
        """Return whether the run has ended and will never be trained again."""
        return self.status() in DONE


@dataclass(frozen=True)
class SuiteFolder:
    """The tables, figures and reports of one suite."""

    path: Path

    def save_plan(self, loaded: LoadedSuite) -> None:
        """Save the runs that the suite asks for, their names and full specs, and what the command
        line set."""
        suite = loaded.suite
        write_json(
            self.path / "plan.json",
            {
                "suite": suite.name,
                "source": suite.source,
                "file": str(loaded.path.resolve()),
                "set": loaded.changes.overrides,
                **({"looks": suite.looks.model_dump(mode="json")} if suite.looks else {}),
                "claims": [claim.model_dump(mode="json") for claim in suite.claims],
                "cells": [
                    {
                        "variant": cell.variant,
                        "seed": cell.seed,
                        "run_id": cell.run_id,
                        "spec": cell.spec.model_dump(mode="json"),
                    }
                    for cell in loaded.plan.cells
                ],
            },
        )

    def plan(self) -> dict[str, Any]:
        """Return what ``save_plan`` saved. Raises FileNotFoundError if the suite was never run,
        and RecordsError if the file is corrupt or predates the specs in it."""
        path = self.path / "plan.json"
        plan = read_json(path)
        if plan is None:
            raise FileNotFoundError(f"{self.path} must hold the records of a suite that was run")
        try:
            itemgetter("suite", "source", "claims", "cells")(plan)
            for cell in plan["cells"]:
                itemgetter("variant", "seed", "run_id", "spec")(cell)
        except (KeyError, TypeError) as error:
            rule = (
                f"{path} must hold suite, source, claims and cells with their specs; "
                "run the suite to write it"
            )
            raise RecordsError(f"{rule}. Missing: {error}") from error
        return plan


@dataclass(frozen=True)
class Store:
    """A results folder."""

    root: Path

    def run(self, run: Cell | str) -> RunFolder:
        """Return the folder of a run, given a cell that asks for it or its id.

        Raises RecordsError if the id is invalid or leads outside the results folder.
        """
        run_id = run if isinstance(run, str) else run.run_id
        if not _RUN_ID.fullmatch(run_id):
            rule = "a run's id must be 16 hexadecimal digits"
            raise RecordsError(f"{rule} (results: {self.root}). Received: {run_id[:100]!r}")
        return RunFolder(_no_link(_own(self.root / "runs") / run_id))

    def runs(self) -> list[RunFolder]:
        """Return the runs that have a folder here, ignoring anything else among them."""
        folder = _own(self.root / "runs")
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return [self.run(name) for name in names if _is_run(folder / name)]

    def status(self, run: Cell | str) -> Status:
        """Return a run's status, or ``unreadable``, so that one bad folder stops no other run."""
        try:
            return self.run(run).status()
        except (OSError, RecordsError):
            return Status.UNREADABLE

    def suite(self, name: str) -> SuiteFolder:
        """Return the folder of a suite. Raises RecordsError if the name is invalid or leads
        outside the results folder."""
        if not NAME.fullmatch(name):
            raise RecordsError(f"a suite's name must be as in its file. Received: {name[:100]!r}")
        return SuiteFolder(_no_link(self.root / name))

    def plans(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name and the plan of each suite that has records here; none that cannot be
        read."""
        for name in self.suites():
            with suppress(OSError, RecordsError):
                yield name, self.suite(name).plan()

    def suites(self) -> list[str]:
        """Return the names of the suites that have records here."""
        names = sorted(path.parent.name for path in self.root.glob("*/plan.json"))
        return [name for name in names if NAME.fullmatch(name)]


def _is_run(path: Path) -> bool:
    return bool(_RUN_ID.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def _is_test(folder: Path) -> bool:
    try:
        return str(ProtocolName.of(folder.name)) == folder.name
    except ValueError:
        return False


def _test(file: Path) -> dict[str, Any] | None:
    """Return the errors of a test; None, with a warning, if the file is corrupt."""
    try:
        found = read_json(file)
        if isinstance(found, dict) and "images" in found:
            return found
        raise RecordsError(f"{file} must hold a test's errors. Received: {str(found)[:100]}")
    except RecordsError as error:
        _warn(f"{error}. The run counts as not tested by {file.parent.name}.")
        return None


def _own(path: Path) -> Path:
    """Require a folder, or this user's own link to one, for example on a disk for large files."""
    if path.is_symlink() and not (
        path.is_dir() and path.lstat().st_uid == path.stat().st_uid == os.geteuid()
    ):
        rule = "must be a folder, or a link to one, that is this user's own"
        raise RecordsError(f"{path} {rule}. Received: {path.readlink()}")
    return path


def _no_link(path: Path) -> Path:
    if path.is_symlink():
        rule = "must be a folder of the results folder, not a link to another"
        raise RecordsError(f"{path} {rule}. Received: {path.readlink()}")
    return path


@cache
def _warn(message: str) -> None:
    """Log a warning once per process."""
    logging.getLogger("resnet_bench.records").warning(message)
