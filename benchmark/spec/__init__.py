"""The description of a run: frozen, strict specs without Keras, which hold all the defaults."""

from benchmark.spec.boxes import BoxContentSpec, BoxesSpec, PastedSpec
from benchmark.spec.cifar import CifarSpec
from benchmark.spec.dataset import DatasetSpec, LabelledSpec
from benchmark.spec.detector import DetectorSpec
from benchmark.spec.diagnostics import DiagnosticsSpec
from benchmark.spec.evaluation import EvaluationSpec
from benchmark.spec.model import ModelSpec
from benchmark.spec.net import BatchNormSpec, NetSpec
from benchmark.spec.numerics import NumericsSpec
from benchmark.spec.optimizer import OptimizerSpec, SgdSpec
from benchmark.spec.photographs import ContentSpec, PhotographsSpec
from benchmark.spec.preactivation import PreactivationSpec
from benchmark.spec.pretrained import (
    PretrainedApplication,
    PretrainedFile,
    PretrainedRun,
    PretrainedSpec,
)
from benchmark.spec.resnet import ResidualSpec, ResNetSpec
from benchmark.spec.run import RunSpec
from benchmark.spec.schedule import (
    CosineSchedule,
    PiecewiseSchedule,
    PlateauSchedule,
    ScheduleSpec,
    WarmupSpec,
)
from benchmark.spec.vgg import VggSpec

__all__ = [
    "BatchNormSpec",
    "BoxContentSpec",
    "BoxesSpec",
    "CifarSpec",
    "ContentSpec",
    "CosineSchedule",
    "DatasetSpec",
    "DetectorSpec",
    "DiagnosticsSpec",
    "EvaluationSpec",
    "LabelledSpec",
    "ModelSpec",
    "NetSpec",
    "NumericsSpec",
    "OptimizerSpec",
    "PastedSpec",
    "PhotographsSpec",
    "PiecewiseSchedule",
    "PlateauSchedule",
    "PreactivationSpec",
    "PretrainedApplication",
    "PretrainedFile",
    "PretrainedRun",
    "PretrainedSpec",
    "ResNetSpec",
    "ResidualSpec",
    "RunSpec",
    "ScheduleSpec",
    "SgdSpec",
    "VggSpec",
    "WarmupSpec",
]
