"""Any ResNet or plain net of the paper, and the choices that the paper leaves open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from benchmark.spec.base import TOLD, UNSIGNED, Ints, refuse
from benchmark.spec.cifar import CifarSpec
from benchmark.spec.net import BatchNormSpec, NetSpec
from benchmark.spec.photographs import PhotographsSpec

if TYPE_CHECKING:
    from benchmark.spec.run import RunSpec

LAYERS_PER_BLOCK = {"single": 1, "basic": 2, "bottleneck": 3}
"""Weighted layers on a block's residual branch."""

EXPANSION = {"single": 1, "basic": 1, "bottleneck": 4}
"""A block's output channels divided by its stage's width."""

IMAGENET_STAGES = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
"""Depth -> block and blocks per stage (table 1)."""

WIDTHS = {"cifar": (16, 32, 64), "imagenet": (64, 128, 256, 512)}
"""Stem -> the stages' widths (section 4.2, table 1)."""

LARGEST_CIFAR_INPUT = 64
"""Pixels per side. The stem for small images does not reduce their size before the stages, so
larger ones would cost far more than intended."""

MAX_DEPTH, MAX_WIDTH, MAX_STAGES = 10_000, 65_536, 16
"""Far beyond what is trained: a mistyped number is rejected at once, not counted layer by layer."""


class ResidualSpec(NetSpec):
    """Stages of blocks, each with or without a shortcut.

    ``depth`` alone is enough for the papers' nets; other nets state ``block``, ``stage_blocks``
    and ``stage_widths``, from which their depth follows. What is left out is filled in, so two
    ways to state the same net give the same spec.
    """

    stem: Literal["cifar", "imagenet"]
    """``cifar``: 3x3 convolution; ``imagenet``: 7x7 at stride 2, then 3x3 max-pooling at
    stride 2."""

    depth: int = Field(ge=1, le=MAX_DEPTH)
    """Weighted layers from the stem to the classifier, not counting projections."""

    block: Literal["single", "basic", "bottleneck"]
    """One 3x3 convolution (section 3.2, and "1 layer skip" of the second paper), two of them, or
    1x1, 3x3, 1x1 (figure 5)."""

    stage_blocks: Ints = Field(min_length=1, max_length=MAX_STAGES)
    """Blocks in each stage."""

    stage_widths: Ints = Field(min_length=1, max_length=MAX_STAGES)
    """Filters of the 3x3 convolutions in each stage; the first is the stem's as well."""

    shortcut: Literal["none", "A", "B", "C"]
    """``none``: a plain net. A: subsampling and zero channels; B: a projection where the shape
    changes; C: a projection on every shortcut (section 3.3 and table 3)."""

    zero_pad: Literal["end", "both"] | None = None
    """Only for option A: zero channels after the copied ones, or half of them on each side. The
    paper does not say; ``end`` if left out."""

    subsampling: Literal["stride", "mean"] | None = None
    """Only for option A: every second pixel, or the mean of each 2x2. The paper says a stride of 2;
    ``stride`` if left out."""

    bottleneck_stride: Literal["1x1", "3x3"] | None = None
    """Only for bottlenecks: which convolution has the stage's stride. The first 1x1 is the paper's
    and the default; the 3x3 is called v1.5."""

    batch_norm: BatchNormSpec | None = BatchNormSpec()
    """Batch normalisation; ``null`` for a net without it."""

    conv_bias: bool = False
    """Biases on the convolutions."""

    dropout_rate: Annotated[float, Field(ge=0, lt=1), UNSIGNED] = 0.0
    """Dropout before the classifier, on the pooled features. The paper uses none."""

    initializer: Literal["he-fan-in", "he-fan-out", "glorot-uniform", "gaussian"] = "he-fan-in"
    """Initializer of the kernels. ``he-fan-in`` is an untruncated normal with variance 2 / fan-in
    (the paper's [13])."""

    classifier_initializer: Literal["same", "glorot-uniform", "torch-uniform", "gaussian"] = "same"
    """Initializer of the classifier's kernel, on which the paper is silent. ``same``: as the
    others; ``torch-uniform``: uniform within 1 / sqrt(fan-in), Torch's default; ``gaussian``: with
    a standard deviation of 0.01."""

    initializer_stddev: float | None = Field(default=None, gt=0)
    """Only for ``gaussian``: its standard deviation."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """Fill in what the given fields imply; errors are left to the fields' checks."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        stem, depth, block = data.get("stem"), data.get("depth"), data.get("block")
        if _names(stem, WIDTHS):
            data.setdefault("stage_widths", WIDTHS[stem])
        stages = data.get("stage_blocks")
        if isinstance(depth, int) and "stage_blocks" not in data and _names(stem, WIDTHS):
            block, stages = _stages_of(stem, depth, block)
            data.update(block=block, stage_blocks=stages)
        elif "depth" not in data and _names(block, LAYERS_PER_BLOCK) and _integers(stages):
            data["depth"] = _depth(block, stages)
            if data["depth"] > MAX_DEPTH:
                raise refuse("stage_blocks", f"a net has at most {MAX_DEPTH} layers", stages)
        if data.get("shortcut") == "A":
            for field, usual in _OPTION_A.items():
                data[field] = usual if data.get(field) is None else data[field]
        if data.get("block") == "bottleneck" and data.get("bottleneck_stride") is None:
            data["bottleneck_stride"] = "1x1"
        return data

    @model_validator(mode="after")
    def _fields_fit(self) -> "ResidualSpec":
        if min(self.stage_blocks) < 1:
            raise refuse("stage_blocks", "each stage has at least one block", self.stage_blocks)
        if not 1 <= min(self.stage_widths) <= max(self.stage_widths) <= MAX_WIDTH:
            rule = f"each width is 1 to {MAX_WIDTH}"
            raise refuse("stage_widths", rule, self.stage_widths)
        if len(self.stage_blocks) != len(self.stage_widths):
            rule = f"must name as many stages as stage_blocks, {len(self.stage_blocks)}"
            raise refuse("stage_widths", rule, self.stage_widths)
        implied = _depth(self.block, self.stage_blocks)
        if self.depth != implied:
            rule = f"must be {implied}, which block and stage_blocks imply"
            raise refuse("depth", rule, self.depth)
        for field in _OPTION_A:
            if self.shortcut != "A" and (received := getattr(self, field)) is not None:
                raise refuse(field, "applies only to shortcut A", received)
        if self.bottleneck_stride is not None and self.block != "bottleneck":
            rule = "applies only to bottleneck blocks"
            raise refuse("bottleneck_stride", rule, self.bottleneck_stride)
        if (self.initializer == "gaussian") != (self.initializer_stddev is not None):
            rule = "is stated with initializer gaussian, and with no other"
            raise refuse("initializer_stddev", rule, self.initializer_stddev)
        if self.shortcut == "none" and self.batch_norm and self.batch_norm.zero_gamma:
            rule = "a plain net whose branches start at zero passes nothing on; must be false"
            raise refuse("batch_norm.zero_gamma", rule, True)
        if self.shortcut == "A":
            self._refuse_option_a_where_channels_shrink()
        return self

    def _refuse_option_a_where_channels_shrink(self) -> None:
        channels = self.stage_widths[0]
        for stage, width in enumerate(self.stage_widths, start=1):
            out = width * EXPANSION[self.block]
            if out < channels:
                rule = f"A cannot shrink channels, as stage {stage} does ({channels} to {out})"
                raise refuse("shortcut", rule, self.shortcut)
            channels = out

    @property
    def norm(self) -> BatchNormSpec | None:
        """Its batch normalisation, if it has any."""
        return self.batch_norm

    def without_dropout(self) -> Self:
        """Return the same net without dropout."""
        return self.model_copy(update={"dropout_rate": 0.0})

    def refuse_unfit(self, run: "RunSpec") -> None:
        """Raise if the images' size does not fit the stem."""
        dataset = run.dataset
        if isinstance(dataset, CifarSpec) and self.stem == "imagenet":
            rule = f"must be cifar for {dataset.name}'s images of 32x32 pixels"
            raise refuse("model.stem", rule, self.stem)
        small = not isinstance(dataset, PhotographsSpec) or dataset.crop_size <= LARGEST_CIFAR_INPUT
        if self.stem == "cifar" and not small:
            rule = f"must be imagenet for crops above {LARGEST_CIFAR_INPUT} pixels"
            raise refuse("model.stem", f"{rule} ({dataset.image_shape[0]})", self.stem)


