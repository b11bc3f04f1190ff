"""The tests behind verdicts: pure functions of values in percent, one a run.

Values stand along the last axis, so that thousands of made-up suites are tested at once. Only
``scipy.special`` is loaded, which takes a tenth of a second, where ``scipy.stats`` takes one.
"""
