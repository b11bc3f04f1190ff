"""The nets of "Identity Mappings in Deep Residual Networks" (arXiv 1603.05027)."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, UNSIGNED, Spec, refuse, tag, told_by
from benchmark.spec.resnet import ResidualSpec

if TYPE_CHECKING:
    from benchmark.spec.run import RunSpec

PREACTIVATED = ("relu-only-preactivation", "full-preactivation")
"""Orders in which activations precede the convolutions."""

UNNORMALIZED_BRANCH = ("bn-after-addition", "full-preactivation")
"""Orders in which the residual branch does not end with batch normalisation."""


class ScaledShortcut(Spec):
    """Constant factors on the shortcut and the residual branch (Table 1, constant scaling)."""

    kind: Annotated[Literal["constant-scaling"], TOLD]

    shortcut: Annotated[float, Field(ge=0, le=1), UNSIGNED] = 0.5

    residual: Annotated[float, Field(ge=0, le=1), UNSIGNED] = 0.5


class GatedShortcut(Spec):
    """The shortcut times 1 - g, where g is a 1x1 convolution of the unit's input, with biases,
    followed by a sigmoid (Table 1, exclusive and shortcut-only gating).

    The paper does not say what a gate does where the shape changes: here its convolution has the
    unit's stride and output channels. Nor does it say whether a gate is batch-normalised, which
    would cancel its biases: here it is not."""

    kind: Annotated[Literal["gating"], TOLD]

    exclusive: bool = True
    """Also multiply the residual branch by g."""

    initial_bias: float = -6.0
    """Initial bias of all gates; the paper's best value."""


class DroppedShortcut(Spec):
    """Dropout on the output of the shortcut (Table 1)."""

    kind: Annotated[Literal["dropout"], TOLD]

    rate: float = Field(default=0.5, gt=0, lt=1)


_ShortcutField = Annotated[
    Annotated[ScaledShortcut, tag("constant-scaling")]
    | Annotated[GatedShortcut, tag("gating")]
    | Annotated[DroppedShortcut, tag("dropout")],
    *told_by("kind", ("constant-scaling", "gating", "dropout"), lambda data: None),
]


class PreactivationSpec(ResidualSpec):
    """A residual net whose units follow one of the orders of Table 2, with one of the shortcuts of
    Table 1. For a 1x1 convolution on every shortcut, use ``shortcut`` C."""

    family: Annotated[Literal["preactivation-resnet"], TOLD]

    order: Literal[
        "original",
        "bn-after-addition",
        "relu-before-addition",
        "relu-only-preactivation",
        "full-preactivation",
    ] = "full-preactivation"
    """Where batch normalisation and ReLU are placed (Figure 4). A pre-activation net has the stem's
    own before the first unit, and another after the last one (its appendix). There, projections
    take the activated input, and are followed by batch normalisation where the other convolutions
    are."""

    on_shortcut: _ShortcutField | None = None
    """Operation on every shortcut, whatever the kind of ``shortcut`` (Figure 2)."""

    @property
    def name(self) -> str:
        """``resnet110-A-full-preactivation``."""
        done = f"-{self.on_shortcut.kind}" if self.on_shortcut else ""
        return f"resnet{self.depth}-{self.shortcut}-{self.order}{done}"

    @property
    def titles(self) -> tuple[str, ...]:
        """``ResNet-110 full-preactivation``, ``ResNet-110 (1 layer skip) original``."""
        skip = " (1 layer skip)" if self.block == "single" else ""
        named = self.on_shortcut is None and self.shortcut != "C"
        return (f"ResNet-{self.depth}{skip} {self.order}",) if named else ()

    @model_validator(mode="after")
    def _units_fit(self) -> "PreactivationSpec":
        if self.shortcut == "none":
            raise refuse("shortcut", "must be A, B or C: a plain net is of family resnet", "none")
        if self.batch_norm is None and self.order == "bn-after-addition":
            raise refuse("order", "must be another without batch_norm", self.order)
        zero = self.batch_norm is not None and self.batch_norm.zero_gamma
        if zero and self.order in UNNORMALIZED_BRANCH:
            rule = f"must be false with order {self.order}, whose branches end in a convolution"
            raise refuse("batch_norm.zero_gamma", rule, True)
        return self

    def without_dropout(self) -> Self:
        """Return the same net without dropout."""
        dropped = isinstance(self.on_shortcut, DroppedShortcut)
        kept = super().without_dropout()
        return kept.model_copy(update={"on_shortcut": None}) if dropped else kept

    def refuse_unfit(self, run: "RunSpec") -> None:
        """Raise if it is a detector's backbone, or pretrained other than by a run."""
        super().refuse_unfit(run)
        if run.detector:
            raise refuse("model.family", "of a detector must be another", self.family)
        if run.pretrained and run.pretrained.source != "run":
            rule = f"must be run for {self.family}"
            raise refuse("pretrained.source", rule, run.pretrained.source)