class ResNetSpec(ResidualSpec):
    """A plain or residual net of the first paper."""

    applications: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        f"ResNet{depth}": {
            "family": "resnet",
            "stem": "imagenet",
            "depth": depth,
            "shortcut": "B",
            "bottleneck_stride": "1x1",
            "conv_bias": True,
            "batch_norm": BatchNormSpec(epsilon=1.001e-5),
        }
        for depth in (50, 101, 152)
    }

    family: Annotated[Literal["resnet"], TOLD] = "resnet"

    @property
    def name(self) -> str:
        """``plain20`` or ``resnet20-A``."""
        plain = self.shortcut == "none"
        return f"plain{self.depth}" if plain else f"resnet{self.depth}-{self.shortcut}"

    @property
    def titles(self) -> tuple[str, ...]:
        """``ResNet-34`` and ``ResNet-34 A``, or ``plain-34``."""
        if self.shortcut == "none":
            return (f"plain-{self.depth}",)
        return f"ResNet-{self.depth}", f"ResNet-{self.depth} {self.shortcut}"


_OPTION_A = {"zero_pad": "end", "subsampling": "stride"}
"""Fields of shortcut A, and their values if left out."""


def _depth(block: str, stage_blocks: tuple[int, ...]) -> int:
    return 2 + LAYERS_PER_BLOCK[block] * sum(stage_blocks)


def _names(value: Any, table: Mapping[str, Any]) -> bool:
    return isinstance(value, str) and value in table


def _integers(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, int) for item in value)


def _stages_of(stem: str, depth: int, block: Any) -> tuple[str, tuple[int, ...]]:
    """Return the block and the blocks per stage for a depth, by the paper's rules."""
    if stem == "imagenet":
        if depth not in IMAGENET_STAGES:
            rule = f"must be one of {list(IMAGENET_STAGES)} (table 1), or stage_blocks be stated"
            raise refuse("depth", rule, depth)
        usual, stages = IMAGENET_STAGES[depth]
        return (usual if block is None else block), stages
    block = "basic" if block is None else block
    layers = 3 * LAYERS_PER_BLOCK[block if _names(block, LAYERS_PER_BLOCK) else "basic"]
    blocks, rest = divmod(depth - 2, layers)
    if rest or blocks < 1:
        kind = f"a CIFAR net of {block} blocks"
        raise refuse("depth", f"must be {layers}n+2, n at least 1, for {kind}", depth)
    return block, (blocks,) * 3
