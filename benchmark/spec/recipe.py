"""The version of the training code that a run's bits depend on.

A number is raised when a code change alters the bits of some spec's training, so that earlier runs
are no longer taken for runs of the present code. There is one per part of the code that runs go
through, so that other runs keep their ids. The golden runs of the tests fail if bits have changed
and the number has not.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.spec.run import RunSpec

RECIPE = {
    "training": 1,
    "scores": 2,
    "photographs": 1,
    "detection": 1,
    "pretrained": 1,
    "replicas": 1,
    "xla": 1,
}
"""Part -> its number. Every run goes through ``training``, and through ``scores`` if its learning
rate follows the error of a scored split."""


def with_recipe(stated: dict[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """Return ``stated`` with the numbers that were raised. Those that are 1 are left out, so that a
    part can be added later without changing ids."""
    raised = {part: number for part, number in numbers.items() if number != 1}
    others = {field: value for field, value in stated.items() if field != "recipe"}
    return others | ({"recipe": raised} if raised else {})


def recipe(spec: "RunSpec") -> dict[str, int]:
    """Return the numbers of the parts that a run goes through."""
    parts = {
        "training": True,
        "scores": spec.follows_scores,
        "photographs": spec.dataset.kind == "photographs",
        "detection": spec.detector is not None,
        "pretrained": spec.pretrained is not None,
        "replicas": spec.numerics.replicas > 1,
        "xla": spec.numerics.xla,
    }
    return {part: RECIPE[part] for part, gone_through in parts.items() if gone_through}
