"""The full description of one run: equal specs are the same run."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from benchmark.spec.base import MEASURED, Spec, refuse
from benchmark.spec.boxes import BoxesSpec
from benchmark.spec.dataset import DatasetField
from benchmark.spec.detector import DetectorSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import APPLICATIONS, FAMILIES, ModelField
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerField, SgdSpec
from benchmark.spec.pretrained import PretrainedApplication, PretrainedField
from benchmark.spec.recipe import recipe, with_recipe
from benchmark.spec.schedule import PiecewiseSchedule, PlateauSchedule, ScheduleField

DETECTORS_BATCH = 8
"""Default batch size of a detector, in training and in scoring. The paper's batch for proposals
(appendix A)."""


def _filled(stated: Any, implied: Any) -> Any:
    """Return ``stated``, filled in from ``implied`` at any depth."""
    if not (isinstance(stated, dict) and isinstance(implied, dict)):
        return stated
    return implied | {name: _filled(stated[name], implied.get(name)) for name in stated}


class RunSpec(Spec):
    """Everything that determines a run's result. Its ``digest()`` is the run's id: it covers
    everything that determines the trained weights, and nothing that is only measured."""

    dataset: DatasetField
    """The images; for a detector, images with boxes."""

    model: ModelField
    """The net; a detector drops its last layer."""

    detector: DetectorSpec | None = None
    """If stated, the net is the backbone of a detector (appendix A)."""

    optimizer: OptimizerField = SgdSpec()
    schedule: ScheduleField = PiecewiseSchedule.model_validate({})
    evaluation: Annotated[EvaluationSpec, MEASURED] = EvaluationSpec()
    numerics: NumericsSpec = NumericsSpec()
    diagnostics: Annotated[DiagnosticsSpec, MEASURED] = DiagnosticsSpec()
    pretrained: PretrainedField | None = None
    seed: int = Field(ge=0, lt=2**32)
    """Seed of the initial weights, the order of the images and their augmentation."""

    @property
    def source(self) -> str | None:
        """The id of the run whose weights it starts from."""
        return self.pretrained.run if self.pretrained else None

    @property
    def measured_at(self) -> tuple[int, ...]:
        """The iterations at which the layers are measured."""
        if self.detector or not self.model.measures_layers or not self.schedule.iterations:
            return ()
        return self.diagnostics.measured_at(self.schedule.iterations)

    @property
    def head_classes(self) -> int | None:
        """Classes of the pretrained classifier that a dense layer follows."""
        return self.pretrained.head_classes if self.pretrained else None

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that are scored, the reported one first."""
        return ("test", "validation") if self.dataset.held_out_images else ("test",)

    @property
    def follows_scores(self) -> bool:
        """Whether the learning rate follows the error of a scored split."""
        return isinstance(self.schedule, PlateauSchedule) and self.schedule.of != "train"

    def stated(self) -> dict[str, Any]:
        """Return the data behind the id, including the recipe's raised numbers and, if training
        follows scores, the batch size of the scoring."""
        batches = {"evaluation": {"batch_size": self.evaluation.batch_size}}
        scored = batches if self.follows_scores else {}
        return with_recipe(super().stated(), recipe(self)) | scored

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        """Fill in a detector's images with boxes and small batches, the pretrained weights'
        preprocessing, and no training for weights used as published."""
        if not isinstance(data, dict):
            return data
        implied: dict[str, dict[str, Any]] = {}
        if data.get("detector") is not None:
            few = {"batch_size": DETECTORS_BATCH}
            implied |= {"dataset": {"kind": "boxes"}, "optimizer": few, "evaluation": few}
            data = {"optimizer": {}, "evaluation": {}} | data
            model = data.get("model")
            family = model.get("family") if isinstance(model, dict) else None
            if isinstance(family, str) and family in FAMILIES:
                implied["detector"] = dict(FAMILIES[family].implied_detector)
        if isinstance(stated := data.get("pretrained"), dict):
            if stated.get("mode") == "as-published":
                implied["schedule"], data = {"iterations": 0}, {"schedule": {}} | data
            if not stated.get("other_preprocessing"):
                implied["dataset"] = implied.get("dataset", {}) | {"normalization": "pretrained"}
        return data | {part: _filled(data[part], implied[part]) for part in implied if part in data}

    @model_validator(mode="after")
    def _fields_fit(self) -> "RunSpec":
        schedule = self.schedule
        if isinstance(schedule, PlateauSchedule) and schedule.of not in ("train", *self.splits):
            rule = "validation needs dataset.held_out_images above 0"
            raise refuse("schedule.of", rule, schedule.of)
        if self.optimizer.batch_size > self.dataset.train_images:
            rule = f"must be at most the {self.dataset.train_images} images trained on"
            raise refuse("optimizer.batch_size", rule, self.optimizer.batch_size)
        if self.optimizer.batch_size % self.numerics.replicas:
            rule = f"must be a multiple of numerics.replicas ({self.numerics.replicas})"
            raise refuse("optimizer.batch_size", rule, self.optimizer.batch_size)
        added, end = self.diagnostics.iterations, self.schedule.iterations
        if list(added) != sorted({*added}) or not all(0 <= i <= end for i in added):
            rule = f"must rise strictly, from at least 0 to at most schedule.iterations ({end})"
            raise refuse("diagnostics.iterations", rule, added)
        self.model.refuse_unfit(self)
        self._refuse_what_does_not_fit_the_pretrained_weights()
        self._refuse_what_does_not_fit_the_detector()
        return self

    def _refuse_what_does_not_fit_the_detector(self) -> None:
        mode = self.pretrained.mode if self.pretrained else None
        if self.detector is None:
            if isinstance(self.dataset, BoxesSpec):
                raise refuse("detector", "must be stated for images with boxes", self.detector)
            if mode == "backbone":
                raise refuse("pretrained.mode", "backbone is only for detectors", mode)
            return
        if not isinstance(self.dataset, BoxesSpec):
            rule = "must be boxes if a detector is stated"
            raise refuse("dataset.kind", rule, self.dataset.kind)
        if mode not in (None, "backbone", "as-published"):
            rule = "must be backbone or as-published for a detector"
            raise refuse("pretrained.mode", rule, mode)
        if self.pretrained and mode == "as-published" and not self.pretrained.run:
            rule = "must be a run's: no other detector is known"
            raise refuse("pretrained.source", rule, self.pretrained.source)
        if isinstance(self.schedule, PlateauSchedule):
            rule = "must be piecewise or cosine for a detector"
            raise refuse("schedule.kind", rule, self.schedule.kind)
        norm = self.model.norm
        if norm and norm.statistics != "moving":
            rule = "must be moving for a detector, which has detector.batch_norm instead"
            raise refuse("model.batch_norm.statistics", rule, norm.statistics)
        for field, received in (
            ("diagnostics.iterations", self.diagnostics.iterations),
            ("schedule.warmup", self.schedule.warmup),
        ):
            if received:
                raise refuse(field, "must be left out for a detector", received)

    def _refuse_what_does_not_fit_the_pretrained_weights(self) -> None:
        own, normalization = self.pretrained, self.dataset.normalization
        if own is None or own.other_preprocessing:
            if normalization == "pretrained":
                rule = "needs pretrained weights, without other_preprocessing"
                raise refuse("dataset.normalization", rule, normalization)
        elif normalization != "pretrained":
            rule = "must be pretrained, or pretrained.other_preprocessing must be true"
            raise refuse("dataset.normalization", rule, normalization)
        norm = self.model.norm
        if own and own.mode == "new-head" and norm and norm.statistics != "moving":
            rule = "must be moving with pretrained.mode new-head, which keeps the pretrained ones"
            raise refuse("model.batch_norm.statistics", rule, norm.statistics)
        trained = own is None or own.mode != "as-published"
        if trained != (self.schedule.iterations > 0):
            rule = "must be 0 with pretrained.mode as-published, and above 0 with any other"
            raise refuse("schedule.iterations", rule, self.schedule.iterations)
        if isinstance(own, PretrainedApplication):
            for field, needed in APPLICATIONS[own.name].items():
                received = getattr(self.model, field, None)
                if received != needed:
                    rule = f"must be {needed} for the weights of {own.name}"
                    raise refuse(f"model.{field}", rule, received)
