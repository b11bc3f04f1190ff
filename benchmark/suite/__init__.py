"""From a suite file to the runs that it asks for. No Keras."""

from benchmark.suite.claim import Claim
from benchmark.suite.plan import Cell, Plan
from benchmark.suite.problems import Problem, SuiteError
from benchmark.suite.suite import Suite, load_suite

__all__ = ["Cell", "Claim", "Plan", "Problem", "Suite", "SuiteError", "load_suite"]
