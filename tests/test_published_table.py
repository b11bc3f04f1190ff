"""What a report tells of a published number beside its value."""

import pandas as pd
import pytest

from benchmark.report.published import published_table
from benchmark.report.verdicts import judge
from benchmark.spec import RunSpec
from benchmark.suite.claims import claim_of

NET = {"dataset": {"name": "cifar10"}, "model": {"stem": "cifar", "depth": 110, "shortcut": "A"}}
SPEC = RunSpec.model_validate(NET | {"seed": 0}).model_dump(mode="json")


def row(metric, errors):
    frame = pd.DataFrame({"variant": "r110", "status": "finished", "final_error_percent": errors})
    frame["seed"] = range(len(errors))
    published = f"table6/ResNet-110/{metric}"
    stated = {"statement": "s", "variant": "r110", "published": published, "metric": metric}
    claim = claim_of(**stated)
    return published_table(judge([claim], frame, {"r110": SPEC}), frame).to_dict("records")[0]


def test_a_number_says_how_it_was_chosen_and_what_its_runs_were_trained_on():
    found = row("test_error_percent", [6.5, 6.6, 6.7])
    assert found["selection"] == "mean of 5 runs"
    assert (found["trained on"], found["view"]) == ("train", "single view")


@pytest.mark.parametrize(("runs", "measured"), [(4, None), (5, 6.1)])
def test_the_best_of_several_is_measured_by_as_many_runs(runs, measured):
    errors = [6.1, 6.5, 6.6, 6.7, 6.8][:runs]
    found = row("best_test_error_percent", errors)
    assert found["runs"] == runs
    expected = pytest.approx(measured) if measured else pytest.approx(float("nan"), nan_ok=True)
    assert found["measured"] == expected
