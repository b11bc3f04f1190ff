"""One run, fully described: equal specs are one run."""

from pydantic import Field, model_validator

from benchmark.spec.base import Spec, refuse
from benchmark.spec.dataset import DatasetSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import ModelSpec
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerSpec
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
    seed: int = Field(ge=0, lt=2**32)
    """The seed of the weights, of the order of the images and of their augmentation."""

    @property
    def diagnosed_at_the_end(self) -> bool:
        """Whether the layers are measured when the training is over."""
        return self.schedule.iterations in self.diagnostics.iterations

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
        if self.model.stem == "imagenet" and not self.dataset.photographs:
            rule = f"must be cifar for {self.dataset.name}'s images of 32x32 pixels"
            raise refuse("model.stem", rule, self.model.stem)
        if self.model.stem == "cifar" and self.dataset.image_shape[0] > LARGEST_CIFAR_INPUT:
            rule = f"must be imagenet for crops above {LARGEST_CIFAR_INPUT} pixels"
            raise refuse("model.stem", f"{rule} ({self.dataset.crop_size})", self.model.stem)
        return self
