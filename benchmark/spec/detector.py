"""Faster R-CNN with the paper's settings. Where the paper (appendix A) is silent it follows
[Faster], S. Ren et al., "Faster R-CNN", 2015, and [Fast], R. Girshick, "Fast R-CNN", 2015; where
those are silent too, their authors' own code, py-faster-rcnn."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from benchmark.spec.base import UNSIGNED, Ints, Spec, refuse

Positives = Annotated[tuple[Annotated[float, Field(gt=0, le=1e5)], ...], Field(strict=False)]
"""A tuple of numbers above 0; a YAML or JSON list is accepted."""

Share = Annotated[float, Field(ge=0, le=1), UNSIGNED]
"""0 to 1: an intersection over union, or a fraction of the boxes."""

MAX_BOXES = 1_000_000

_SIDES = 32, 4096
"""The least and the most that an image's shorter side may be scaled to, in pixels."""


class AnchorSpec(Spec):
    """The boxes relative to which proposals are predicted, the same at each feature position."""

    scales: Positives = Field(default=(128.0, 256.0, 512.0), min_length=1, max_length=16)
    """Square roots of their areas, in pixels of the scaled image ([Faster], section 3.1.1)."""

    ratios: Positives = Field(default=(0.5, 1.0, 2.0), min_length=1, max_length=16)
    """Their heights over their widths ([Faster], section 3.1.1)."""


class RpnSpec(Spec):
    """The region proposal network, and how it is trained ([Faster], section 3.1)."""

    channels: int = Field(default=512, ge=1, le=65_536)
    """Filters of its 3x3 convolution. 512 is [Faster]'s for VGG-16."""

    positive_iou: Share = 0.7
    """An anchor that overlaps a true box by at least this much is positive; so is the anchor that
    overlaps each true box the most."""

    negative_iou: Share = 0.3
    """An anchor that overlaps every true box by less is negative; those in between are ignored."""

    batch: int = Field(default=256, ge=1, le=MAX_BOXES)
    """Anchors per image in the loss."""

    positive_share: Share = 0.5
    """The most of them that are positive; negative ones fill the rest."""

    inside_only: bool = True
    """Do not train on anchors that cross the image's border. If objects are about as large as the
    image, few anchors are left; but without it, anchors in a batch's padding count as background,
    too: state ``dataset.padding: by-orientation``."""

    box_weight: float = Field(default=10.0, gt=0)
    """The lambda of [Faster], equation 1. As there, the regression term is divided by the number of
    anchor positions."""

    @model_validator(mode="after")
    def _fields_fit(self) -> "RpnSpec":
        if self.negative_iou > self.positive_iou:
            rule = f"must not be above positive_iou, {self.positive_iou}"
            raise refuse("negative_iou", rule, self.negative_iou)
        return self


class ProposalSpec(Spec):
    """Selection of the RPN's boxes ([Faster], sections 3.3 and 4)."""

    train_before_nms: int = Field(default=12_000, ge=1, le=MAX_BOXES)
    """Highest-scoring boxes before suppression. Not in the papers."""

    train_count: int = Field(default=2000, ge=1, le=MAX_BOXES)
    """Highest-scoring boxes after suppression."""

    test_before_nms: int = Field(default=6000, ge=1, le=MAX_BOXES)

    test_count: int = Field(default=300, ge=1, le=MAX_BOXES)
    """The paper's 300."""

    nms_iou: Share = 0.7
    """A box that overlaps a better one more is suppressed."""

    min_side: Annotated[float, Field(ge=0), UNSIGNED] = 0.0
    """In pixels of the scaled image; smaller boxes are dropped, and boxes without area always are.
    Not in the papers; py-faster-rcnn uses 16."""


