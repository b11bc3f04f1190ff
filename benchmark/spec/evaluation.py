"""What a run is scored on, and how often."""

from typing import Literal

from pydantic import Field

from benchmark.spec.base import Spec


class EvaluationSpec(Spec):
    """The single view of each original 32x32 image (section 4.2)."""

    split: Literal["test", "validation"] = "test"
    """``validation``: the images that ``dataset.held_out_images`` keeps back."""

    every_epochs: int = Field(default=1, ge=1, le=10**9)
    """Epochs from one scoring to the next; the last epoch is always scored."""

    batch_size: int = Field(default=500, ge=1, le=65_536)
    """Images scored at a time."""
