"""The reference of the kinds of claims, as Markdown made from the claim classes."""

import inspect
import sys

import yaml
from gen_fields import described, entries, joint_rules, markdown, sections

from benchmark.metrics import BY_CLAIM
from benchmark.paper import PUBLISHED
from benchmark.shipped import suites_folder
from benchmark.spec.base import Spec
from benchmark.suite import Claim, load_suite
from benchmark.suite.claims.kinds import KINDS


def claims() -> str:
    """A section for each kind, after the fields that all kinds have."""
    common = frozenset(Claim.model_fields)
    parts = [f"## Fields of every claim\n\n{entries(Claim)}\n\n{joint_rules(Claim)}"]
    examples, seen = _examples(), set[type[Spec]]()
    for stated, kind in KINDS.items():
        margin, reason = kind.usual_margin({})
        lines = [
            f"## `{stated}`",
            markdown(sys.modules[kind.__module__].__doc__ or ""),
            described(kind) if kind.__doc__ else "",
            f"**Question** (its family): {kind.question}. "
            f"**Test**: {markdown(inspect.getdoc(kind.tested) or '')} "
            f"**Margin** unless stated: {margin:g} ({reason}).",
            entries(kind, without=common),
            joint_rules(kind, without=Claim),
            examples.get(stated, ""),
        ]
        parts.append("\n\n".join(line for line in lines if line))
        for name in sorted(kind.model_fields.keys() - common):
            parts += sections(name, kind.model_fields[name], 3, seen)
    return "\n\n".join(parts)


def metrics() -> str:
    """A table of what claims can be about."""
    rows = ["| metric | what | better | column of `load_runs` | nets |", "|---|---|---|---|---|"]
    for name, metric in BY_CLAIM.items():
        nets = "detectors" if metric.of_detectors else "classifiers"
        column = f"`{metric.result}`" if metric.result else "of iterations alone (`at`)"
        rows.append(f"| `{name}` | {metric.label} | {metric.better or ''} | {column} | {nets} |")
    return "\n".join(rows)


def published() -> str:
    """A table of the paper's numbers that a claim can name."""
    rows = ["| `published` | value | runs | sd | how selected |", "|---|---:|---:|---:|---|"]
    for key, number in PUBLISHED.items():
        if number.column in BY_CLAIM:
            runs, sd = number.n or "", "" if number.sd is None else number.sd
            rows.append(f"| `{key}` | {number.value:g} | {runs} | {sd} | {number.selected} |")
    return "\n".join(rows)


def _examples() -> dict[str, str]:
    """Kind -> the shortest claim of that kind in the suites that come with the package."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(suites_folder().rglob("*.yaml")):
        for claim in load_suite(path).suite.claims:
            kind = next(name for name, each in KINDS.items() if type(claim) is each)
            stated = claim.model_dump(mode="json", exclude_unset=True)
            usual = type(claim).usual_margin(stated)
            if (stated.get("margin"), stated.get("margin_reason")) == usual:
                stated = {k: v for k, v in stated.items() if not k.startswith("margin")}
            text = yaml.safe_dump([stated], sort_keys=False, allow_unicode=True, width=88)
            name = path.relative_to(suites_folder()).with_suffix("")
            if kind not in found or len(text) < len(found[kind][1]):
                found[kind] = (str(name), text)
    return {kind: f"From `{name}`:\n\n```yaml\n{text}```" for kind, (name, text) in found.items()}
