"""A reproducibility benchmark for the ResNet paper, in Keras and TensorFlow.

The public API is listed in ``__all__``; each name is loaded on first access, so that
``import benchmark`` loads neither TensorFlow nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.models.build import build_model
    from benchmark.problems import InputError
    from benchmark.records import (
        load_curves,
        load_layers,
        load_published,
        load_reproductions,
        load_runs,
    )
    from benchmark.running.request import plan
    from benchmark.running.run_suite import SuiteRun, run_suite
    from benchmark.running.where import Where
    from benchmark.spec import RunSpec
    from benchmark.suite import Plan, Suite, load_suite

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

__all__ = [
    "InputError",
    "Plan",
    "RunSpec",
    "Suite",
    "SuiteRun",
    "Where",
    "build_model",
    "load_curves",
    "load_layers",
    "load_published",
    "load_reproductions",
    "load_runs",
    "load_suite",
    "plan",
    "run_suite",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'benchmark' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
