"""Malformed responses derived from good ones: other types, missing, null, huge, nested, not UTF-8."""

from __future__ import annotations

import json

from hypothesis import strategies as st

NESTED = "nested-5000-deep"
MISSING = "missing"
DEEP = b'{"a":[' * 2500 + b"]}" * 2500

odd_values = st.one_of(
    st.sampled_from([MISSING, NESTED, None, True, False, "", [], {}, [[]], {"": ""}, [None], {"a": None}]),
    st.sampled_from([0, -1, 1.5, 2**31, 2**63, 10**40, -(10**40), float("nan"), float("inf"), 1e308]),
    st.sampled_from(["x" * 100_000, "\x00", "a\nb", "a\r\nb: c", "\x1b[31m", "\u202e", "\ud800", "null", "0", "ü"]),
    st.sampled_from(["2030-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2030-13-01T00:00:00Z"]),
    st.sampled_from(["ftp://h/a?sig=c0ffee", "http://u:c0ffee@h/a", "http://[::/?c0ffee", "http:///?c0ffee", "//h?x"]),
    st.sampled_from(["http://h:99999/?c0ffee", "http://h\n.b/?c0ffee", "data:,x", "http://127.0.0.1:9/?c0ffee"]),
    st.text(max_size=20),
    st.integers(),
)
odd_bodies = st.sampled_from(
    [b"", b"null", b"[]", b"{}", b'"text"', b"7", b"\xff\xfe", b'{"a": "\xff"}', b"<html>", b"{", DEEP, b"1" * 5000]
)


def paths_in(answer, path=()):
    """All places of an answer, the whole among them."""
    yield path
    items = answer.items() if isinstance(answer, dict) else enumerate(answer) if isinstance(answer, list) else ()
    for key, item in items:
        yield from paths_in(item, (*path, key))


def changed(answer, path, value):
    """The answer with another value in one place."""
    if not path:
        return value
    copy = dict(answer) if isinstance(answer, dict) else list(answer)
    if value is MISSING and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = changed(answer[path[0]], path[1:], value)
    return copy


def as_body(answer):
    return json.dumps(answer).encode().replace(json.dumps(NESTED).encode(), DEEP)


def mutation(draw, good):
    """Draw what makes a body odd that is shaped as a good one."""
    if draw(st.integers(0, 4)) == 0:
        body = draw(odd_bodies)
        return lambda _: body
    path, value = draw(st.sampled_from(list(paths_in(json.loads(good or "{}"))))), draw(odd_values)
    if isinstance(value, str) and path[-1:] == ("name",):  # names are told as they are
        value = value.replace("c0ffee", "x")
    return lambda body: as_body(changed(json.loads(body or "{}"), path, value))


def mutate(draw, good):
    """Draw a body in the place of a good one."""
    return mutation(draw, good)(good)
