"""What the commands share: help that is laid out by hand, and errors that end in one sentence."""

from __future__ import annotations

import argparse
import math
from typing import NoReturn

HIGHEST_PORT = 65535


class Parser(argparse.ArgumentParser):
    """A parser whose help is a text, and whose errors are a sentence without the usage.

    :param text: The help, which names every option.
    """

    def __init__(self, prog: str, text: str) -> None:
        super().__init__(prog=prog, add_help=False, allow_abbrev=False)
        self._text = text
        self.add_argument("-h", "--help", action="help")

    def format_help(self) -> str:
        """Return the text."""
        return self._text

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"{message}; --help lists the options\n")


def ended(sentence: str) -> SystemExit:
    """Return the end of the program, with exit code 1, for an error that its user can mend."""
    return SystemExit(" ".join(sentence.split()))


def port(text: str) -> int:
    """Read a port; 0 is a free one."""
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


def web_address(text: str) -> str:
    """Read the address of a web server."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: begin it with http:// or https://")
    return text


def reason(error: BaseException) -> str:
    """Return what an exception says, on one line and not without end."""
    said, _, _ = str(error).partition("\n---")  # what follows in errors of Taskcluster's client repeats the call
    return " ".join(said.split())[:300] or type(error).__name__
