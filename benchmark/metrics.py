"""The metrics of a run, each defined once. Records, tables, figures, MLflow, the progress line
and claims all use this table: a new metric takes one row here and the line that measures it."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class Metric:
    """The names of a metric, and how to read its values."""

    key: str
    """Key in an epoch's row of the journal, in ``load_curves`` and in MLflow; empty if it is
    not measured every epoch."""

    label: str
    """Label in tables and figures."""

    unit: str = ""

    better: Literal["lower", "higher"] | None = None

    ends: tuple[float, float] = (0.0, 100.0)
    """The lowest and highest possible values; a lost run could have had either."""

    result: str = ""
    """Its column of ``load_runs``, with the last epoch's value; for tests by a protocol, the part
    after the protocol's name. Empty if it is only measured during training."""

    claim: str = ""
    """Its name in claims and published numbers."""

    by_iteration: Literal["epochs", "layers"] | None = None
    """Where claims about iterations find it: in the frame of epochs, under its name, or computed
    from the frame of layers; None if no such claims are possible."""

    of_detectors: bool = False
    """Whether it is for detectors only; otherwise it is for classifiers, or for both."""

    usual: bool = False
    """Whether it is a column of ``load_curves`` even if no row has it."""

    said: str = ""
    """Its format in the progress line."""


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
"""The metrics of an epoch, in display order."""

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
"""The names of metrics in claims about a test of finished runs."""

ERROR, AP = BY_CLAIM["test_error_percent"], BY_CLAIM["ap_percent"]
"""The primary metric of classifiers, and of detectors."""

if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(BY_CLAIM)]
"""Name in claims and published numbers -> metric."""
