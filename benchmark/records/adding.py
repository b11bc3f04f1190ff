"""Add the records of a suite's runs to the reference.

Only ended runs with intact records are added, and nothing that reveals whose machine it was.
"""

import json
import os
import platform
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmark.events import Event, Kind, of_kind
from benchmark.records.files import json_text, read_json, write_bytes, write_json, write_text
from benchmark.records.problems import RecordsError
from benchmark.records.reference import IDENTICAL, outcome_of
from benchmark.records.store import RunFolder, Store
from benchmark.spec import RunSpec
from benchmark.status import DONE, Status

MAX_WEIGHTS_BYTES = 10 * 2**20
"""Limit for all weights in the reference together: a clone should stay small."""

_MAX_BYTES = 2**20
"""Limit for a run's detections and its shown images: larger files are left out."""

_PATH = re.compile(r"(?<![\w.:/])~?/(?:[^\s/'\",:;()]+/)+([^\s/'\",:;()]*)")
"""An absolute path; the group is its last part."""


@dataclass
class Added:
    """The ids of a suite's runs, by what became of them."""

    added: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    """Already in the reference, with the same bits."""
    others: list[str] = field(default_factory=list)
    """Already in the reference with other bits, which stay as they are."""
    left: list[str] = field(default_factory=list)
    """Not ended yet, so left out."""
    failed: list[str] = field(default_factory=list)
    """Failed, so left out: they can be trained again."""
    weights: list[str] = field(default_factory=list)
    """Runs whose weights are in the reference."""


def add_records(
    store: Store,
    suite: str,
    reference: Store,
    check_weights: Callable[[RunFolder], object] | None = None,
) -> Added:
    """Copy the records of a suite's ended runs, and its plan.

    ``check_weights``: if given, the weights of each variant's first finished seed that has any are
    copied too, unless the reference has a seed's, as long as the total stays within
    ``MAX_WEIGHTS_BYTES``; it raises if a run's are corrupt.

    Raises RecordsError for records that are incomplete or that identify the machine, before
    anything of that run is written.
    """
    plan, done = store.suite(suite).plan(), Added()
    plan.pop("file", None)  # It reveals whose machine it was.
    for cell in {cell["run_id"]: cell for cell in plan["cells"]}.values():
        _add(store.run(cell["run_id"]), reference, done)
    if check_weights:
        _add_weights(store, reference, plan["cells"], done, check_weights)
    cells = _merged(plan["cells"], reference, suite)
    write_json(reference.suite(suite).path / "plan.json", plan | {"cells": cells})
    ensembles = store.suite(suite).path / "ensembles.json"
    if ensembles.exists():
        write_json(reference.suite(suite).path / ensembles.name, read_json(ensembles))
    return done


def _add(folder: RunFolder, reference: Store, done: Added) -> None:
    status = folder.status()
    if status not in DONE:
        (done.failed if status == Status.FAILED else done.left).append(folder.run_id)
        return
    other = reference.run(folder.run_id)
    if result := other.result():
        same = outcome_of(folder.result() or {}, result) == IDENTICAL
        (done.there if same else done.others).append(folder.run_id)
        if same:
            _write(other, _without_traces(folder, _tests(folder, other.tested())))
        return
    texts = _files(folder)
    end = {"result.json": texts.pop("result.json")}
    _write(other, texts)
    for name in ("detections.json", "shown.npz"):
        file = folder.path / name
        if file.exists() and file.stat().st_size <= _MAX_BYTES:
            write_bytes(other.path / name, file.read_bytes())
    _write(other, end)  # Last: a run that has a result is whole.
    other.events()  # Raises if the copy is corrupt.
    done.added.append(folder.run_id)


