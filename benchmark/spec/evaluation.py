"""How often, and in what batches, a run is scored."""

from pydantic import Field

from benchmark.spec.base import Spec


class EvaluationSpec(Spec):
    """Scoring on a single view of each image of the test split and of the held-out images, if any
    (section 4.2)."""

    every_epochs: int = Field(default=1, ge=1, le=10**9)
    """Epochs between scorings; the last epoch is always scored."""

    batch_size: int = Field(default=500, ge=1, le=65_536)
    """Images scored at a time."""
