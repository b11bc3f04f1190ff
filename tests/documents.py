"""The documents, their blocks of code, and the commands in them."""

import re
import shlex
from pathlib import Path

import typer.main

from benchmark.cli import app

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
    command, rest = typer.main.get_command(app), list(arguments)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    return command, rest


def parse(arguments):
    """As the command line does it: raises where an option or a suite is unknown."""
    command, rest = command_of(arguments)
    return command.make_context(command.name, rest).params
