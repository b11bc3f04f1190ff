"""Artifacts of a database file that was moved or copied together with them."""

import sqlite3
from contextlib import closing
from pathlib import Path


def point_to(file: Path, experiment: str, location: str) -> None:
    """Point an experiment, and its runs, to the artifacts next to its SQLite file; MLflow, which
    keeps absolute paths, would go on writing to where they were. Places that the user chose, which
    do not end as ``location`` does, stay."""
    end = "/".join(location.rsplit("/", 2)[1:])
    with closing(sqlite3.connect(file)) as database, database:
        found = database.execute(
            "SELECT artifact_location FROM experiments WHERE experiment_id = ?", [experiment]
        ).fetchone()
        if not found or found[0] == location or not (found[0] or "").endswith(f"/{end}"):
            return
        old = found[0]
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
            [location, experiment],
        )
        database.execute(
            "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
            "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
            [location, len(old) + 1, experiment, len(old) + 1, f"{old}/"],
        )
