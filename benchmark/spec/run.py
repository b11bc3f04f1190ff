"""One run, fully described: equal specs are one run."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from benchmark.spec.base import Spec, refuse
from benchmark.spec.dataset import DatasetSpec
from benchmark.spec.detection_data import DetectionDataSpec
from benchmark.spec.detector import DetectorSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import BatchNormSpec, ModelSpec
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerSpec
from benchmark.spec.pretrained import PretrainedSpec
from benchmark.spec.schedule import ScheduleSpec
from benchmark.spec.vgg import VGG_CROP, VGG_REGION, VggSpec

LARGEST_CIFAR_INPUT = 64
"""Pixels on a side. The stem for small images never halves them before its stages, so larger ones
would cost far more than is meant."""

DETECTORS_BATCH = 8
"""Images that a detector is trained on, and scored, at a time where that is left out. The paper's
batch for proposals (appendix A)."""

_RESNET, _VGG, _LABELS, _BOXES = "(a ResNet or plain net)", "(VGG)", "(labels)", "(boxes)"

KINDS = (_RESNET, _VGG, _LABELS, _BOXES)
"""Tags that pydantic puts into the places of what is wrong with a model or a data set."""


def _kind_of_model(model: Any) -> str:
    return _VGG if _is_vgg(model) else _RESNET


def _is_vgg(model: Any) -> bool:
    return isinstance(model, VggSpec) or (isinstance(model, dict) and "vgg" in model)


def _kind_of_data(data: Any) -> str:
    stated = isinstance(data, dict) and data.get("kind") == "boxes"
    return _BOXES if stated or isinstance(data, DetectionDataSpec) else _LABELS


def _filled(stated: Any, implied: Any) -> Any:
    """``stated`` with what it leaves out of ``implied``, at any depth."""
    if not (isinstance(stated, dict) and isinstance(implied, dict)):
        return stated
    return implied | {name: _filled(stated[name], implied.get(name)) for name in stated}


class RunSpec(Spec):
    """Everything that a run's result is a function of. Its ``digest()`` is the run's id."""

    dataset: Annotated[
        Annotated[DatasetSpec, Tag(_LABELS)] | Annotated[DetectionDataSpec, Tag(_BOXES)],
        Discriminator(_kind_of_data),
    ]
    """Of a detector: images with boxes."""

    model: Annotated[
        Annotated[ModelSpec, Tag(_RESNET)] | Annotated[VggSpec, Tag(_VGG)],
        Discriminator(_kind_of_model),
    ]
    """The net, whose last layer a detector leaves behind."""

    detector: DetectorSpec | None = None
    """Where it is stated, the net is the backbone of a detector (appendix A)."""

    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    numerics: NumericsSpec = NumericsSpec()
    diagnostics: DiagnosticsSpec = DiagnosticsSpec()
    pretrained: PretrainedSpec | None = None
    seed: int = Field(ge=0, lt=2**32)
    """The seed of the weights, of the order of the images and of their augmentation."""

    @property
    def diagnosed_at_the_end(self) -> bool:
        """Whether the layers are measured when the training is over."""
        return self.schedule.iterations in self.diagnostics.iterations

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """A detector is trained on images with boxes, few at a time. Pretrained weights come with
        their preprocessing, and keras.applications' with 1000 classes; those that are used as they
        were published are not trained."""
        if not isinstance(data, dict):
            return data
        implied: dict[str, dict[str, Any]] = {"dataset": {}, "model": {}}
        if isinstance(data.get("detector"), dict):
            few = {"batch_size": DETECTORS_BATCH}
            implied |= {"dataset": {"kind": "boxes"}, "optimizer": few, "evaluation": few}
            data = {"optimizer": {}, "evaluation": {}} | data
            if _is_vgg(data.get("model")):
                implied["detector"] = {"regions": {"size": VGG_REGION}}
        if isinstance(stated := data.get("pretrained"), dict):
            if stated.get("way") == "as-published":
                implied["schedule"], data = {"iterations": 0}, {"schedule": {}} | data
            if not stated.get("other_preprocessing"):
                implied["dataset"] = implied["dataset"] | {"normalization": "pretrained"}
            kept_head = (stated.get("source"), stated.get("way"))
            of_keras = kept_head == ("keras-applications", "dense-after-head")
            if of_keras and not _is_vgg(data.get("model")):
                implied["model"] = {"inner_classes": 1000}
        return data | {part: _filled(data[part], implied[part]) for part in implied if part in data}

    @model_validator(mode="after")
    def _fields_fit(self) -> "RunSpec":
        if self.evaluation.split == "validation" and not self.dataset.held_out_images:
            rule = "validation needs dataset.held_out_images above 0"
            raise refuse("evaluation.split", rule, self.evaluation.split)
        if self.optimizer.batch_size > self.dataset.train_images:
            rule = f"must be at most the {self.dataset.train_images} images trained on"
            raise refuse("optimizer.batch_size", rule, self.optimizer.batch_size)
        if self.optimizer.batch_size % self.numerics.replicas:
            rule = f"must be a multiple of numerics.replicas ({self.numerics.replicas})"
            raise refuse("optimizer.batch_size", rule, self.optimizer.batch_size)
        chosen, end = self.diagnostics.iterations, self.schedule.iterations
        if list(chosen) != sorted({*chosen}) or not all(0 <= i <= end for i in chosen):
            rule = f"must rise strictly from 0 at the least to schedule.iterations ({end})"
            raise refuse("diagnostics.iterations", rule, chosen)
        self._refuse_what_does_not_fit_vgg()
        self._refuse_what_does_not_fit_the_pretrained_weights()
        self._refuse_what_does_not_fit_the_detector()
        if isinstance(self.dataset, DatasetSpec):
            self._refuse_what_does_not_fit_the_images(self.dataset)
        return self

    def _refuse_what_does_not_fit_the_images(self, dataset: DatasetSpec) -> None:
        if self.model.stem == "imagenet" and not dataset.photographs:
            rule = f"must be cifar for {dataset.name}'s images of 32x32 pixels"
            raise refuse("model.stem", rule, self.model.stem)
        if self.model.stem == "cifar" and dataset.image_shape[0] > LARGEST_CIFAR_INPUT:
            rule = f"must be imagenet for crops above {LARGEST_CIFAR_INPUT} pixels"
            raise refuse("model.stem", f"{rule} ({dataset.crop_size})", self.model.stem)

    def _refuse_what_does_not_fit_the_detector(self) -> None:
        way = self.pretrained.way if self.pretrained else None
        if self.detector is None:
            if isinstance(self.dataset, DetectionDataSpec):
                raise refuse("detector", "must be stated for images with boxes", self.detector)
            if way == "backbone":
                raise refuse("pretrained.way", "backbone is for detectors alone", way)
            return
        if way not in (None, "backbone", "as-published"):
            rule = "of a detector must be backbone or as-published"
            raise refuse("pretrained.way", rule, way)
        if self.pretrained and way == "as-published" and self.pretrained.source != "run":
            rule = "must be a run's: no other detector is known"
            raise refuse("pretrained.source", rule, self.pretrained.source)
        for field, received, agreed in (
            ("evaluation.split", self.evaluation.split, "test"),
            ("diagnostics.iterations", self.diagnostics.iterations, ()),
            ("schedule.plateau", self.schedule.plateau, None),
            ("schedule.warmup", self.schedule.warmup, None),
            ("model.inner_classes", self.model.inner_classes, None),
        ):
            if received != agreed:
                raise refuse(field, f"of a detector must be {agreed or 'left out'}", received)
        if isinstance(self.model, VggSpec):
            size = self.detector.regions.size
            if size != VGG_REGION:
                raise refuse("detector.regions.size", f"must be {VGG_REGION} for VGG", size)

    def _refuse_what_does_not_fit_the_pretrained_weights(self) -> None:
        own, normalization = self.pretrained, self.dataset.normalization
        if own is None or own.other_preprocessing:
            if normalization == "pretrained":
                rule = "needs pretrained weights, without other_preprocessing"
                raise refuse("dataset.normalization", rule, normalization)
        elif normalization != "pretrained":
            rule = "must be pretrained, or pretrained.other_preprocessing be true"
            raise refuse("dataset.normalization", rule, normalization)
        trained = own is None or own.way != "as-published"
        if trained != (self.schedule.iterations > 0):
            rule = "must be 0 with pretrained.way as-published, and more with any other"
            raise refuse("schedule.iterations", rule, self.schedule.iterations)
        keeps_head = own is not None and own.way == "dense-after-head"
        if keeps_head != (self.model.inner_classes is not None):
            rule = "is stated with pretrained.way dense-after-head, and with nothing else"
            raise refuse("model.inner_classes", rule, self.model.inner_classes)
        if own is not None and own.source == "keras-applications":
            for field, needed in _of_application(own.name).items():
                received = getattr(self.model, field, None)
                if received != needed:
                    rule = f"must be {needed} for the weights of {own.name}"
                    raise refuse(f"model.{field}", rule, received)

    def _refuse_what_does_not_fit_vgg(self) -> None:
        if not isinstance(self.model, VggSpec):
            return
        if self.diagnostics.iterations:
            rule = "is for ResNets and plain nets alone"
            raise refuse("diagnostics.iterations", rule, self.diagnostics.iterations)
        if self.pretrained is None:
            rule = "must be stated for VGG, of which the paper tells no training"
            raise refuse("pretrained", rule, "nothing")
        if self.pretrained.source == "file":
            rule = "must be run or keras-applications for VGG"
            raise refuse("pretrained.source", rule, self.pretrained.source)
        if self.pretrained.way == "dense-after-head":
            rule = "must be another way for VGG, which has no place for a layer after its head"
            raise refuse("pretrained.way", rule, self.pretrained.way)
        data = self.dataset
        if isinstance(data, DatasetSpec) and data.photographs and data.crop_size != VGG_CROP:
            rule = f"must be {VGG_CROP} for VGG-{self.model.vgg}"
            raise refuse("dataset.crop_size", rule, data.crop_size)


def _of_application(name: str) -> dict[str, Any]:
    """The net that the weights of keras.applications fit."""
    if name.startswith("VGG"):
        return {"vgg": int(name.removeprefix("VGG"))}
    return {
        "stem": "imagenet",
        "depth": int(name.removeprefix("ResNet")),
        "shortcut": "B",
        "bottleneck_stride": "1x1",
        "conv_bias": True,
        "batch_norm": BatchNormSpec(epsilon=1.001e-5),
    }
