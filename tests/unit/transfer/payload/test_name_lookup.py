"""Which file a name means: the table of the issue, row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import AmbiguousName, InvalidName, NotFound
from airflow_provider_taskcluster.transfer.payload.name_lookup import resolve

NAMES = ["public/Target.zip", "public/a", "public/A", "one/Two", "ONE/TWO", "One/two", "/odd", "public/report.json"]


@pytest.mark.parametrize(
    ("wanted", "stored"),
    [
        ("public/Target.zip", "public/Target.zip"),
        ("/public/Target.zip", "public/Target.zip"),
        ("public/target.zip", "public/Target.zip"),
        ("/PUBLIC/TARGET.ZIP", "public/Target.zip"),
        ("public/a", "public/a"),
        ("public/A", "public/A"),
        ("/public/A", "public/A"),
        ("One/two", "One/two"),
        ("odd", "/odd"),
        ("/odd", "/odd"),
    ],
)
def test_the_stored_name_is_returned(wanted, stored):
    assert resolve(wanted, NAMES) == stored


@pytest.mark.parametrize(
    ("wanted", "candidates"),
    [
        ("PUBLIC/a", ("public/a", "public/A")),
        ("one/two", ("one/Two", "ONE/TWO", "One/two")),
        ("/oNE/two", ("one/Two", "ONE/TWO", "One/two")),
    ],
)
def test_several_and_none_exact_is_an_error_that_lists_them(wanted, candidates):
    with pytest.raises(AmbiguousName) as caught:
        resolve(wanted, NAMES)
    assert caught.value.candidates == candidates
    assert all(repr(name) in str(caught.value) for name in candidates)


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        ("public/Target.zi", "'public/Target.zip'"),
        ("build/report.json", "'public/report.json'"),
        ("report.json", "'public/report.json'"),
        ("zzzz", "which has 8 files"),
        ("../public/a", "'public/"),
        ("public/*", "'public/"),
    ],
)
def test_none_is_an_error_that_names_the_nearest(wanted, nearest):
    with pytest.raises(NotFound, match="There is no") as caught:
        resolve(wanted, NAMES)
    assert nearest in str(caught.value)


def test_an_empty_payload_says_so():
    with pytest.raises(NotFound, match="which is empty"):
        resolve("a", [])


@pytest.mark.parametrize("wanted", ["", "/", "//", None, 7])
def test_what_is_no_name_is_refused(wanted):
    with pytest.raises(InvalidName):
        resolve(wanted, NAMES)


def test_a_long_list_of_candidates_is_cut():
    names = [format(number, "08b").replace("0", "a").replace("1", "A") for number in range(1, 255)]
    with pytest.raises(AmbiguousName, match="and 244 more"):
        resolve("aaaaaaaa", names)


@given(st.lists(st.text("aAbB/.", min_size=1, max_size=5), unique=True, max_size=12), st.data())
def test_a_stored_name_written_exactly_is_never_another(names, data):
    names = [name for name in names if name.strip("/")]
    unlike = {name.lstrip("/") for name in names}
    if names and len(unlike) == len(names):
        wanted = data.draw(st.sampled_from(names))
        assert resolve(wanted, names) == wanted
        assert resolve("/" + wanted, names) == wanted
