"""Records of runs that nobody trained: as whole as those of real ones, and made in milliseconds."""

from typing import Any

from benchmark.records.files import write_json
from benchmark.records.journal import Journal
from benchmark.records.result import summarize
from benchmark.records.store import RunFolder, Store
from benchmark.spec import RunSpec
from benchmark.suite import Cell

ITERATIONS = 64_000


def made_cell(
    variant: str | None = None,
    *,
    depth: int = 20,
    shortcut: str = "A",
    seed: int = 0,
    **fields: Any,
) -> Cell:
    """By default of ResNet-20 as the paper trains it; ``fields``: further parts of the spec."""
    model = {"stem": "cifar", "depth": depth, "shortcut": shortcut}
    spec = {"dataset": {"name": "cifar10"}, "model": model, "seed": seed} | fields
    kind = "plain" if shortcut == "none" else "resnet"
    return Cell(variant or f"{kind}{depth}", seed, RunSpec.model_validate(spec))


def record(store: Store, cell: Cell, **result: Any) -> RunFolder:
    """The records of a run that finished with a test error of 9 %; ``result``: what its result has
    otherwise."""
    folder = store.run(cell)
    folder.prepare(cell.spec)
    write_json(folder.path / "provenance.json", made_provenance())
    for old in (folder.journal, folder.path / "result.json"):
        old.unlink(missing_ok=True)
    error = result.get("final_error_percent", 9.0)
    journal = Journal(folder.journal)
    for event in _events(cell.spec, error, result.get("final_train_error_percent", 0.1)):
        journal.restore(event)
    status = result.get("status", "finished")
    folder.end(summarize(folder.events(), status) | result)
    return folder


def made_suite(store: Store, name: str, cells: list[Cell], claims: list[dict] | None = None):
    """The plan of a suite that asks for the cells."""
    plan = {
        **{"suite": name, "source": "Table 6, made up", "claims": claims or []},
        "cells": [
            {
                **{"variant": cell.variant, "seed": cell.seed, "run_id": cell.run_id},
                "spec": cell.spec.model_dump(mode="json"),
            }
            for cell in cells
        ],
    }
    write_json(store.suite(name).path / "plan.json", plan)


def a_result() -> dict[str, Any]:
    """As a finished run's result has it, of the fields that are compared."""
    return {
        **{"status": "finished", "epochs": 164, "iterations": ITERATIONS},
        **{"initial_weights_sha256": "a" * 64, "final_weights_sha256": "c" * 64},
        **{"final_error_percent": 9.0, "final_train_error_percent": 0.1},
    }


def made_provenance() -> dict[str, Any]:
    """Of a made-up machine."""
    return {
        **{"git_commit": "0" * 40, "git_dirty": False, "python": "3.11.9", "flags": {}},
        **{"versions": {"tensorflow": "2.21.0"}, "system": "Linux x86_64"},
        **{"processor": "made-up avx2", "cores": 2, "memory_gib": 8.0},
    }


def _events(spec: RunSpec, error: float | None, train_error: float) -> list[dict[str, Any]]:
    """Errors fall from 60 to the last in four epochs."""
    end, epochs = spec.schedule.iterations, 4
    events = [
        {"event": "start", "attempt": 1, "time": 0.0},
        {
            **{"event": "built", "parameters": 270_000, "multiply_adds": 41_000_000, "time": 1.0},
            **{"initial_weights_sha256": "a" * 64, "dataset_sha256": "d" * 64, "device": "CPU"},
        },
    ]
    for epoch in range(1, epochs + 1):
        share = 1 - epoch / epochs
        stds = {f"conv{place}": 1.0 - 0.5 * place / 9 + 0.1 * (place % 2) for place in range(1, 10)}
        events.append(
            {
                **{"event": "epoch", "epoch": epoch, "iteration": end * epoch // epochs},
                **{"weights_sha256": f"{epoch:064x}", "learning_rate": 0.1},
                "train_error_percent": train_error + 60 * share,
                "test_error_percent": None if error is None else error + 50 * share,
                **{"train_time_s": 25.0, "images_per_s": 100.0, "time": 100.0 * epoch},
                **({"layers": {str(end): {"response_stds": stds}}} if epoch == epochs else {}),
            }
        )
    last = {"event": "end", "status": "finished", "iteration": end, "peak_memory_mib": 900.0}
    return [*events, last | {"final_weights_sha256": f"{4:064x}", "time": 401.0}]
