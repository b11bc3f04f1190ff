"""What changes the bits of a result and is no part of the method."""

from typing import Literal

from pydantic import Field

from benchmark.spec.base import Spec


class NumericsSpec(Spec):
    """Precision and execution; each field changes the last bits, so each is in a run's id."""

    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """``mixed_bfloat16``: float32 variables, bfloat16 arithmetic."""

    threads: int = Field(default=2, ge=1, le=1024)
    """TensorFlow's threads within an operation."""

    deterministic: bool = True
    """Operations that have no deterministic form raise an error instead of being used."""

    xla: bool = False
    """Compile the training step with XLA."""
