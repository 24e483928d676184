"""How a command ends: what is said, to whom, and with which exit status."""

import io
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

import typer

from iolaus.errors import IolausError

__all__ = ["run"]

# Typer has had click's errors under more than one name; all that say how a command is used derive from this one.
_USAGE: Final[type[Exception]] = typer.BadParameter.__mro__[1]
_STOPPED: Final = 130


def run(app: Callable[..., Any]) -> int:
    """Run the app and return the exit status; nothing is raised, and no traceback shown.

    2 stands for whatever a user can mend, 130 for an interruption, 1 for a reader that went away, and for a fault of
    Iolaus itself, which is said in one line with its place (``IOLAUS_TRACEBACK=1`` shows all of it).
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another alphabet shows what it lacks as an escape; it is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = app(prog_name="iolaus", standalone_mode=False)
        sys.stdout.flush()
    except IolausError as error:
        return _say(str(error), 2)
    except _USAGE as error:
        return _say_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", _STOPPED)
    except BrokenPipeError:
        # What is left in the buffer would be written, and fail again, when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _say(f"{error.filename or 'the output'} cannot be used: {error.strerror or error}", 2)
    except MemoryError:
        return _say("the memory does not suffice; --memory bounds what the database takes", 2)
    except Exception as error:
        return _say_fault(error)
    return status if isinstance(status, int) else 0


def _say(sentence: str, status: int) -> int:
    line = " ".join(sentence.splitlines())
    sys.stderr.write(f"iolaus: {line}\n")
    return status


def _say_usage(error: Exception) -> int:
    """One line; asking for nothing at all gives the help instead."""
    context = getattr(error, "ctx", None)
    message = getattr(error, "format_message", lambda: str(error))()
    if not message.strip() or type(error).__name__ == "NoArgsIsHelpError":
        if context is not None:
            typer.echo(context.get_help(), err=True)
        return 2
    command = getattr(context, "command_path", "iolaus")
    return _say(f"{message.strip().rstrip('.')}; see '{command} --help'", 2)


def _say_fault(error: Exception) -> int:
    if os.environ.get("IOLAUS_TRACEBACK"):
        traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(last.filename)}:{last.lineno}"
    return _say(f"a fault in Iolaus, please report it: {type(error).__name__} at {place}: {error}", 1)
