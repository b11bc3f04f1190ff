"""The interface of a copy of a suite's records in a tracking server."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmark.records.store import Store


class Mirror(Protocol):
    """A copy of one suite's records. Sending the same again adds nothing."""

    experiment: str
    """The server's id for the suite."""

    def mirror(self, cell: dict[str, Any]) -> None:
        """Send what is new in the journal of a cell's run. ``cell``: variant, seed and run_id, as
        in a plan."""

    def mirror_suite(self, note: str, artifacts: Sequence[Path], verdicts: str = "") -> None:
        """Send a report's content, and mark the suite as ended."""


def mirror_of(store: Store, suite: str, tracking_uri: str, *, rebuild: bool = False) -> Mirror:
    """Return the copy of a suite at a URI. ``rebuild``: first delete what is there. A server other
    than MLflow would be another class, chosen here by the URI's scheme."""
    from benchmark.tracking.mlflow_mirror import MlflowMirror

    return MlflowMirror(store, suite, tracking_uri, rebuild=rebuild)
