"""The card of an exported net: how it was trained and how good it is."""

from typing import Any

from benchmark.records.provenance import machine_line
from benchmark.records.store import RunFolder
from benchmark.spec import RunSpec


def card(name: str, folder: RunFolder, spec: RunSpec, file: str, what: str) -> str:
    """Return the card in Markdown. ``what``: what its file is, and how to load it."""
    result, provenance = folder.result() or {}, folder.provenance()
    batches = f"{spec.schedule.iterations:,} of {spec.optimizer.batch_size} images"
    net = ", ".join(f"{field} {value}" for field, value in spec.model.stated().items())
    rows = {
        "net": net,
        "trained on": spec.dataset.name,
        "iterations": f"{batches}, seed {spec.seed}",
        "test error": _percent(result.get("final_error_percent")),
        "test error, top-5": _percent(result.get("final_top5_error_percent")),
        "training error": _percent(result.get("final_train_error_percent")),
        "parameters": f"{result['parameters']:,}" if result.get("parameters") else None,
        "run": folder.run_id,
        "weights (SHA-256)": result.get("final_weights_sha256"),
        "machine": machine_line(provenance) if provenance else None,
    }
    lines = "".join(f"| {name} | {value} |\n" for name, value in rows.items() if value)
    return f"""\
# {name}

| | |
|---|---|
{lines}
The error is that after the last epoch, on the whole test split.

- `{file}`: {what}
"""


def _percent(value: Any) -> str | None:
    return None if value is None else f"{value:.2f} %"
