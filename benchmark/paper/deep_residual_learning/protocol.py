"""The paper's protocols for CIFAR-10 (section 4.2), ImageNet (3.4) and detection (appendix A)."""

from collections.abc import Mapping
from typing import Any

from benchmark.paper.departures import Departure, Protocol
from benchmark.spec.resnet import IMAGENET_STAGES

CIFAR10: dict[str, tuple[Any, ...]] = {
    "dataset.name": ("cifar10",),
    "dataset.only_classes": (None,),
    "dataset.train_per_class": (None,),
    "dataset.held_out_images": (0, 5000),
    "dataset.normalization": ("per-pixel-mean",),
    "dataset.augmentation": ("pad-crop-flip",),
    "model.stem": ("cifar",),
    "model.block": ("basic",),
    "model.stage_widths": ((16, 32, 64),),
    "model.shortcut": ("none", "A"),
    "model.depth": (20, 32, 44, 56, 110, 1202),
    "model.batch_norm.zero_gamma": (False,),
    "model.dropout_rate": (0.0,),
    "model.initializer": ("he-fan-in", "he-fan-out"),
    "model.subsampling": (None, "stride"),
    "optimizer.kind": ("sgd",),
    "optimizer.batch_size": (128,),
    "optimizer.momentum": (0.9,),
    "optimizer.nesterov": (False,),
    "optimizer.momentum_form": ("caffe",),
    "optimizer.weight_decay": (1e-4,),
    "optimizer.weight_decay_form": ("coupled",),
    "optimizer.weight_decay_scope": ("kernels", "all"),
    "schedule.iterations": (64_000,),
    "schedule.learning_rate": (0.1,),
    "schedule.kind": ("piecewise",),
    "schedule.drops": ((32_000, 48_000),),
    "schedule.factor": (0.1,),
    "pretrained": (None,),
    "numerics.precision": ("float32",),
}
"""Dotted spec field -> the values that agree with the paper. What the paper leaves open is not
listed. The number of images held out for validation is ambiguous, so both readings agree.

The paper trained on two GPUs, each of which normalized its own 64 images of a batch
(``numerics.replicas`` 2 does the same); it does not state this as part of its method, so batch
normalization over all 128 is a choice, not a departure. Nesterov momentum is off, and the learning
rate enters as in Caffe, in the authors' release and in Goyal et al. (2017), whose authors include
He. Sources disagree on whether batch normalization's scale and shift were decayed."""

IMAGENET: dict[str, tuple[Any, ...]] = {
    "dataset.name": ("imagenet2012",),
    "dataset.held_out_images": (0,),
    "dataset.normalization": ("per-pixel-mean",),
    "dataset.statistics_images": (None,),
    "dataset.augmentation": ("scale-crop-flip",),
    "dataset.crop_size": (224,),
    "dataset.shorter_side": ((256, 480),),
    "dataset.lighting": (True,),
    "model.stem": ("imagenet",),
    "model.stage_widths": ((64, 128, 256, 512),),
    "model.depth": (18, 34, 50, 101, 152),
    "model.bottleneck_stride": (None, "1x1"),
    "model.batch_norm.zero_gamma": (False,),
    "model.dropout_rate": (0.0,),
    "model.initializer": ("he-fan-in", "he-fan-out"),
    "model.subsampling": (None, "stride"),
    "optimizer.kind": ("sgd",),
    "optimizer.batch_size": (256,),
    "optimizer.momentum": (0.9,),
    "optimizer.nesterov": (False,),
    "optimizer.momentum_form": ("caffe",),
    "optimizer.weight_decay": (1e-4,),
    "optimizer.weight_decay_form": ("coupled",),
    "optimizer.weight_decay_scope": ("kernels", "convolutions"),
    "schedule.iterations": (600_000,),
    "schedule.learning_rate": (0.1,),
    "schedule.kind": ("plateau", "piecewise"),
    "schedule.of": ("train",),
    "schedule.factor": (0.1,),
    "schedule.warmup": (None,),
    "pretrained": (None,),
    "numerics.precision": ("float32",),
}
"""The same for section 3.4. The paper does not say how a plateau was detected; fixed drops, which
the authors may have chosen at plateaus of earlier training runs, agree as well. Batch
normalization's scale and shift are not decayed: see ``SgdSpec.weight_decay_scope``."""

_DETECTION: dict[str, tuple[Any, ...]] = {
    "dataset.shorter_side": (600,),
    "model.stem": ("imagenet",),
    "model.stage_widths": ((64, 128, 256, 512),),
    "model.depth": (101,),
    "model.shortcut": ("B",),
    "model.bottleneck_stride": (None, "1x1"),
    "detector.training": ("alternating",),
    "detector.batch_norm": ("fixed",),
    "detector.proposals.test_count": (300,),
    "detector.regions.pooling": ("max",),
    "detector.regions.global_context": (False,),
    "detector.inference.box_refinement": (False,),
    "detector.inference.scales": (None,),
    "schedule.learning_rate": (0.001,),
    "schedule.kind": ("piecewise",),
    "schedule.factor": (0.1,),
    "numerics.precision": ("float32",),
}
"""What tables 7 and 8 have in common; table 9's improvements (appendix B) are the departures that
its claims state. The paper's backbone weights are ImageNet's; here any pretrained ones agree. The
paper trains proposals and detector for the same number of iterations each, with separate batches;
here one step trains both, which is reported as a departure."""

