"""Pieces of messages: what others said, made fit for ours, and how a connection is named. Pure."""

from __future__ import annotations

LONGEST = 600


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return the text on one line, without control characters, cut where it gets too long.

    Carets that point at the line above them (some HTTP parsers draw such) are left out.
    """
    printable = "".join(character if character.isprintable() else " " for character in str(text))
    words = " ".join(word for word in printable.split() if word.strip("^"))
    return words if len(words) <= longest else f"{words[:longest].rstrip()}..."


def over_connection(conn_id: object) -> str:
    """Say over which connection something was tried."""
    return f"over connection {str(conn_id)!r}"
