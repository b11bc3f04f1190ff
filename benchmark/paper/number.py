"""What published and later numbers have in common: the quantity, and the runs behind it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Column = Literal[
    "multiply_adds",
    "parameters",
    "test_error_percent",
    "best_test_error_percent",
    "top1_error_percent",
    "top5_error_percent",
    "ap_percent",
    "ap50_percent",
    "map_percent",
    "true_class_localization_error_percent",
    "top5_localization_error_percent",
]
"""The metric. Localization errors are given the true class, or for the five best classes."""

View = Literal[
    "",
    "single view",
    "centre crop",
    "10-crop",
    "fully convolutional at 5 scales",
    "fully convolutional at several scales",
    "one scale",
    "several scales",
    "not stated",
]

NONE_IF_EMPTY = BeforeValidator(lambda text: None if text == "" else text)

Amount = Annotated[float, Field(ge=0)]

AmountIfAny = Annotated[Amount | None, NONE_IF_EMPTY]
"""An empty cell is None."""

SEVERAL = "several"
"""Stands for an unstated number of runs."""

_OF_SEVERAL = ("mean", "median", "best", "ensemble")

_SELECTED = (
    r"^(arithmetic|cited|unstated|single|"
    rf"({'|'.join(_OF_SEVERAL)})-of-(several|[1-9]\d+|[2-9]))$"
)

_WORDS = {
    "cited": "not stated where it is cited",
    "unstated": "not stated, one run assumed",
    "single": "one run",
}


class Row(BaseModel):
    """A row of a CSV file: frozen, with exactly its columns, and values parsed from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Number(Row):
    """A reported number and its source."""

    row: str = Field(min_length=1)
    """The net, and what distinguishes it in its table."""
    column: Column
    value: Amount
    sd: AmountIfAny
    """Standard deviation over the runs, if reported."""
    n: Annotated[Annotated[int, Field(ge=1)] | None, NONE_IF_EMPTY]
    """Number of runs behind the value, or nets in an ensemble; None if no run is, or if their
    number is not stated."""
    unit: Literal["percent", "count"]
    dataset: Literal[
        "cifar10", "cifar100", "imagenet", "imagenet-det", "coco2014", "voc2007", "voc2012"
    ]
    split: Literal["", "val", "val2", "test", "test-dev"]
    view: View
    """The view or views of an image."""
    trained_on: Literal[
        "",
        "train",
        "45k of train",
        "trainval",
        "train+val1",
        "07+12",
        "07++12",
        "COCO+07+12",
        "COCO+07++12",
    ]
    """The training images, as named by the source; empty if it does not say. ``07+12``: VOC 2007's
    and 2012's trainval; ``07++12``: VOC 2007's test images too; ``COCO+``: trained on COCO's
    trainval first. Whether the paper's ``train`` of CIFAR-10 is 50k or 45k images is ambiguous."""
    selected: str = Field(pattern=_SELECTED)
    """How the number was selected: ``arithmetic`` (not from a run), ``single`` (one run),
    ``unstated`` (taken as one run, as nothing else is said), ``cited`` (from elsewhere, without a
    word on its runs), ``mean-of-5``, ``median-of-5``, ``best-of-5``, ``ensemble-of-6``, or
    ``-of-several`` if the number of runs is not stated."""

    @property
    def is_best(self) -> bool:
        """Whether it is the best run's number."""
        return self._rule == "best"

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean of several runs."""
        return self._rule == "mean"

    @property
    def is_ensemble(self) -> bool:
        """Whether it is the number of an ensemble of nets."""
        return self._rule == "ensemble"

    @property
    def best_of(self) -> int | None:
        """The number of runs that it is the best of; None if it is not a best run's number, or if
        the source does not give their number."""
        return self.n if self.is_best else None

    @property
    def selection(self) -> str:
        """``selected`` in words: ``best of 5 runs``."""
        if self._rule not in _OF_SEVERAL:
            return _WORDS.get(self.selected, self.selected)
        of = "models" if self.is_ensemble else "runs"
        return f"{self._rule} of {self.n or SEVERAL} {of}"

    @property
    def _rule(self) -> str:
        return self.selected.partition("-of-")[0]

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        runs = self.selected.partition("-of-")[2]
        none = self.selected in ("arithmetic", "cited") or runs == SEVERAL
        expected = None if none else int(runs or 1)
        if self.n != expected:
            raise refuse("n", f"must be {expected} with selected {self.selected}", self.n)
        counted = self.selected == "arithmetic"
        for field, holds in (
            ("unit", (self.unit == "count") == counted),
            ("split", (self.split == "") == counted),
            ("view", (self.view == "") == counted),
            ("column", (self.column in ("multiply_adds", "parameters")) == counted),
        ):
            if not holds:
                rule = f"does not fit selected {self.selected}"
                raise refuse(field, rule, getattr(self, field))
        return self


def refuse(field: str, rule: str, received: Any) -> PydanticCustomError:
    """Return the error for a rule that involves several fields."""
    text = "{field} {rule}; received {received}"
    return PydanticCustomError(
        "rule", text, {"field": field, "rule": rule, "received": repr(received)}
    )
