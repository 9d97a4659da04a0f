"""Which files patterns mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import AmbiguousName, NotFound
from airflow_provider_taskcluster.transfer.payload.patterns import matches, select

NAMES = [
    "public/build/target.zip",
    "public/build/target.log",
    "public/build/sub/deep.bin",
    "public/logs/live.log",
    "public/odd[1].txt",
    "public/odd1.txt",
    "Report.json",
]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("public/build/*", "public/build/target.zip", True),
        ("public/build/*", "public/build/sub/deep.bin", False),
        ("public/build/**", "public/build/sub/deep.bin", True),
        ("public/build/", "public/build/sub/deep.bin", True),
        ("public/**/deep.bin", "public/build/sub/deep.bin", True),
        ("public/**/target.zip", "public/target.zip", True),
        ("**/*.log", "live.log", True),
        ("*.log", "public/logs/live.log", True),
        ("*", "public/logs/live.log", True),
        ("**", "a/b/c", True),
        ("/public/*", "public/a", True),
        ("public/?", "public/ab", False),
        ("public/[ab]", "public/b", True),
        ("public/[!ab]", "public/b", False),
        ("PUBLIC/*", "public/a", False),
        ("public/a.b", "public/aXb", False),
        ("a/*/c", "a/b/d/c", False),
        ("a/**/**/c", "a/c", True),
        ("a/b", "a/b", True),
        ("live.log", "public/logs/live.log", True),
        ("build/target.zip", "public/build/target.zip", False),
    ],
)
def test_what_fits(pattern, name, expected):
    assert matches(name, pattern) is expected


def test_many_wildcards_take_no_time():
    assert not matches("/".join("a" * 500), "/".join(["**", "a"] * 40 + ["b"]))


@pytest.mark.parametrize(
    ("include", "exclude", "selected"),
    [
        ([], [], NAMES),
        ([], ["*.log"], [name for name in NAMES if not name.endswith(".log")]),
        (["public/build/*"], ["*.log"], ["public/build/target.zip"]),
        (["*.log", "public/build/*"], [], [NAMES[1], NAMES[3], NAMES[0]]),
        (["report.JSON"], [], ["Report.json"]),
        (["public/odd[1].txt"], [], ["public/odd[1].txt"]),
        (["public/odd[12].txt"], [], ["public/odd1.txt"]),
        (["nothing/*"], [], []),
        (["nothing.txt"], [], []),
        (["public/logs/"], ["live.log"], []),
    ],
)
def test_what_is_selected(include, exclude, selected):
    assert select(NAMES, include, exclude) == selected


def test_a_name_that_is_not_there_though_others_are_is_an_error():
    with pytest.raises(NotFound, match=r"There is no 'public/build/target.zi'.*nearest"):
        select(NAMES, ["*.log", "public/build/target.zi"])


def test_an_ambiguous_name_is_an_error():
    with pytest.raises(AmbiguousName):
        select(["a/X", "a/x", "b"], ["b", "A/x"])


@given(st.lists(st.text("ab/*?[]!-.", min_size=1, max_size=8), unique=True), st.text("ab/*?[]!-.", min_size=1))
def test_what_is_selected_is_there_and_once(names, pattern):
    try:
        found = select(names, [pattern])
    except (AmbiguousName, NotFound, ValueError):
        return
    except Exception as error:  # noqa: BLE001 (a name of slashes alone is refused)
        assert type(error).__name__ == "InvalidName"  # noqa: PT017 (as above)
        return
    assert set(found) <= set(names)
    assert len(set(found)) == len(found)
