"""The errors of ensembles of a suite's runs, stored next to the suite's plan."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmark.records.files import read_json, write_json
from benchmark.records.store import RunFolder, Store
from benchmark.status import DONE, Status
from benchmark.suite.claims import Claim, PublishedClaim, ensemble_name

ERRORS = ("top1_error_percent", "top5_error_percent")


class Ensemble(NamedTuple):
    """The runs of some variants with one seed: either all are finished and tested by one protocol,
    or some diverged."""

    variant: str
    """The ensemble's name."""
    seed: int
    protocol: str
    folders: list[RunFolder]
    diverged: bool

    @property
    def key(self) -> dict[str, Any]:
        """Everything that the ensemble's errors depend on."""
        tested = [folder.tested()[self.protocol] for folder in self.folders]
        return {
            "variant": self.variant,
            "seed": self.seed,
            "protocol": self.protocol,
            "weights_sha256": [each["weights_sha256"] for each in tested],
            "dataset_sha256": [each["dataset_sha256"] for each in tested],
        }


def ensembles(store: Store, suite: str, claims: Sequence[Claim]) -> Iterator[Ensemble]:
    """Yield the ensembles named in the claims whose runs have ended and were tested."""
    published = [claim for claim in claims if isinstance(claim, PublishedClaim)]
    asked = dict.fromkeys((c.ensemble, c.protocol) for c in published if c.ensemble and c.protocol)
    if not asked:  # A plan may be long.
        return
    plan = store.suite(suite).plan()
    runs = {(cell["variant"], cell["seed"]): cell["run_id"] for cell in plan["cells"]}
    seeds = dict.fromkeys(seed for _, seed in runs)
    for variants, protocol in asked:
        for seed in seeds:
            folders = [store.run(runs[variant, seed]) for variant in variants]
            ended = [folder.status() for folder in folders]
            tested = all(protocol in folder.tested() for folder in folders)
            diverged = Status.DIVERGED in ended
            if {*ended} <= {*DONE} and (tested or diverged):
                yield Ensemble(ensemble_name(variants), seed, protocol, folders, diverged)


def save_errors(store: Store, suite: str, found: Sequence[tuple[Ensemble, dict[str, Any]]]) -> None:
    """Save the errors of each ensemble."""
    rows = [ensemble.key | errors for ensemble, errors in found]
    write_json(store.suite(suite).path / "ensembles.json", rows)


def errors_of(store: Store, suite: str, ensemble: Ensemble) -> dict[str, Any] | None:
    """Return an ensemble's saved errors; None if there are none for these weights and images."""
    rows = read_json(store.suite(suite).path / "ensembles.json") or []
    key = ensemble.key
    found = (row for row in rows if {name: row.get(name) for name in key} == key)
    return next(found, None)


def load_ensembles(store: Store, suite: str, claims: Sequence[Claim]) -> pd.DataFrame:
    """Return a row per ensemble that has errors or in which a run diverged.

    Columns: variant, seed, status and, as in the frame of runs, ``PROTOCOL.top1_error_percent``
    and ``PROTOCOL.top5_error_percent``.
    """
    rows = []
    for ensemble in ensembles(store, suite, claims):
        row = {"variant": ensemble.variant, "seed": ensemble.seed}
        if ensemble.diverged:
            rows.append(row | {"status": Status.DIVERGED})
        elif kept := errors_of(store, suite, ensemble):
            errors = error_columns(ensemble.protocol, kept)
            rows.append(row | {"status": Status.FINISHED} | errors)
    return pd.DataFrame(rows, columns=None if rows else ["variant", "seed", "status"])


def error_columns(protocol: str, errors: Mapping[str, Any]) -> dict[str, float]:
    """Return a test's errors by their columns in a frame: ``PROTOCOL.top1_error_percent``."""
    return {
        f"{protocol}.{name}": np.nan if errors[name] is None else errors[name] for name in ERRORS
    }
