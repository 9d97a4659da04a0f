"""Lines that are fit for a log, out of bytes that are cut anywhere."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_taskcluster.tasks.log_lines import LONGEST_LINE, LineCutter

COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
RED, PLAIN = "\x1b[31m", "\x1b[0m"
SECRET = "c0ffee-c0ffee-c0ffee"


def lines_of(*pieces, secrets=(SECRET,)):
    cutter = LineCutter(secrets)
    return [line for piece in pieces for line in cutter.feed(piece)] + list(cutter.end())


PIECES = st.one_of(
    st.sampled_from(
        [
            *(b"\n", b"\r", b"\r\n", b"\x1b[31m", b"\x1b[2K", b"\x1b]0;title\x07", b"\0", b"\t", b"\xff", b"\xe2\x82"),
            *("€".encode(), "日本".encode(), "\N{PILE OF POO}".encode(), b"a" * 9000, SECRET.encode(), b"?bewit=abc"),
            b"http://u:p@host/",
        ]
    ),
    st.binary(max_size=20),
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 40_000), max_size=8))
@settings(deadline=None, max_examples=300)
def test_any_cuts_of_the_bytes_give_the_same_lines(pieces, cuts):
    data = b"".join(pieces)
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    cut = [data[start:end] for start, end in pairwise(places)]
    by_byte = [bytes([byte]) for byte in data[:2000]] + [data[2000:]]
    assert lines_of(data) == lines_of(*cut) == lines_of(*by_byte)


@given(st.lists(PIECES, max_size=12))
@settings(deadline=None, max_examples=200)
def test_no_line_has_a_control_character_but_of_a_colour(pieces):
    for line in lines_of(b"".join(pieces)):
        assert all(c.isprintable() or c == "\t" or unicodedata.category(c) == "Zs" for c in COLOUR.sub("", line))
        assert SECRET not in line
        assert len(line) < LONGEST_LINE + 100


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n\na", ["", "", "a"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"one\n\n", ["one", ""]),
        (b" 1%\r 50%\r100%\ndone", ["100%", "done"]),
        (b"50%\r\r\nend\r", ["50%", "end"]),
        (f"{RED}red{PLAIN} not\n".encode(), [f"{RED}red{PLAIN} not"]),
        (b"\x1b[1;38;5;12mx\x1b[m\n", ["\x1b[1;38;5;12mx\x1b[m"]),
        (b"\x1b[2K\x1b[1Ga\x1b[?25lb\x1b(B\n", ["ab"]),
        (b"\x1b]8;;http://x\x07link\x1b]8;;\x1b\\\n", ["link"]),
        (b"a\0b\x07\x08\x1bc\x9b\n", [r"a\x00b\x07\x08\x1bc" + "\ufffd"]),
        ("a\u202eb\u2028c\x85d\n".encode(), [r"a\u202eb\u2028c\x85d"]),
        ("\ta\u3000b\xa0c\n".encode(), ["\ta\u3000b\xa0c"]),
        ("tschüß €\n".encode(), ["tschüß €"]),
        (b"bad \xff\xfe end\n", ["bad \ufffd\ufffd end"]),
        (f"token {SECRET}!\n".encode(), ["token ***!"]),
        (
            b"GET https://u:p@host/x?X-Amz-Signature=abc&y=1 t=1\n",
            ["GET https://***@host/x?X-Amz-Signature=***&y=1 t=1"],
        ),
        (b"see https://host/a?b=c\n", ["see https://host/a?b=c"]),
    ],
)
def test_what_a_line_shows(data, lines):
    assert lines_of(data) == lines
    assert lines_of(b"x\n" + data + b"\nx\n")[1 : len(lines) + 1] == lines, "amidst others as well"


@pytest.mark.parametrize("size", [LONGEST_LINE, LONGEST_LINE + 1, 1_000_000])
def test_a_long_line_is_cut_and_says_so(size):
    (line, after) = lines_of(b"a" * size + b"\nb")
    if size <= LONGEST_LINE:
        assert line == "a" * size
    else:
        assert line == f"{'a' * LONGEST_LINE}... (cut here: the line has {size:,} characters)"
    assert after == "b"


def test_a_cut_leaves_no_half_of_a_colour_and_no_colour_that_goes_on():
    start = f"{RED}{'a' * (LONGEST_LINE - 8)}"
    (line,) = lines_of(f"{start}\x1b[38;5;1m{'b' * 100}".encode())
    assert line.startswith(f"{start}{PLAIN}... (cut")


def test_a_secret_where_a_line_is_cut_is_not_shown_in_part():
    (line,) = lines_of(b"a" * (LONGEST_LINE - 4) + SECRET.encode() + b"b" * 100_000)
    assert SECRET[:4] not in line


def test_short_secrets_mask_nothing_and_those_of_many_lines_are_masked_in_each():
    assert lines_of(b"a cat\nxx first-line\nlast-line\n", secrets=("a", "first-line\nlast-line")) == [
        *("a cat", "xx ***", "***")
    ]


def test_a_line_without_end_takes_no_more_memory_than_what_is_shown():
    cutter = LineCutter()
    for _ in range(1000):
        assert list(cutter.feed(b"x" * 65536)) == []
    assert len(cutter._start) < 2 * LONGEST_LINE
