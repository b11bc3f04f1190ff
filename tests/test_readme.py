"""The heads of the suites that the README sends a reader to. What it shows is tested as the pages
of the documentation are: see test_docs."""

from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["quickstart", "one-epoch"])
def test_a_suite_opens_with_source_command_and_cost(name):
    head = Path("suites", f"{name}.yaml").read_text().splitlines()[:3]
    assert [line.split(":")[0] for line in head] == ["# Source", "# Command", "# Cost"]
