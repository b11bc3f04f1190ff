"""The id of a run, computed from its records."""

import hashlib
import json
from typing import Any

from benchmark.spec import RunSpec
from benchmark.spec.recipe import with_recipe


def recorded_id(spec: dict[str, Any], recipe: dict[str, int] | None) -> str:
    """Return the id of a run with this spec, as plain data, and these recipe numbers; the current
    ones if none were recorded because no worker had begun. Raises ValueError for a spec from a
    version with other fields."""
    stated = RunSpec.model_validate(spec).stated()
    if recipe is not None:
        stated = with_recipe(stated, recipe)
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
