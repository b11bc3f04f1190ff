"""The tests behind verdicts: pure functions of values in percent, one per run.

Runs are along the last axis, so that thousands of simulated suites can be tested at once. SciPy
loads a part of it when it is first used: ``scipy.special`` takes a tenth of a second,
``scipy.stats`` one.
"""
