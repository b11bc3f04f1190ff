"""A reproducibility benchmark for the ResNet paper, in Keras and TensorFlow.

The public API is listed in ``__all__``; each name is loaded on first access, so that
``import benchmark`` loads neither TensorFlow nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.models.build import build_model as build_model
    from benchmark.problems import InputError as InputError
    from benchmark.records import load_curves as load_curves
    from benchmark.records import load_layers as load_layers
    from benchmark.records import load_published as load_published
    from benchmark.records import load_reproductions as load_reproductions
    from benchmark.records import load_runs as load_runs
    from benchmark.running.request import plan as plan
    from benchmark.running.run_suite import SuiteRun as SuiteRun
    from benchmark.running.run_suite import run_suite as run_suite
    from benchmark.running.where import Where as Where
    from benchmark.spec import RunSpec as RunSpec
    from benchmark.suite import Plan as Plan
    from benchmark.suite import Suite as Suite
    from benchmark.suite import load_suite as load_suite

__version__ = "0.1.0"

_PLACES = {
    "InputError": "benchmark.problems",
    "Plan": "benchmark.suite",
    "RunSpec": "benchmark.spec",
    "Suite": "benchmark.suite",
    "SuiteRun": "benchmark.running.run_suite",
    "Where": "benchmark.running.where",
    "build_model": "benchmark.models.build",
    "load_curves": "benchmark.records",
    "load_layers": "benchmark.records",
    "load_published": "benchmark.records",
    "load_reproductions": "benchmark.records",
    "load_runs": "benchmark.records",
    "load_suite": "benchmark.suite",
    "plan": "benchmark.running.request",
    "run_suite": "benchmark.running.run_suite",
}

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
