"""Helpers of the command lines: hand-written help, argument types, and errors as one sentence."""

from __future__ import annotations

import argparse
import math
import re
from typing import NoReturn

HIGHEST_PORT = 65535
TASK_QUEUE_ID = re.compile(r"[a-zA-Z0-9_-]{1,38}/[a-z]([-a-z0-9]{0,36}[a-z0-9])?")


class Parser(argparse.ArgumentParser):
    """Argument parser with hand-written help, whose errors are one sentence without the usage.

    :param text: The help, which must name every option.
    """

    def __init__(self, prog: str, text: str) -> None:
        super().__init__(prog=prog, add_help=False, allow_abbrev=False)
        self._text = text
        self.add_argument("-h", "--help", action="help")

    def format_help(self) -> str:
        """Return the hand-written help."""
        return self._text

    def error(self, message: str) -> NoReturn:
        """Exit with code 2."""
        self.exit(2, f"{message}; --help lists the options\n")


def ended(sentence: str) -> SystemExit:
    """Return the exception that exits with code 1 and a sentence, for an error that the user can fix."""
    return SystemExit(" ".join(sentence.split()))


def port(text: str) -> int:
    """Read a port number; 0 means any free port."""
    number = int(text)
    if not 0 <= number <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: pass a number from 0 to {HIGHEST_PORT}")
    return number


def seconds(text: str) -> float:
    """Read a number of seconds, 0 or more."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds: pass one from 0 on")
    return number


def task_queue_id(text: str) -> str:
    """Read the id of a task queue."""
    if not TASK_QUEUE_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no task queue: pass one such as emulator/linux")
    return text


def appendable(text: str) -> str:
    """Read the path of a file, which is made if there is none."""
    try:
        open(text, "ab").close()  # noqa: PTH123 - only to see whether it can be written
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written: {error.strerror}") from None
    return text


def web_address(text: str) -> str:
    """Read the address of a web server."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: begin it with http:// or https://")
    return text


def reason(error: BaseException) -> str:
    """Return the message of an exception on one line of at most 300 characters."""
    message, _, _ = str(error).partition("\n---")  # Taskcluster's client repeats the call below this line
    return " ".join(message.split())[:300] or type(error).__name__
