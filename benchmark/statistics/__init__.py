"""The tests behind verdicts: pure functions of values in percent, one per run.

Runs are along the last axis, so that thousands of simulated suites can be tested at once. Only
``scipy.special`` is imported, which takes a tenth of a second; ``scipy.stats`` takes one.
"""
