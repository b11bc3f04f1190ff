"""The interface of every family of nets."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, UNSIGNED, Spec, refuse

if TYPE_CHECKING:
    from benchmark.spec.run import RunSpec


class BatchNormSpec(Spec):
    """Batch normalisation after each convolution, before the nonlinearity (section 3.4)."""

    momentum: Annotated[float, Field(ge=0, lt=1), UNSIGNED] = 0.9
    """The fraction of the old moving statistic that is kept (PyTorch's is one minus this)."""

    epsilon: float = Field(default=1e-5, gt=0)
    """Added to the variance."""

    zero_gamma: bool = False
    """The last scale of each residual branch starts at 0 instead of 1 (not in the paper)."""

    statistics: Literal["moving", "recomputed"] = "moving"
    """The statistics of a trained net. ``recomputed``: after training, exact averages over training
    images, as the authors' release says of theirs; until then, moving averages. For classifiers the
    paper does not say; for detectors appendix A does."""

    statistics_batches: int | None = Field(default=None, ge=1, le=10**6)
    """Only for ``recomputed``: the number of batches of training images, augmented as in training;
    100 by default."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("statistics") != "recomputed":
            return data
        stated = data.get("statistics_batches")
        return data if stated is not None else {**data, "statistics_batches": 100}

    @model_validator(mode="after")
    def _fields_fit(self) -> "BatchNormSpec":
        if self.statistics_batches is not None and self.statistics != "recomputed":
            raise refuse(
                "statistics_batches", "applies only to recomputed", self.statistics_batches
            )
        return self


class NetSpec(Spec):
    """A net of some family. Its ``family`` is also the family's name in ``models.families``."""

    applications: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Net of keras.applications -> the fields of the net that its weights fit."""

    implied_detector: ClassVar[Mapping[str, Any]] = {}
    """Fields of the detector, if left out, when this net is its backbone."""

    measures_layers: ClassVar[bool] = True
    """Whether ``diagnostics`` can measure its layers."""

    family: Annotated[str, TOLD]

    @property
    def name(self) -> str:
        """The name in file names and variants: ``resnet20-A``."""
        raise NotImplementedError

    @property
    def titles(self) -> tuple[str, ...]:
        """The names it may have in papers' tables: ``ResNet-34``, ``ResNet-34 A``."""
        raise NotImplementedError

    @property
    def norm(self) -> BatchNormSpec | None:
        """Its batch normalisation, if it has any."""
        return None

    def without_dropout(self) -> Self:
        """Return the same net without dropout."""
        return self

    def refuse_unfit(self, run: "RunSpec") -> None:
        """Raise if the rest of a run does not fit this net."""
