"""What a run is: frozen, strict descriptions, with no Keras and no defaults anywhere else."""

from benchmark.spec.dataset import ContentSpec, DatasetSpec
from benchmark.spec.detection_data import DetectionContentSpec, DetectionDataSpec, PastedSpec
from benchmark.spec.detector import DetectorSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import BatchNormSpec, ModelSpec
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerSpec
from benchmark.spec.pretrained import PretrainedSpec
from benchmark.spec.run import RunSpec
from benchmark.spec.schedule import PlateauSpec, ScheduleSpec, WarmupSpec
from benchmark.spec.vgg import VggSpec

__all__ = [
    "BatchNormSpec",
    "ContentSpec",
    "DatasetSpec",
    "DetectionContentSpec",
    "DetectionDataSpec",
    "DetectorSpec",
    "DiagnosticsSpec",
    "EvaluationSpec",
    "ModelSpec",
    "NumericsSpec",
    "OptimizerSpec",
    "PastedSpec",
    "PlateauSpec",
    "PretrainedSpec",
    "RunSpec",
    "ScheduleSpec",
    "VggSpec",
    "WarmupSpec",
]
