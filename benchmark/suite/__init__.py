"""Suites: from a suite file to the runs that it requests. No Keras."""

from benchmark.suite.changes import Changes
from benchmark.suite.claims import Claim
from benchmark.suite.plan import Cell, Plan
from benchmark.suite.problems import Problem, SuiteError
from benchmark.suite.schema import Suite
from benchmark.suite.suite import LoadedSuite, load_suite

__all__ = [
    "Cell",
    "Changes",
    "Claim",
    "LoadedSuite",
    "Plan",
    "Problem",
    "Suite",
    "SuiteError",
    "load_suite",
]
