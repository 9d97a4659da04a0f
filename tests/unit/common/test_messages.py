from __future__ import annotations

import pytest

from airflow_provider_taskcluster.common.messages import exception_summary, log_line, one_line, visible


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two\n\n words\t", r"two\nwords"),
        ("a\r\nb\rc", r"a\nb\rc"),
        ("Bad status line:\n\n  b'SSH-2.0'\n    ^", r"Bad status line:\nb'SSH-2.0'"),
        ("\x1b[31mred\x1b[0m \0 end", r"\x1b[31mred\x1b[0m \x00 end"),
        ("a\u2028b\u202ec\ud800", r"a\u2028b\u202ec\ud800"),
        ("tschüß 日本", "tschüß 日本"),
        ("a\\nb", "a\\nb"),
        (ValueError("wrong\nhere"), r"wrong\nhere"),
        ("at https://h/p?sig=c0ffee, and why?", "at https://h/p?... and why?"),
        ("x://u:c0ffee@h/p@q?c0ffee and http://u:c0ffee@h", "x://h/p@q?... and http://h"),
        ("object:a:b//c@d?e", "object:a:b//c@d?e"),
        ("", ""),
    ],
)
def test_foreign_text_becomes_one_line_on_which_all_is_visible(text, line):
    assert one_line(text) == line
    assert one_line(line) == line, "twice is as good as once"


def test_a_long_text_is_cut():
    assert one_line("x" * 601) == "x" * 600 + "..."
    assert one_line("x" * 600) == "x" * 600
    assert one_line("one two three", 7) == "one two..."
    assert visible("x" * 601) == "x" * 601
    assert one_line("\x00" * 1_000_000) == r"\x00" * 150 + "..."


@pytest.mark.parametrize("text", ["x" * 700, "\x00" * 700, "x" * 599 + "\n", "x " * 700, "x" * 597 + "..."])
def test_what_was_cut_is_not_cut_again(text):
    assert one_line(one_line(text)) == one_line(text)
    assert visible(visible(text, 600), 600) == visible(text, 600)


def test_an_unexpected_exception_is_told_with_its_kind_and_place():
    def fail():
        raise KeyError("a\nb")

    try:
        fail()
    except KeyError as error:
        told = exception_summary(error)
    assert told.startswith(r"KeyError: 'a\nb' (test_messages.py, line ")
    assert exception_summary(ValueError("never raised")) == "ValueError: never raised"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain tschüß", "plain tschüß"),
        ("a\tb\xa0c\u3000d", "a\tb\xa0c\u3000d"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b[2J\x1b[10;20Hmoved\x1b[K", "moved"),
        ("\x1b]0;a title\x07b", "b"),
        ("a\x1b[31", r"a\x1b[31"),
        ("\x1b\x1b[2K[31mnot red", r"\x1b[31mnot red"),
        ("a\nb\0\u202e\ud800", r"a\nb\x00\u202e\ud800"),
    ],
)
def test_a_line_of_a_log_keeps_its_colours_and_no_other_control_character(text, line):
    assert log_line(text) == line
