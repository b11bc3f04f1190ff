"""The table of metrics: each is named once, and what reads it finds it."""

from typing import get_args

from benchmark.metrics import BY_CLAIM, METRICS, Metric, Name
from benchmark.records.frames import EPOCH, MEASURED
from benchmark.records.result import summarize
from benchmark.suite.claims import claim_of


def test_no_two_metrics_have_one_name():
    for names in (
        [metric.key for metric in METRICS],
        [metric.result for metric in METRICS if metric.result],
        [metric.claim for metric in METRICS if metric.claim],
    ):
        assert all(names) and len(names) == len(set(names))


def test_results_and_frames_have_those_of_the_table():
    assert {metric.result for metric in METRICS if metric.result} < set(MEASURED)
    assert {metric.key for metric in METRICS if metric.usual} < set(EPOCH)
    epoch = {"event": "epoch", "epoch": 1, "iteration": 1, "time": 0.0}
    values = {metric.key: float(n) for n, metric in enumerate(METRICS) if metric.result}
    result = summarize([epoch | values], "finished")
    for metric in METRICS:
        if metric.result:
            assert result[metric.result] == values[metric.key]


def test_claims_name_metrics_of_the_table_and_no_others():
    assert set(get_args(Name)) == set(BY_CLAIM)
    claim = claim_of(statement="a", variant="a", against="b", direction="lower")
    assert isinstance(claim.measured, Metric) and claim.columns == ("final_error_percent",)


def test_what_is_better_fits_the_ends():
    for metric in BY_CLAIM.values():
        low, high = metric.ends
        assert low < high and (metric.better is not None) == (metric.unit == "%")
