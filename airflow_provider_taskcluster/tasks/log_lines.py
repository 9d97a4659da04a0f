"""Cuts the bytes of a foreign log into lines that are fit for the log of an Airflow task. Pure."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import log_line
from airflow_provider_taskcluster.common.redaction import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

# Characters of a line that are shown.
LONGEST_LINE = 16 * 1024
# Characters kept of a longer one: a secret at the end of what is shown is found whole.
_KEPT = LONGEST_LINE + 4096
# Characters of a secret: shorter ones would mask much else. Airflow masks none of these either.
_SHORTEST_SECRET = 5
# What a cut may leave of a colour at the end.
_CUT_COLOUR = re.compile(r"\x1b[^m]{0,80}$")
_END_OF_COLOURS = "\x1b[0m"


class LineCutter:
    """Turns bytes, cut anywhere, into lines without newlines; the same ones however the bytes are cut.

    UTF-8 is put together, and invalid bytes are replaced. If a line has carriage returns, such as a progress bar, the
    text after the last one is shown, as on a terminal. A line over :data:`LONGEST_LINE` characters is cut, and says so.

    :param secrets: Texts to mask.
    """

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        parts = (part for secret in secrets for part in secret.splitlines())
        self._secrets = tuple(part for part in parts if len(part) >= _SHORTEST_SECRET)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._start = ""  # of the unfinished line
        self._length = 0
        self._returned = False  # the unfinished line ends with a carriage return

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that the bytes complete. Read them all before the next call."""
        return self._lines(self._decoder.decode(data))

    def end(self) -> Iterator[str]:
        """Yield the rest: a last line without a newline."""
        yield from self._lines(self._decoder.decode(b"", final=True))
        if self._length:
            yield self._finished()

    def _lines(self, text: str) -> Iterator[str]:
        first, newline, rest = text.partition("\n")
        self._continue(first)
        if not newline:
            return
        yield self._finished()
        whole, newline, last = rest.rpartition("\n")
        if newline:
            yield from self._whole_lines(whole)
        self._continue(last)

    def _whole_lines(self, text: str) -> Iterator[str]:
        lines = text.split("\n")
        if text.replace("\n", "").replace("\t", "").isprintable() and max(map(len, lines)) <= LONGEST_LINE:
            shown = masked(text, self._secrets).split("\n")
            if shown == lines or max(map(len, shown)) <= LONGEST_LINE:
                yield from shown
                return
        for line in lines:
            self._continue(line)
            yield self._finished()

    def _continue(self, text: str) -> None:
        """Add text without newlines to the unfinished line."""
        if self._returned or "\r" in text:
            shown = text.rstrip("\r")
            _, overwritten, shown_last = shown.rpartition("\r")
            if overwritten or (self._returned and shown):
                self._start, self._length = "", 0
            self._returned = len(shown) < len(text) or (self._returned and not shown)
            text = shown_last
        if self._length < _KEPT:
            self._start += text[: _KEPT - self._length]
        self._length += len(text)

    def _finished(self) -> str:
        """Return the unfinished line, and begin the next one."""
        start, length = self._start, self._length
        self._start, self._length, self._returned = "", 0, False
        line = log_line(masked(start, self._secrets))
        if len(line) <= LONGEST_LINE and length <= _KEPT:
            return line
        cut = _CUT_COLOUR.sub("", line[:LONGEST_LINE])
        colours_end = _END_OF_COLOURS if "\x1b" in cut else ""
        return f"{cut}{colours_end}... (cut here: the line has {length:,} characters)"
