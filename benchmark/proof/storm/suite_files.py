"""Suite files changed at random: the command plans them or says what is wrong."""

import contextlib
import io
import random
from collections.abc import Callable
from pathlib import Path

from benchmark.problems import InputError
from benchmark.proof.storm.setting import Setting, Tries
from benchmark.records.store import Store
from benchmark.suite import load_suite

_ODD = (
    "1e-4", "-0.0", ".nan", ".inf", "0o17", "024", "1:30", "yes", "~", "", "''", "[]", "{}", "[[",
    "}", "&a [*a, *a]", "*a", "!!python/object/apply:os.system [date]", "!!binary aGk=", "!x y",
    "<<: {a: 1}", "? [a]", "|", "- - - -", "../../escape", "/etc/passwd", "a/b", "CON", "..",
    "n" * 300, "9" * 400, "-1", "0", "1e400", "\x00", "\x85", "\u2028", "\ufeff", "\udcff",
    '"\\U00110000"',
    "name: again", "seeds: [0]", "seeds: 0", "seeds: []", "model.depth: [20, 20]", "depth: 21",
    "model: {stem: cifar, depth: 21}", "vary: {grid: {seed: [1]}}", "[" * 50, "{a: " * 50,
)  # fmt: skip


def suite_files(setting: Setting) -> Tries:
    """Check that each ends with exit code 0 or 2, without a traceback, and writes nothing."""
    originals = [path.read_text("utf-8") for path in sorted(setting.suites.rglob("*.yaml"))]
    rng, count = random.Random(0), setting.size(10_000, 100)
    tries, planned = Tries(), 0
    file, results = setting.scratch / "changed.yaml", setting.scratch / "results"
    for number in range(count):
        text = changed(rng.choice(originals), rng)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        code, problem = planning(setting.plan, file, results)
        planned += code == 0
        left = {path.name for path in setting.scratch.iterdir()} - {file.name}
        tries.add(f"file {number}", problem or (f"it wrote {left}" if left else None))
        if problem:
            tries.failures[-1] += f" for {text!r}"
        if number % 1000 == 999:
            setting.say(f"{number + 1} of {count} files")
    refused = count - planned
    tries.seen.append(f"{planned} could be planned, {refused} were refused")
    return tries


def planning(
    plan: Callable[[Path, Path], None], file: Path, results: Path
) -> tuple[int, str | None]:
    """Have the command plan a file. Returns its exit code, and what is wrong."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            plan(file, results)
    except InputError as error:  # The command line reports it, with exit code 2.
        named = f"{file}:" in str(error)
        return 2, None if named else f"it does not name the file: {str(error)[:300]}"
    except (Exception, SystemExit) as error:
        return 1, f"it raised {error!r}"
    folder = Store(results).suite(load_suite(file).suite.name).path
    return 0, None if folder.parent == results else f"its records would stand in {folder}"


def changed(text: str, rng: random.Random) -> str:
    """Apply one to four random changes to a suite's text."""
    for _ in range(rng.randint(1, 4)):
        change = rng.choice((_part, _part, _value, _line))
        text = change(text, rng)
    return text


def _part(text: str, rng: random.Random) -> str:
    """Cut off the rest, delete some characters, insert something odd, or change a character."""
    start = rng.randrange(len(text) + 1)
    character = chr(rng.choice([*range(128), 0x2028, 0xDC80]))
    deleted, put = rng.choice(
        ((len(text), ""), (rng.randint(1, 8), ""), (0, rng.choice(_ODD)), (1, character))
    )
    return text[:start] + put + text[start + deleted :]


def _value(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    number = rng.randrange(len(lines))
    key, colon, _ = lines[number].partition(":")
    lines[number] = f"{key}{colon} {rng.choice(_ODD)}"
    return "\n".join(lines)


def _line(text: str, rng: random.Random) -> str:
    """Copy, swap or delete a line, or change its indentation."""
    lines = text.split("\n")
    number, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    what = rng.choice(("copy", "swap", "delete", "indent"))
    if what == "copy":
        lines.insert(other, lines[number])
    elif what == "swap":
        lines[number], lines[other] = lines[other], lines[number]
    elif what == "delete":
        del lines[number]
    else:
        lines[number] = " " * rng.randint(0, 6) + lines[number].lstrip()
    return "\n".join(lines)
