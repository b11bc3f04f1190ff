"""One run, fully described: equal specs are one run."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from benchmark.spec.base import MEASURED, Spec, refuse
from benchmark.spec.boxes import BoxesSpec
from benchmark.spec.cifar import CifarSpec
from benchmark.spec.dataset import DatasetField
from benchmark.spec.detector import DetectorSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import ModelField
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerField, SgdSpec
from benchmark.spec.photographs import PhotographsSpec
from benchmark.spec.pretrained import PretrainedApplication, PretrainedField
from benchmark.spec.recipe import recipe, with_recipe
from benchmark.spec.resnet import BatchNormSpec, ResNetSpec
from benchmark.spec.schedule import PiecewiseSchedule, PlateauSchedule, ScheduleField
from benchmark.spec.vgg import VGG_CROP, VGG_REGION, VggSpec

LARGEST_CIFAR_INPUT = 64
"""Pixels on a side. The stem for small images never halves them before its stages, so larger ones
would cost far more than is meant."""

DETECTORS_BATCH = 8
"""Images that a detector is trained on, and scored, at a time where that is left out. The paper's
batch for proposals (appendix A)."""


def _filled(stated: Any, implied: Any) -> Any:
    """``stated`` with what it leaves out of ``implied``, at any depth."""
    if not (isinstance(stated, dict) and isinstance(implied, dict)):
        return stated
    return implied | {name: _filled(stated[name], implied.get(name)) for name in stated}


class RunSpec(Spec):
    """Everything that a run's result is a function of. Its ``digest()`` is the run's id: of all
    that the trained weights are a function of, and of nothing that is only measured."""

    dataset: DatasetField
    """Of a detector: images with boxes."""

    model: ModelField
    """The net, whose last layer a detector leaves behind."""

    detector: DetectorSpec | None = None
    """Where it is stated, the net is the backbone of a detector (appendix A)."""

    optimizer: OptimizerField = SgdSpec()
    schedule: ScheduleField = PiecewiseSchedule.model_validate({})
    evaluation: Annotated[EvaluationSpec, MEASURED] = EvaluationSpec()
    numerics: NumericsSpec = NumericsSpec()
    diagnostics: Annotated[DiagnosticsSpec, MEASURED] = DiagnosticsSpec()
    pretrained: PretrainedField | None = None
    seed: int = Field(ge=0, lt=2**32)
    """The seed of the weights, of the order of the images and of their augmentation."""

    @property
    def measured_at(self) -> tuple[int, ...]:
        """The iterations at which the layers are measured."""
        if self.detector or isinstance(self.model, VggSpec) or not self.schedule.iterations:
            return ()
        return self.diagnostics.measured_at(self.schedule.iterations)

    @property
    def head_classes(self) -> int | None:
        """Of a pretrained classifier that a dense layer comes after."""
        return self.pretrained.head_classes if self.pretrained else None

    @property
    def splits(self) -> tuple[str, ...]:
        """Which images are scored, the reported ones first."""
        return ("test", "validation") if self.dataset.held_out_images else ("test",)

    def stated(self) -> dict[str, Any]:
        """What the id is made of: also the recipe's numbers that were raised and, where the
        learning rate listens to the error of a scored split, in what batches that is scored."""
        listens = isinstance(self.schedule, PlateauSchedule) and self.schedule.of != "train"
        scored = {"evaluation": {"batch_size": self.evaluation.batch_size}} if listens else {}
        return with_recipe(super().stated(), recipe(self)) | scored

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """A detector is trained on images with boxes, few at a time. Pretrained weights come with
        their preprocessing; those that are used as they were published are not trained."""
        if not isinstance(data, dict):
            return data
        implied: dict[str, dict[str, Any]] = {}
        if data.get("detector") is not None:
            few = {"batch_size": DETECTORS_BATCH}
            implied |= {"dataset": {"kind": "boxes"}, "optimizer": few, "evaluation": few}
            data = {"optimizer": {}, "evaluation": {}} | data
            model = data.get("model")
            if isinstance(model, dict) and model.get("family") == "vgg":
                implied["detector"] = {"regions": {"size": VGG_REGION}}
        if isinstance(stated := data.get("pretrained"), dict):
            if stated.get("mode") == "as-published":
                implied["schedule"], data = {"iterations": 0}, {"schedule": {}} | data
            if not stated.get("other_preprocessing"):
                implied["dataset"] = implied.get("dataset", {}) | {"normalization": "pretrained"}
        return data | {part: _filled(data[part], implied[part]) for part in implied if part in data}

    @model_validator(mode="after")
    def _fields_fit(self) -> "RunSpec":
        schedule = self.schedule
        listens = schedule.of if isinstance(schedule, PlateauSchedule) else "train"
        if listens not in ("train", *self.splits):
            raise refuse("schedule.of", "validation needs dataset.held_out_images above 0", listens)
        if self.optimizer.batch_size > self.dataset.train_images:
            rule = f"must be at most the {self.dataset.train_images} images trained on"
            raise refuse("optimizer.batch_size", rule, self.optimizer.batch_size)
        if self.optimizer.batch_size % self.numerics.replicas:
            rule = f"must be a multiple of numerics.replicas ({self.numerics.replicas})"
            raise refuse("optimizer.batch_size", rule, self.optimizer.batch_size)
        added, end = self.diagnostics.iterations, self.schedule.iterations
        if list(added) != sorted({*added}) or not all(0 <= i <= end for i in added):
            rule = f"must rise strictly from 0 at the least to schedule.iterations ({end})"
            raise refuse("diagnostics.iterations", rule, added)
        self._refuse_what_does_not_fit_vgg()
        self._refuse_what_does_not_fit_the_pretrained_weights()
        self._refuse_what_does_not_fit_the_detector()
        self._refuse_what_does_not_fit_the_images()
        return self

    def _refuse_what_does_not_fit_the_images(self) -> None:
        dataset, model = self.dataset, self.model
        if isinstance(dataset, CifarSpec) and isinstance(model, VggSpec):
            raise refuse("model.family", f"must be resnet for {dataset.name}", model.family)
        if not isinstance(model, ResNetSpec):
            return
        if isinstance(dataset, CifarSpec) and model.stem == "imagenet":
            rule = f"must be cifar for {dataset.name}'s images of 32x32 pixels"
            raise refuse("model.stem", rule, model.stem)
        small = not isinstance(dataset, PhotographsSpec) or dataset.crop_size <= LARGEST_CIFAR_INPUT
        if model.stem == "cifar" and not small:
            rule = f"must be imagenet for crops above {LARGEST_CIFAR_INPUT} pixels"
            raise refuse("model.stem", f"{rule} ({dataset.image_shape[0]})", model.stem)

    def _refuse_what_does_not_fit_the_detector(self) -> None:
        mode = self.pretrained.mode if self.pretrained else None
        if self.detector is None:
            if isinstance(self.dataset, BoxesSpec):
                raise refuse("detector", "must be stated for images with boxes", self.detector)
            if mode == "backbone":
                raise refuse("pretrained.mode", "backbone is for detectors alone", mode)
            return
        if not isinstance(self.dataset, BoxesSpec):
            rule = "must be boxes where a detector is stated"
            raise refuse("dataset.kind", rule, self.dataset.kind)
        if mode not in (None, "backbone", "as-published"):
            rule = "of a detector must be backbone or as-published"
            raise refuse("pretrained.mode", rule, mode)
        if self.pretrained and mode == "as-published" and not self.pretrained.run:
            rule = "must be a run's: no other detector is known"
            raise refuse("pretrained.source", rule, self.pretrained.source)
        if isinstance(self.schedule, PlateauSchedule):
            rule = "of a detector must be piecewise or cosine"
            raise refuse("schedule.kind", rule, self.schedule.kind)
        norm = self.model.batch_norm if isinstance(self.model, ResNetSpec) else None
        if norm and norm.statistics != "moving":
            rule = "of a detector must be moving; detector.batch_norm says what it normalises by"
            raise refuse("model.batch_norm.statistics", rule, norm.statistics)
        for field, received in (
            ("diagnostics.iterations", self.diagnostics.iterations),
            ("schedule.warmup", self.schedule.warmup),
        ):
            if received:
                raise refuse(field, "of a detector must be left out", received)
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
        norm = self.model.batch_norm if isinstance(self.model, ResNetSpec) else None
        if own and own.mode == "new-head" and norm and norm.statistics != "moving":
            rule = "must be moving with pretrained.mode new-head, which keeps the pretrained ones"
            raise refuse("model.batch_norm.statistics", rule, norm.statistics)
        trained = own is None or own.mode != "as-published"
        if trained != (self.schedule.iterations > 0):
            rule = "must be 0 with pretrained.mode as-published, and more with any other"
            raise refuse("schedule.iterations", rule, self.schedule.iterations)
        if isinstance(own, PretrainedApplication):
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
        if self.pretrained.mode == "dense-after-head":
            rule = "must be another for VGG, which has no place for a layer after its head"
            raise refuse("pretrained.mode", rule, self.pretrained.mode)
        if self.schedule.iterations and self.numerics.xla and self.numerics.deterministic:
            rule = "must be false for VGG: XLA has no deterministic gradient of its max-pooling"
            raise refuse("numerics.xla", rule, True)
        data = self.dataset
        if isinstance(data, PhotographsSpec) and data.crop_size != VGG_CROP:
            rule = f"must be {VGG_CROP} for VGG-{self.model.depth}"
            raise refuse("dataset.crop_size", rule, data.crop_size)


def _of_application(name: str) -> dict[str, Any]:
    """The net that the weights of keras.applications fit."""
    if name.startswith("VGG"):
        return {"family": "vgg", "depth": int(name.removeprefix("VGG"))}
    return {
        "family": "resnet",
        "stem": "imagenet",
        "depth": int(name.removeprefix("ResNet")),
        "shortcut": "B",
        "bottleneck_stride": "1x1",
        "conv_bias": True,
        "batch_norm": BatchNormSpec(epsilon=1.001e-5),
    }
