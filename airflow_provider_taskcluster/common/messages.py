"""Helpers that put foreign text on one safe line of an error, a log or a result. Pure.

Foreign text is written by a task, a store, a service or a library: names, content types, reasons, messages. Unchanged,
it could forge log lines, hide text behind control characters, fill a disk, or show the signature of a URL.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 600
CUT = "..."
# Larger numbers are not shown: they may have thousands of digits.
LARGEST_SHOWN = 1e20
# Characters of a whole message, which may quote several texts.
LONGEST_MESSAGE = 4000
# Colours and styles (CSI ... m), and other sequences for terminals: cursor moves (CSI), titles and links (OSC),
# character sets.
_COLOUR = re.compile(r"(\x1b\[[0-9;:]{0,64}m)")
_TERMINAL = re.compile(r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|\x1b[()][0-9A-Za-z]")


def visible(text: object, longest: int | None = None) -> str:
    r"""Return the text with unprintable characters as escapes: a newline becomes ``\n``.

    :param longest: Characters after which it is cut; None for no limit. Text that was cut before is not cut again.
    """
    shown = str(text)
    if longest is not None:
        shown = shown[: longest + len(CUT) + 1]
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown)
    if longest is None or len(shown) <= longest or (len(shown) <= longest + len(CUT) and shown.endswith(CUT)):
        return shown
    return f"{shown[:longest].rstrip()}{CUT}"


def log_line(text: str) -> str:
    r"""Return one line of a foreign log: colours stay, other sequences for terminals go, control characters are shown.

    Tabs and all kinds of spaces stay. A newline becomes ``\n``.
    """
    if text.isprintable():
        return text
    parts = _COLOUR.split(text)  # every other one is a colour
    return "".join(part if odd % 2 else _plain(part) for odd, part in enumerate(parts))


def _plain(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\t" or unicodedata.category(char) == "Zs" else repr(char)[1:-1]
        for char in _TERMINAL.sub("", text)
    )


def one_line(text: object, longest: int = LONGEST) -> str:
    r"""Return foreign text as one line: visible, cut to a length, without secrets in URLs.

    Lines are stripped and joined by ``\n``. Lines of carets, by which some HTTP parsers point at the line above, are
    dropped.
    """
    shown = str(text).lstrip()[: longest * 4]  # what is hostile may be large
    stripped = (line.strip(" \t\r") for line in shown.split("\n"))
    lines = "\n".join(line for line in stripped if line.strip("^ "))
    return visible(" ".join(map(_without_secrets, lines.split(" "))), longest)


def _without_secrets(word: str) -> str:
    """Return a URL without its query, which may hold a signature, and without a login."""
    scheme, mark, rest = word.partition("://")
    if not mark:
        return word
    address, query, _ = rest.partition("?")
    host, slash, path = address.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}{query and '?...'}"


def json_kind(value: object) -> str:
    """Describe a value of foreign JSON in a few words."""
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return f"the text '{one_line(value, 40)}'"
    if isinstance(value, int | float):
        return f"the number {value}" if abs(value) < LARGEST_SHOWN else "a huge number"
    return "a list" if isinstance(value, list) else "an object"


def exception_summary(error: BaseException) -> str:
    """Describe an unexpected exception on one line: its type, its text, and where it was raised."""
    origin, step = "", error.__traceback__
    while step is not None:
        origin = f" ({step.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {step.tb_lineno})"
        step = step.tb_next
    return f"{type(error).__name__}: {one_line(error)}{origin}"


def over_connection(conn_id: object) -> str:
    """Return the words that name the connection of a call in a message."""
    return f"over connection {str(conn_id)!r}"
