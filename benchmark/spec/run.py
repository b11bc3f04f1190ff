"""One run, fully described: equal specs are one run."""

from typing import Any

from pydantic import Field, model_validator

from benchmark.spec.base import Spec, refuse
from benchmark.spec.dataset import DatasetSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import BatchNormSpec, ModelSpec
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerSpec
from benchmark.spec.pretrained import APPLICATIONS, PretrainedSpec
from benchmark.spec.schedule import ScheduleSpec

LARGEST_CIFAR_INPUT = 64
"""Pixels on a side. The stem for small images never halves them before its stages, so larger ones
would cost far more than is meant."""


class RunSpec(Spec):
    """Everything that a run's result is a function of. Its ``digest()`` is the run's id."""

    dataset: DatasetSpec
    model: ModelSpec
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
        """Pretrained weights come with their preprocessing, and keras.applications' with 1000
        classes."""
        if not (isinstance(data, dict) and isinstance(data.get("pretrained"), dict)):
            return data
        stated = data["pretrained"]
        implied: dict[str, dict[str, Any]] = {"dataset": {}, "model": {}}
        if not stated.get("other_preprocessing"):
            implied["dataset"] = {"normalization": "pretrained"}
        if (stated.get("source"), stated.get("way")) == ("keras-applications", "dense-after-head"):
            implied["model"] = {"inner_classes": 1000}
        return data | {
            part: fields | data[part]
            for part, fields in implied.items()
            if isinstance(data.get(part), dict)
        }

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
        self._refuse_what_does_not_fit_the_pretrained_weights()
        if self.model.stem == "imagenet" and not self.dataset.photographs:
            rule = f"must be cifar for {self.dataset.name}'s images of 32x32 pixels"
            raise refuse("model.stem", rule, self.model.stem)
        if self.model.stem == "cifar" and self.dataset.image_shape[0] > LARGEST_CIFAR_INPUT:
            rule = f"must be imagenet for crops above {LARGEST_CIFAR_INPUT} pixels"
            raise refuse("model.stem", f"{rule} ({self.dataset.crop_size})", self.model.stem)
        return self

    def _refuse_what_does_not_fit_the_pretrained_weights(self) -> None:
        own, normalization = self.pretrained, self.dataset.normalization
        if own is None or own.other_preprocessing:
            if normalization == "pretrained":
                rule = "needs pretrained weights, without other_preprocessing"
                raise refuse("dataset.normalization", rule, normalization)
        elif normalization != "pretrained":
            rule = "must be pretrained, or pretrained.other_preprocessing be true"
            raise refuse("dataset.normalization", rule, normalization)
        keeps_head = own is not None and own.way == "dense-after-head"
        if keeps_head != (self.model.inner_classes is not None):
            rule = "is stated with pretrained.way dense-after-head, and with nothing else"
            raise refuse("model.inner_classes", rule, self.model.inner_classes)
        if own is not None and own.source == "keras-applications":
            for field, needed in _of_application(own.name).items():
                received = getattr(self.model, field)
                if received != needed:
                    rule = f"must be {needed} for the weights of {own.name}"
                    raise refuse(f"model.{field}", rule, received)


def _of_application(name: str) -> dict[str, Any]:
    """The net that the weights of keras.applications fit."""
    return {
        "stem": "imagenet",
        "depth": APPLICATIONS[name],
        "shortcut": "B",
        "bottleneck_stride": "1x1",
        "conv_bias": True,
        "batch_norm": BatchNormSpec(epsilon=1.001e-5),
    }