class RegionSpec(Spec):
    """The input of the region classifier, and how it is trained ([Fast], section 2.3)."""

    batch: int = Field(default=128, ge=1, le=MAX_BOXES)
    """Regions per image in the loss. [Fast] has 64 per image, py-faster-rcnn 128."""

    positive_share: Share = 0.25
    """The most of them that are positive; negative ones fill the rest."""

    positive_iou: Share = 0.5
    """A region that overlaps a true box by at least this much has its class; others are
    background."""

    negative_iou: Share = 0.0
    """A region that overlaps every true box by less is not trained on. [Fast] has 0.1;
    py-faster-rcnn has 0 for approximate joint training."""

    pooling: Literal["align", "max"] = "align"
    """``max``: RoI max-pooling, the papers'. ``align``: RoIAlign (He et al., "Mask R-CNN", 2017),
    which rounds no coordinate."""

    size: int = Field(default=14, ge=1, le=64)
    """Height and width of a region's features. The paper does not say: with 14, conv5_x has the
    same size as on images of 224 pixels. For VGG-16 it must be 7, as in [Faster], the input size
    of its dense layers."""

    samples: int = Field(default=2, ge=1, le=16)
    """Only for RoIAlign: sampling points along each side of a bin."""

    global_context: bool = False
    """Concatenate the whole image's features, pooled like a region's, to each region's (appendix
    B, table 9)."""

    box_stddevs: Positives = Field(default=(0.1, 0.1, 0.2, 0.2), min_length=4, max_length=4)
    """Divisors of the regression targets (x, y, width, height). [Fast] uses their standard
    deviations; these are py-faster-rcnn's."""

    @model_validator(mode="after")
    def _fields_fit(self) -> "RegionSpec":
        if self.negative_iou > self.positive_iou:
            rule = f"must not be above positive_iou, {self.positive_iou}"
            raise refuse("negative_iou", rule, self.negative_iou)
        return self


class InferenceSpec(Spec):
    """From scored regions to detections."""

    score_threshold: Share = 0.05
    """Detections with a lower probability are dropped. py-faster-rcnn's value."""

    nms_iou: Share = 0.3
    """Of two detections of one class that overlap by more, the lower-scoring one is suppressed. The
    paper's value for box refinement (appendix B), and py-faster-rcnn's."""

    max_detections: int = Field(default=100, ge=1, le=MAX_BOXES)
    """Detections kept per image: those with the highest scores."""

    box_refinement: bool = False
    """Score each region a second time at its regressed box, run suppression on both sets, and
    apply box voting to what is kept (appendix B, table 9)."""

    voting_iou: Share = 0.5
    """Boxes of the class that overlap by at least this much vote, weighted by their scores. From
    Gidaris and Komodakis."""

    scales: Ints | None = Field(default=None, min_length=1, max_length=16)
    """Multi-scale testing: the shorter sides, in pixels, at which regions are pooled; the paper's
    are 200, 400, 600, 800 and 1000 (appendix B, table 9). A region is pooled at two of them;
    proposals always come from the data set's ``shorter_side``. None: single-scale."""

    @model_validator(mode="after")
    def _fields_fit(self) -> "InferenceSpec":
        scales = self.scales or ()
        (least, most), rising = _SIDES, sorted({*scales})
        if tuple(rising) != scales or any(not least <= side <= most for side in scales):
            raise refuse("scales", f"must rise, from {least} at least to {most} at most", scales)
        return self


class DetectorSpec(Spec):
    """Faster R-CNN: conv1 to conv4_x are shared, conv5_x is applied per region (appendix A); in
    nets with another number of stages, all but the last are shared. In VGG-16 all convolutions are
    shared, and its two dense layers, with dropout, are applied per region ([Faster], section
    3.1)."""

    training: Literal["approximate-joint"] = "approximate-joint"
    """Proposals and regions are trained in one step, and no gradient flows through the proposals'
    coordinates ([Faster], section 3.2). The 4-step alternating training is not implemented."""

    batch_norm: Literal["fixed", "trained"] = "fixed"
    """``fixed``: statistics, scales and shifts stay as pretrained (appendix A, which recomputes
    the statistics on the pretraining images; here they are the moving ones). ``trained``, for nets
    trained from scratch: the batch's statistics, also for the regions."""

    frozen_stages: int = Field(default=0, ge=0, le=16)
    """Stages of the backbone that are not trained: 0 none, 1 conv1 (the stem), 2 conv1 and conv2_x,
    and so on. The paper does not say; [Fast] (section 4.5) trains VGG-16 from conv3_1 up, which is
    2."""

    crowd_overlap: Share = 0.5
    """Do not train on a negative anchor or region of which at least this fraction lies within a
    crowd."""

    anchors: AnchorSpec = AnchorSpec()
    rpn: RpnSpec = RpnSpec()
    proposals: ProposalSpec = ProposalSpec()
    regions: RegionSpec = RegionSpec()
    inference: InferenceSpec = InferenceSpec()
