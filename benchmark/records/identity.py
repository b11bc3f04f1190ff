"""What a run's id is a digest of, as its records tell it."""

import hashlib
import json
from typing import Any

from benchmark.spec import RunSpec
from benchmark.spec.recipe import with_recipe


def recorded_id(spec: dict[str, Any], recipe: dict[str, int] | None) -> str:
    """The id of a run by its spec, as plain data, and the numbers of its recipe; by the present
    ones where none were recorded, as no worker had begun. Raises ValueError for a spec of a version
    with other fields."""
    stated = RunSpec.model_validate(spec).stated()
    if recipe is not None:
        stated = with_recipe(stated, recipe)
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