def _write(folder: RunFolder, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        write_text(folder.path / name, text)


def _files(folder: RunFolder) -> dict[str, str]:
    """Return the checked records: name -> text."""
    result, events = folder.result() or {}, folder.events()
    _check_id(folder)
    ends = of_kind(events, Kind.END)
    digests = {event.get("final_weights_sha256") for event in ends}
    if result.get("curves_sha256") is None or digests != {result["final_weights_sha256"]}:
        rule = "must have a journal that ends with the weights of its result"
        raise RecordsError(f"{folder.path} {rule}. Received: {digests or 'no end'}")
    files = {
        "spec.json": folder.spec(),
        "provenance.json": folder.provenance(),
        "result.json": result,
    }
    texts = {name: json_text(data) for name, data in files.items()} | _tests(folder)
    texts["journal.jsonl"] = "".join(json.dumps(_nameless(event)) + "\n" for event in events)
    return _without_traces(folder, texts)


def _tests(folder: RunFolder, known: Container[str] = ()) -> dict[str, str]:
    """Return the finished run's tests by protocols that are not ``known``: name -> text."""
    return {
        f"evaluations/{protocol}/result.json": json_text(errors)
        for protocol, errors in folder.tested().items()
        if protocol not in known
    }


def _without_traces(folder: RunFolder, texts: dict[str, str]) -> dict[str, str]:
    """Return the texts. Raises RecordsError if one identifies the machine."""
    for name, text in texts.items():
        if told := next(_telling(text), None):
            rule = "must not identify the machine that it ran on"
            raise RecordsError(f"{folder.path / name} {rule}. Received: {told}")
    return texts


def _check_id(folder: RunFolder) -> None:
    try:
        digest = RunSpec.model_validate(folder.spec()).digest()
    except ValidationError as error:
        rule = "must hold a spec of this version"
        raise RecordsError(f"{folder.path / 'spec.json'} {rule}. Received: {error}") from error
    if digest != folder.run_id:
        rule = "must hold the spec, and be trained by the recipe, whose digest is the run's id"
        raise RecordsError(f"{folder.path / 'spec.json'} {rule}. Received: {digest}")


def _nameless(event: Event) -> Mapping[str, Any]:
    """Cut each path in the event's messages, such as a checkpoint's, to its last part."""
    if event["event"] == Kind.EPOCH:  # The result has a digest of these rows.
        return event
    return {name: _without_paths(value) for name, value in event.items()}


def _without_paths(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_paths(each) for each in value]
    return _PATH.sub(r"\1", value) if isinstance(value, str) else value


def _telling(text: str) -> Iterator[str]:
    """Yield absolute paths in the text, and the names of this host and its user."""
    yield from (match.group() for match in _PATH.finditer(text))
    for name in {platform.node(), os.environ.get("USER", "")} - {"", "root", "localhost"}:
        yield from re.findall(rf"\b{re.escape(name)}\b", text)


def _add_weights(
    store: Store,
    reference: Store,
    cells: Iterable[dict[str, Any]],
    done: Added,
    check: Callable[[RunFolder], object],
) -> None:
    first: dict[str, str] = {}
    for kept in (reference, store):
        for cell in cells:
            run = kept.run(cell["run_id"])
            differs = kept is store and run.run_id in done.others
            if run.weights.exists() and run.status() == Status.FINISHED and not differs:
                first.setdefault(cell["variant"], run.run_id)
    used = sum(path.stat().st_size for path in reference.root.glob("runs/*/*.safetensors"))
    for run_id in dict.fromkeys(first.values()):
        folder, other = store.run(run_id), reference.run(run_id)
        files = [file for file in (folder.weights, folder.preprocessing) if file.exists()]
        size = sum(file.stat().st_size for file in files)
        if not other.weights.exists():
            if used + size > MAX_WEIGHTS_BYTES:
                continue
            check(folder)
            for file in files:
                write_bytes(other.path / file.name, file.read_bytes())
            used += size
        done.weights.append(run_id)


def _merged(cells: list[dict[str, Any]], reference: Store, suite: str) -> list[dict[str, Any]]:
    """Return the cells; one whose run has no records takes the run of an earlier plan that has.

    This happens when the suite was planned again with another number of threads.
    """
    earlier = read_json(Path(reference.suite(suite).path / "plan.json")) or {"cells": []}
    recorded = {
        (cell["variant"], cell["seed"]): cell
        for cell in earlier["cells"]
        if reference.run(cell["run_id"]).done()
    }
    return [
        cell
        if reference.run(cell["run_id"]).done()
        else recorded.get((cell["variant"], cell["seed"]), cell)
        for cell in cells
    ]
