"""What a copy of a suite's records in a tracking server is, whichever server that is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmark.records.store import Store


class Mirror(Protocol):
    """One suite's copy. Sending the same again adds nothing."""

    experiment: str
    """What the server calls the suite."""

    def mirror(self, cell: dict[str, Any]) -> None:
        """Send what the journal of a cell's run has and was not sent before. ``cell``: variant,
        seed and run_id, as a plan keeps them."""

    def mirror_suite(self, note: str, artifacts: Sequence[Path], verdicts: str = "") -> None:
        """Send what a report says, and end the suite."""


def mirror_of(store: Store, suite: str, tracking_uri: str, *, rebuild: bool = False) -> Mirror:
    """The copy of a suite at a URI. ``rebuild``: delete what is there of it first. Another server
    than MLflow is one more class, chosen here by the URI's scheme."""
    from benchmark.tracking.mlflow_mirror import MlflowMirror

    return MlflowMirror(store, suite, tracking_uri, rebuild=rebuild)
