"""Which version of the training code a run's bits are of.

Each number is raised when a change of the code changes the bits of what some spec trains, so that
the runs of before are no longer taken for runs of the present code. It is kept by the part of the
code that such runs go through, so that others keep their ids. The golden runs of the tests fail
where bits have changed and the number has not.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.spec.run import RunSpec

RECIPE = {
    "training": 1,
    "photographs": 1,
    "detection": 1,
    "pretrained": 1,
    "replicas": 1,
    "xla": 1,
}
"""Part -> its number. ``training`` is what every run goes through."""


def with_recipe(stated: dict[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    """What an id is made of, with the numbers that were raised: those that are 1 are left out, so
    that a part can be told apart later without other ids."""
    raised = {part: number for part, number in numbers.items() if number != 1}
    others = {field: value for field, value in stated.items() if field != "recipe"}
    return others | ({"recipe": raised} if raised else {})


def recipe(spec: "RunSpec") -> dict[str, int]:
    """The numbers of the parts that a run goes through."""
    parts = {
        "training": True,
        "photographs": spec.dataset.kind == "photographs",
        "detection": spec.detector is not None,
        "pretrained": spec.pretrained is not None,
        "replicas": spec.numerics.replicas > 1,
        "xla": spec.numerics.xla,
    }
    return {part: RECIPE[part] for part, gone_through in parts.items() if gone_through}
