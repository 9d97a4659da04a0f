"""Foreign text, made fit for an error, a log or a result: the one place that does so. Pure.

Foreign is what a task, a store, a service or a library wrote: names, content types, reasons, messages. Raw, it could
forge lines of a log, hide text behind control characters, fill a disk, or show the signature of a URL.
"""

from __future__ import annotations

LONGEST = 600
CUT = "..."
# Numbers that are larger say nothing, and may have thousands of digits.
LARGEST_SHOWN = 1e20
# Of a whole message, which may quote several texts.
LONGEST_MESSAGE = 4000


def visible(text: object, longest: int | None = None) -> str:
    r"""Return the text with each character that does not print as an escape: a newline becomes ``\n``.

    :param longest: Characters after which it is cut; None for no limit. What was cut before stays as it is.
    """
    found = str(text)
    if longest is not None:
        found = found[: longest + len(CUT) + 1]
    if not found.isprintable():
        found = "".join(char if char.isprintable() else repr(char)[1:-1] for char in found)
    if longest is None or len(found) <= longest or (len(found) <= longest + len(CUT) and found.endswith(CUT)):
        return found
    return f"{found[:longest].rstrip()}{CUT}"


def one_line(text: object, longest: int = LONGEST) -> str:
    r"""Return foreign text as one line that can be quoted: visible, cut where it gets too long, no secrets in URLs.

    Lines are stripped and joined by ``\n``. Carets that point at the line above them (some HTTP parsers draw such) are
    left out.
    """
    found = str(text).lstrip()[: longest * 4]  # what is hostile may be large
    stripped = (line.strip(" \t\r") for line in found.split("\n"))
    lines = "\n".join(line for line in stripped if line.strip("^ "))
    return visible(" ".join(map(_without_secrets, lines.split(" "))), longest)


def _without_secrets(word: str) -> str:
    """Cut a URL where its query begins, which is where signatures are, and leave out a login."""
    scheme, mark, rest = word.partition("://")
    if not mark:
        return word
    address, query, _ = rest.partition("?")
    host, slash, path = address.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}{query and '?...'}"


def json_kind(value: object) -> str:
    """Say what a value of somebody's JSON is, in a few words."""
    if isinstance(value, bool | None):
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        return f"the text '{one_line(value, 40)}'"
    if isinstance(value, int | float):
        return f"the number {value}" if abs(value) < LARGEST_SHOWN else "a huge number"
    return "a list" if isinstance(value, list) else "an object"


def exception_summary(error: BaseException) -> str:
    """Describe an exception that nobody thought of: its kind, its text, and where it was raised."""
    place, step = "", error.__traceback__
    while step is not None:
        place = f" ({step.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {step.tb_lineno})"
        step = step.tb_next
    return f"{type(error).__name__}: {one_line(error)}{place}"


def over_connection(conn_id: object) -> str:
    """Say over which connection something was tried."""
    return f"over connection {str(conn_id)!r}"
