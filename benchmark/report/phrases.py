"""What is true of some of a suite's variants, as lines of a report."""

from collections.abc import Mapping


def by_phrase(told_of: Mapping[str, list[str]]) -> list[str]:
    """Return a line per phrase, with the names of its variants unless all have it.
    ``told_of``: variant -> its phrases, such as its departures."""
    return [
        phrase if len(names) == len(told_of) else f"{phrase} ({', '.join(names)})"
        for phrase, names in _variants_of(told_of).items()
    ]


def by_variants(told_of: Mapping[str, list[str]]) -> list[str]:
    """Return a line per set of variants, after their names unless it is all of them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for phrase, names in _variants_of(told_of).items():
        found.setdefault(tuple(names), []).append(phrase)
    return [
        ("" if len(names) == len(told_of) else f"{', '.join(names)}: ") + "; ".join(phrases)
        for names, phrases in found.items()
    ]


def _variants_of(told_of: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return phrase -> variants."""
    found: dict[str, list[str]] = {}
    for variant, phrases in told_of.items():
        for phrase in phrases:
            found.setdefault(phrase, []).append(variant)
    return found
