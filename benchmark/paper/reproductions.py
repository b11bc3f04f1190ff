"""Numbers that others reported later, as listed in a paper's CSV file."""

import statistics
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from benchmark.paper.number import AmountIfAny, Number, refuse

_ROUNDING = 0.0051
"""Tolerance for means and standard deviations, which have two decimals."""


def _values(text: Any) -> Any:
    return tuple(text.split(";")) if text else ()


def _fields(text: Any) -> Any:
    pairs = [pair.partition("=")[::2] for pair in text.split(";")] if text else []
    if len({field for field, _ in pairs}) < len(pairs):
        raise ValueError("each field must occur once")
    return dict(pairs)


class Reproduced(Number):
    """A number that others reported later: context, never a target."""

    source: str = Field(min_length=1)
    url: str = Field(pattern="^https://")
    mean: AmountIfAny
    """Mean over the runs, if known; with ``sd`` and ``n``."""
    values: Annotated[tuple[float, ...], BeforeValidator(_values)]
    """One value per run, if known."""
    epoch: Literal["last", "best", "not stated"]
    """The epoch after which a run was scored; ``best`` is selected by the test error itself."""
    departures: Annotated[
        dict[
            Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+$")], Annotated[str, Field(min_length=1)]
        ],
        BeforeValidator(_fields),
    ]
    """Dotted field of a run's spec -> how it departs from the paper, as far as the source says. In
    the file: ``field=value``, separated by ``;``."""
    evidence: str = Field(min_length=1)
    """Who reported the number, and where."""

    @model_validator(mode="after")
    def _runs_fit(self) -> Self:
        if self.values:
            if len(self.values) != self.n:
                raise refuse("values", f"must be {self.n}, one per run", self.values)
            for field, of in (("mean", statistics.fmean), ("sd", statistics.stdev)):
                ours, stated = of(self.values), getattr(self, field)
                if stated is None or abs(stated - ours) > _ROUNDING:
                    raise refuse(field, f"must be that of the values ({ours:.2f})", stated)
        if self.is_mean and self.value != self.mean:
            raise refuse("mean", f"must be the value ({self.value})", self.mean)
        if (self.mean is None) != (self.sd is None):
            raise refuse("sd", "is stated with mean", self.sd)
        return self