COCO: dict[str, tuple[Any, ...]] = {
    "dataset.name": ("coco2014",),
    **_DETECTION,
    "optimizer.batch_size": (8,),
    "optimizer.momentum": (0.9,),
    "optimizer.weight_decay": (1e-4, 5e-4),
    "schedule.iterations": (320_000,),
    "schedule.drops": ((240_000,),),
}
"""The same for COCO (appendix A). The batch size is the proposal network's, 8 images in the paper;
the region network's is 16. The weight decay is "similar" to that for VOC, which is 5e-4."""

VOC: dict[str, tuple[Any, ...]] = {
    "dataset.name": ("voc0712",),
    **_DETECTION,
    "optimizer.batch_size": (1, 2),
    "optimizer.momentum": (0.9,),
    "optimizer.weight_decay": (5e-4,),
    "schedule.iterations": (80_000,),
    "schedule.drops": ((60_000,),),
}
"""The same for VOC. The hyperparameters are those of Faster R-CNN (its section 3.1.3), with 1 image
for the proposal network, and 2 for the region network (Fast R-CNN, section 2.3)."""

_OPEN = {
    "model.zero_pad": "",
    "model.classifier_initializer": "",
    "model.batch_norm.momentum": "",
    "model.batch_norm.epsilon": "",
    "optimizer.weight_decay_scope": "",
}

CIFAR10_OPEN = {
    "dataset.held_out_images": "",
    "dataset.padding": "",
    "dataset.pixel_range": "",
    **_OPEN,
    "schedule.warmup.window_iterations": "over which the training error is judged",
    "numerics.replicas": "each normalizes its own share of a batch; the paper used two GPUs",
}
"""Spec field that the paper does not state, or states ambiguously -> a remark."""

IMAGENET_OPEN = {
    **_OPEN,
    "schedule.kind": "",
    "numerics.replicas": "each normalizes its own share of a batch",
}
"""The same for ImageNet."""

DETECTION_OPEN = {"detector.regions.size": "", "detector.frozen_stages": ""}
"""The same for detection."""

_WARMED_UP = {110: (0.01, 80.0)}
"""Depth -> learning rate of its warm-up, and the training error in percent that ends it. The paper
says this only of the residual net, so a plain net agrees with or without it."""


def equal_stages(spec: Mapping[str, Any]) -> list[Departure]:
    """Return the departure of a net for CIFAR whose stages have different numbers of blocks."""
    blocks = tuple(spec["model"]["stage_blocks"])
    return [Departure("model.stage_blocks", blocks, ("n/n/n",))] if len(set(blocks)) > 1 else []


def _table_1(spec: Mapping[str, Any]) -> list[Departure]:
    """Return the departures from table 1's net of the same depth, whose bottlenecks have
    projections where the shape changes, or no shortcuts (section 4.1, footnote 4)."""
    net = spec["model"]
    if net.get("depth") not in IMAGENET_STAGES:
        return []
    block, stages = IMAGENET_STAGES[net["depth"]]
    options = ("none", "B") if block == "bottleneck" else ("none", "A", "B", "C")
    agreed: dict[str, tuple[Any, ...]] = {"block": (block,), "stage_blocks": (stages,)}
    if not spec["detector"]:  # A detector's agrees with B alone.
        agreed["shortcut"] = options
    received = net | {"stage_blocks": tuple(net["stage_blocks"])}
    return [
        Departure(f"model.{name}", received[name], values)
        for name, values in agreed.items()
        if received[name] not in values
    ]


def _cifar_nets(spec: Mapping[str, Any]) -> list[Departure]:
    found = equal_stages(spec)
    depth, warmup = spec["model"]["depth"], spec["schedule"]["warmup"]
    stated = (warmup["learning_rate"], warmup["until_train_error_percent"]) if warmup else None
    published = _WARMED_UP.get(depth)
    untold = depth in _WARMED_UP and spec["model"]["shortcut"] == "none" and stated is None
    if depth <= 110 and stated != published and not untold:
        found.append(Departure("schedule.warmup", stated, (published,)))
    return found


_CIFAR10 = Protocol("4.2", CIFAR10, ("model.batch_norm",), _cifar_nets, CIFAR10_OPEN)
_IMAGENET = Protocol("3.4", IMAGENET, ("model.batch_norm",), _table_1, IMAGENET_OPEN)
_PRETRAINED = ("model.batch_norm", "pretrained")
_COCO = Protocol("appendix A", COCO, _PRETRAINED, _table_1, DETECTION_OPEN)
_VOC = Protocol("appendix A", VOC, _PRETRAINED, _table_1, DETECTION_OPEN)

PROTOCOLS = {
    "cifar10": _CIFAR10,
    "cifar10-subset": _CIFAR10,
    "imagenet2012": _IMAGENET,
    "coco2014": _COCO,
    "coco2017": _COCO,
    "voc2007": _VOC,
    "voc0712": _VOC,
    "voc2012": _VOC,
}
"""Data set -> the protocol for runs on it."""
