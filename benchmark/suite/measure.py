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
    "learning_rate",
    "gradient_norm_decades",
]
"""As claims and published numbers name them."""


@dataclass(frozen=True)
class Measure:
    """Where a quantity stands, and how it is to be read."""

    column: str
    """Of the frame of runs; of what finished runs are tested by, what follows the protocol. Empty
    where it is measured on the way alone."""

    name: str
    """For people."""

    ends: tuple[float, float] = (0.0, 100.0)
    """The lowest and the highest value there is: a run that was lost could have had either."""

    higher_is_better: bool = False
    """Of precisions; of errors it is not."""

    of_detectors: bool = False
    """Else of classifiers."""

    on_the_way: Literal["epochs", "layers"] | None = None
    """Where claims on iterations find it: in the frame of epochs, by its name, or made of that of
    layers; None where they are not offered."""


MEASURES: dict[Metric, Measure] = {
    "test_error_percent": Measure("final_error_percent", "error", on_the_way="epochs"),
    "best_test_error_percent": Measure("final_error_percent", "error"),
    "train_error_percent": Measure("final_train_error_percent", "train error", on_the_way="epochs"),
    "validation_error_percent": Measure("final_validation_error_percent", "validation error"),
    "mean_response_std": Measure("mean_response_std", "mean response", (0.0, 1000.0)),
    "top1_error_percent": Measure("top1_error_percent", "top-1 error"),
    "top5_error_percent": Measure("top5_error_percent", "top-5 error"),
    "ap_percent": Measure("final_ap_percent", "AP", higher_is_better=True, of_detectors=True),
    "ap50_percent": Measure("final_ap50_percent", "AP50", higher_is_better=True, of_detectors=True),
    "ap75_percent": Measure("final_ap75_percent", "AP75", higher_is_better=True, of_detectors=True),
    "map_percent": Measure("final_map_percent", "mAP", higher_is_better=True, of_detectors=True),
    "learning_rate": Measure("", "learning rate", (0.0, 10.0), on_the_way="epochs"),
    "gradient_norm_decades": Measure("", "gradient norms", (0.0, 80.0), on_the_way="layers"),
}
"""The best test error is taken over runs, not over epochs. The learning rate is that of an epoch's
last step. Gradient norms, in powers of ten: the common logarithm of the largest norm of a
convolution's gradient over the smallest; float32 has 80 of them."""

ERROR, AP = MEASURES["test_error_percent"], MEASURES["ap_percent"]
"""The primary measure of classifiers, and of detectors."""
