"""The commands' output, and how they end."""

import logging
import sys
from collections.abc import Collection, Iterable
from contextvars import ContextVar
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from benchmark.problems import InputError
from benchmark.records.problems import RecordsError, TrackingError, masked

BAD_INPUT, RUNS_FAILED, INTERRUPTED = 2, 1, 130

ANYWHERE = ("--quiet", "-q", "--verbose", "-v")
"""Options that may come before or after a command's name."""


class Commands(TyperGroup):
    """Commands that report expected problems in one line: bad input, unreadable or unwritable
    folders, torn records, unusable images, an unreachable MLflow. Any other error is a bug."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run the command; characters that the output cannot encode do not end it."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().main(*arguments, **options)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Accept the options of all commands after the command's name, too."""
        end = args.index("--") if "--" in args else len(args)
        own, left = args[:end], args[end:]
        first = [word for word in own if word in ANYWHERE]
        return super().parse_args(ctx, first + [w for w in own if w not in ANYWHERE] + left)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        before = _QUIET.set(False)
        try:
            return super().invoke(ctx)
        except (InputError, RecordsError, TrackingError) as error:
            fail(str(error))
        except (BrokenPipeError, typer.Exit):
            raise
        except OSError as error:
            if error.filename is None:
                fail(str(error))
            rule = "files and folders must be readable and writable"
            fail(f"{rule}. Received: {error.filename}: {error.strerror}")
        except RuntimeError as error:
            from benchmark.data.images import DataError  # Loads NumPy, which most do without.

            if not isinstance(error, DataError):
                raise
            fail(str(error), RUNS_FAILED)
        finally:
            _QUIET.reset(before)


def of_all_commands(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Show only problems, the verdicts and where the report is."
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log progress to standard error.")
    ] = False,
) -> None:
    """Take the options of all commands, which may also come after a command's name."""
    _QUIET.set(quiet)
    log, told = logging.getLogger("resnet_bench"), logging.getLogger("resnet_bench.runs")
    for handler in [each for each in log.handlers if each.name == _TERMINAL]:
        log.removeHandler(handler)
    log.setLevel(logging.DEBUG if verbose else logging.WARNING)
    # The commands themselves report the outcome of runs and of their mirror.
    told.setLevel(logging.NOTSET if verbose else logging.CRITICAL)
    if verbose:
        handler = logging.StreamHandler(sys.stderr)
        handler.set_name(_TERMINAL)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)


_TERMINAL = "terminal"

_QUIET = ContextVar("quiet", default=False)


def is_quiet() -> bool:
    """Return whether the command was given --quiet."""
    return _QUIET.get()


def say(text: str) -> None:
    """Print a line, without passwords."""
    typer.echo(masked(text))


def note(text: str) -> None:
    """Print a line, without passwords, unless --quiet was given."""
    if not is_quiet():
        say(text)


def fail(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Print what is wrong, and end the command."""
    typer.echo(masked(message), err=True)
    raise typer.Exit(code)


def require_known(what: str, given: Iterable[str], known: Collection[str]) -> None:
    """End the command if one of the values of ``what``, an option or argument, is none that is
    known."""
    for name in given:
        if name not in known:
            fail(f"{what} must be one of {', '.join(known)}. Received: {name}")
