"""What was measured: journals on disk (the truth), pandas frames, and MLflow as a mirror."""

from benchmark.records.frames import load_curves, load_runs
from benchmark.records.store import Store

__all__ = ["Store", "load_curves", "load_runs"]
