"""The documents, their blocks of code, and the commands in them."""

import re
import shlex
from pathlib import Path

import typer.main

from benchmark.cli import app
from benchmark.commands.terminal import ANYWHERE

README = Path("README.md")
PAGES = sorted(Path("docs").glob("*.md"))
DOCUMENTS = [README, Path("benchmark/starter/README.md"), *PAGES]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(document):
    """Language and text of each block, in order."""
    return _BLOCK.findall(document.read_text("utf-8"))


def of_language(document, language):
    return [text for found, text in blocks(document) if found == language]


def commands(shell):
    """The arguments of each resnet-bench in a block of shell lines, those in quotes included."""
    for line in shell.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        starts = [i for i, word in enumerate(words) if Path(word).name == "resnet-bench"]
        for start, end in zip(starts, [*starts[1:], len(words)][: len(starts)], strict=True):
            arguments = words[start + 1 : end]
            yield arguments[: arguments.index("&&")] if "&&" in arguments else arguments
        for word in words:
            if " resnet-bench " in word:
                yield from commands(word)


def command_of(arguments):
    """The command that arguments begin with, and what is left of them. Raises KeyError."""
    command, rest = typer.main.get_command(app), [a for a in arguments if a not in ANYWHERE]
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    return command, rest


def parse(arguments):
    """As the command line does it: raises where an option or a suite is unknown."""
    command, rest = command_of(arguments)
    return command.make_context(command.name, rest).params


_TITLED = re.compile(r'^```python title="([^"\n]*)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def new_files(document):
    """Path and text of each block of Python that is a file."""
    return _TITLED.findall(document.read_text("utf-8"))


def edits(document):
    """Path, old and new text of each hunk of the document's diffs, which have no line numbers:
    ``--- PATH`` begins a file, ``@@`` another place of it."""
    for text in of_language(document, "diff"):
        for of_file in re.split(r"^--- ", text, flags=re.MULTILINE)[1:]:
            path, _, hunks = of_file.partition("\n")
            for hunk in re.split(r"^@@\n", hunks, flags=re.MULTILINE):
                lines = hunk.splitlines(keepends=True)
                old, new = ("".join(line[1:] for line in lines if line[0] != s) for s in "+-")
                yield path, old, new


def extend(folder, document):
    """Do to the package in a folder what a document says. Raises ValueError where a file is there
    already, or a hunk's old text not exactly once."""
    for path, text in new_files(document):
        file = folder / path
        if file.exists():
            raise ValueError(f"{path} is there already")
        file.parent.mkdir(exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(text)
    for path, old, new in edits(document):
        file = folder / path
        text = file.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{path} must have this once: {old}. Received: {text.count(old)}")
        file.write_text(text.replace(old, new))
