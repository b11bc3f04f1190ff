"""The quantities that claims, tables and figures are about: a run that has ended has one value of
each."""

from dataclasses import dataclass
from typing import Literal

Metric = Literal[
    "test_error_percent",
    "best_test_error_percent",
    "train_error_percent",
    "validation_error_percent",
    "mean_response_std",
    "top1_error_percent",
    "top5_error_percent",
    "ap_percent",
    "ap50_percent",
    "ap75_percent",
    "map_percent",
]
"""As claims and published numbers name them."""


@dataclass(frozen=True)
class Measure:
    """Where a quantity stands, and how it is to be read."""

    column: str
    """Of the frame of runs; of what finished runs are tested by, what follows the protocol."""

    name: str
    """For people."""

    worst: float | None
    """What a run that diverged counts as, so that it is never dropped: the highest error, the
    lowest precision. None: such a run has no value, and no claim is judged with it."""

    of_detectors: bool = False
    """Else of classifiers."""

    @property
    def higher_is_better(self) -> bool:
        """Of precisions; of errors it is not."""
        return self.worst == 0


MEASURES: dict[Metric, Measure] = {
    "test_error_percent": Measure("final_error_percent", "error", 100.0),
    "best_test_error_percent": Measure("final_error_percent", "error", 100.0),
    "train_error_percent": Measure("final_train_error_percent", "train error", 100.0),
    "validation_error_percent": Measure(
        "final_validation_error_percent", "validation error", 100.0
    ),
    "mean_response_std": Measure("mean_response_std", "mean response", None),
    "top1_error_percent": Measure("top1_error_percent", "top-1 error", 100.0),
    "top5_error_percent": Measure("top5_error_percent", "top-5 error", 100.0),
    "ap_percent": Measure("final_ap_percent", "AP", 0.0, of_detectors=True),
    "ap50_percent": Measure("final_ap50_percent", "AP50", 0.0, of_detectors=True),
    "ap75_percent": Measure("final_ap75_percent", "AP75", 0.0, of_detectors=True),
    "map_percent": Measure("final_map_percent", "mAP", 0.0, of_detectors=True),
}
"""The best test error is taken over runs, not over epochs."""

ERROR, AP = MEASURES["test_error_percent"], MEASURES["ap_percent"]
"""The primary measure of classifiers, and of detectors."""
