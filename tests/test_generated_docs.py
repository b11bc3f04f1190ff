"""The pages that are made from the classes of suites and claims: each link has its section."""

import importlib
import re
from pathlib import Path

import pytest


@pytest.mark.parametrize(("module", "page"), [("gen_fields", "fields"), ("gen_claims", "claims")])
def test_each_type_that_a_field_links_to_is_on_the_page(monkeypatch, module, page):
    monkeypatch.syspath_prepend(str(Path("docs").resolve()))
    text = getattr(importlib.import_module(module), page)()
    linked = set(re.findall(r"\]\(#(\w+)\)", text))
    assert linked and linked <= set(re.findall(r"\{#(\w+)\}", text))
