"""Every quantity that is measured of a run, once. Records, tables, figures, MLflow, the progress
line and claims read it here: a new one is a row of this table, and the line that measures it."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class Metric:
    """What it is called where, and how it is read."""

    key: str
    """In an epoch's row of the journal, in ``load_curves`` and in MLflow; empty where it
    is not measured by epoch."""

    label: str
    """For people, in tables and figures."""

    unit: str = ""

    better: Literal["lower", "higher"] | None = None

    ends: tuple[float, float] = (0.0, 100.0)
    """The lowest and the highest value there is: a run that was lost could have had either."""

    result: str = ""
    """Its column of ``load_runs``, with the last epoch's value; of tests by a protocol, what
    follows the protocol's name there. Empty where it is measured on the way alone."""

    claim: str = ""
    """What claims and published numbers call it."""

    by_iteration: Literal["epochs", "layers"] | None = None
    """Where claims on iterations find it: in the frame of epochs, by its name, or made of that of
    layers; None where they are not offered."""

    of_detectors: bool = False
    """Else of classifiers, or of both."""

    usual: bool = False
    """A column of ``load_curves`` even where no row has it."""

    said: str = ""
    """How the progress line says it."""

    @property
    def higher_is_better(self) -> bool:
        """Of precisions; of errors it is not."""
        return self.better == "higher"


_error = partial(Metric, unit="%", better="lower")
_precision = partial(Metric, unit="%", better="higher", of_detectors=True)

METRICS = (
    Metric(
        "learning_rate",
        "learning rate",
        ends=(0.0, 10.0),
        claim="learning_rate",
        by_iteration="epochs",
        usual=True,
    ),
    _error(
        "train_error_percent",
        "train error",
        result="final_train_error_percent",
        claim="train_error_percent",
        by_iteration="epochs",
        usual=True,
        said="train error {:.2f} %",
    ),
    Metric("train_loss", "train loss", usual=True, said="train loss {:.3f}"),
    Metric("train_objectness_loss", "train loss of objectness", of_detectors=True),
    Metric("train_proposals_loss", "train loss of proposals", of_detectors=True),
    Metric("train_classes_loss", "train loss of classes", of_detectors=True),
    Metric("train_boxes_loss", "train loss of boxes", of_detectors=True),
    _error(
        "test_error_percent",
        "error",
        result="final_error_percent",
        claim="test_error_percent",
        by_iteration="epochs",
        usual=True,
        said="test error {:.2f} %",
    ),
    _error("test_top5_error_percent", "top-5 error", result="final_top5_error_percent"),
    Metric("test_loss", "test loss"),
    _error(
        "validation_error_percent",
        "validation error",
        result="final_validation_error_percent",
        claim="validation_error_percent",
        usual=True,
        said="validation error {:.2f} %",
    ),
    _error("validation_top5_error_percent", "validation top-5 error"),
    Metric("validation_loss", "validation loss"),
    # COCO's average precisions, and VOC's mean average precision.
    _precision(
        "test_ap_percent",
        "AP",
        result="final_ap_percent",
        claim="ap_percent",
        usual=True,
        said="test AP {:.2f} %",
    ),
    _precision(
        "test_ap50_percent", "AP50", result="final_ap50_percent", claim="ap50_percent", usual=True
    ),
    _precision("test_ap75_percent", "AP75", result="final_ap75_percent", claim="ap75_percent"),
    _precision("test_ap_small_percent", "AP small", result="final_ap_small_percent"),
    _precision("test_ap_medium_percent", "AP medium", result="final_ap_medium_percent"),
    _precision("test_ap_large_percent", "AP large", result="final_ap_large_percent"),
    _precision("test_map_percent", "mAP", result="final_map_percent", claim="map_percent"),
    Metric("gradient_norm", "gradient norm"),
    Metric("images_per_s", "images/s", better="higher", usual=True),
    Metric("loss_scale", "loss scale"),
    Metric("skipped_steps", "skipped steps"),
)
"""Those of an epoch, in the order in which they are told."""

_OF_RUNS = (
    # Over runs, not over epochs: the paper's "best of five".
    _error("", "error", result="final_error_percent", claim="best_test_error_percent"),
    Metric(
        "",
        "mean response",
        ends=(0.0, 1000.0),
        result="mean_response_std",
        claim="mean_response_std",
    ),
    # The common logarithm of the largest norm of a convolution's gradient over the smallest;
    # float32 has 80 powers of ten.
    Metric(
        "",
        "gradient norms",
        ends=(0.0, 80.0),
        claim="gradient_norm_decades",
        by_iteration="layers",
    ),
)

_BY_PROTOCOL = (
    _error("", "top-1 error", result="top1_error_percent", claim="top1_error_percent"),
    _error("", "top-5 error", result="top5_error_percent", claim="top5_error_percent"),
)

BY_CLAIM = {each.claim: each for each in (*METRICS, *_OF_RUNS, *_BY_PROTOCOL) if each.claim}
BY_PROTOCOL = tuple(each.claim for each in _BY_PROTOCOL)
"""Claims that are about a test of finished runs."""

ERROR, AP = BY_CLAIM["test_error_percent"], BY_CLAIM["ap_percent"]
"""The primary metric of classifiers, and of detectors."""

if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(BY_CLAIM)]
"""As claims and published numbers name a metric."""
