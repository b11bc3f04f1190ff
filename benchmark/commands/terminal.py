"""What the commands say, and how they end."""

import sys
from io import TextIOWrapper
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

BAD_INPUT, RUNS_FAILED, INTERRUPTED = 2, 1, 130


class Commands(TyperGroup):
    """Commands that say in one line what is not as it must be: bad input, folders that cannot be
    read or written, torn records, an MLflow that is away. Any other error is one of the code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """What the output's encoding has not, such as a dash in ASCII, ends no command."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().main(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        from benchmark.problems import InputError
        from benchmark.records.problems import RecordsError, TrackingError

        try:
            return super().invoke(ctx)
        except (InputError, RecordsError, TrackingError) as error:
            fail(str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                fail(str(error))
            rule = "files and folders must be such as can be read and written"
            fail(f"{rule}. Received: {error.filename}: {error.strerror}")


def say(text: str) -> None:
    """A line of output, without passwords."""
    from benchmark.records.problems import masked

    typer.echo(masked(text))


def fail(message: str, code: int = BAD_INPUT) -> NoReturn:
    """Say what is wrong, and end the command."""
    from benchmark.records.problems import masked

    typer.echo(masked(message), err=True)
    raise typer.Exit(code)
