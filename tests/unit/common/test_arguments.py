from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pendulum
import pytest

from airflow_provider_taskcluster.common.arguments import (
    as_mapping,
    content,
    expiry,
    length,
    name_list,
    optional_text,
    pattern_list,
    run_number,
    text,
)
from airflow_provider_taskcluster.exceptions import InvalidInput

START = datetime(2030, 5, 1, 12, 0, 0, 123_999, tzinfo=UTC)


def context(start=START):
    return {"dag_run": SimpleNamespace(start_date=start)}


def test_a_timedelta_counts_from_the_start_of_the_run_and_so_is_equal_in_all_tries():
    first, second = (expiry(timedelta(days=1), context()) for _ in range(2))
    assert first == second == datetime(2030, 5, 2, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "expires",
    [
        datetime(2030, 5, 1, 12, 0, 0, 123_999, tzinfo=UTC),
        datetime(2030, 5, 1, 14, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2))),
        pendulum.datetime(2030, 5, 1, 14, 0, 0, 123_999, tz="Europe/Berlin"),
        "2030-05-01T12:00:00.123999Z",
        "2030-05-01T14:00:00.123999+02:00",
        "2030-05-01 12:00:00.123+00:00",
    ],
    ids=repr,
)
def test_one_instant_in_any_spelling_becomes_the_same_utc_milliseconds(expires):
    read = expiry(expires, context())
    assert read == datetime(2030, 5, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    assert read.utcoffset() == timedelta(0)


def test_a_run_that_airflow_started_by_its_own_clock_works_as_well():
    read = expiry(timedelta(hours=1), context(pendulum.instance(START)))
    assert read == expiry(timedelta(hours=1), context())


def test_truncation_never_rounds_up_before_1970_either():
    assert expiry(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), context()).microsecond == 999_000


def test_a_run_without_a_start_is_told_to_pass_a_datetime():
    with pytest.raises(InvalidInput, match="no start date: pass a datetime"):
        expiry(timedelta(days=1), context(None))


@pytest.mark.parametrize("expires", [datetime(2030, 1, 1), "2030-01-01", "2030-01-01T00:00:00"], ids=repr)  # noqa: DTZ001
def test_a_datetime_without_a_zone_is_refused(expires):
    with pytest.raises(InvalidInput, match="with a time zone"):
        expiry(expires, context())


@pytest.mark.parametrize("expires", ["", "tomorrow", "{{ ds }}", "2030-13-01T00:00:00Z"])
def test_text_that_is_no_date_is_refused(expires):
    with pytest.raises(InvalidInput, match="not an ISO date and time"):
        expiry(expires, context())


@pytest.mark.parametrize("expires", [None, 3600, b"2030"], ids=repr)
def test_other_things_are_refused(expires):
    with pytest.raises(InvalidInput, match="must be a timedelta or a datetime"):
        expiry(expires, context())


def test_a_timedelta_beyond_the_calendar_is_refused():
    with pytest.raises(InvalidInput, match="too far"):
        expiry(timedelta.max, context())


def test_a_datetime_that_leaves_the_calendar_in_utc_is_refused():
    with pytest.raises(InvalidInput, match="beyond the calendar"):
        expiry(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), context())


@pytest.mark.parametrize("run_id", [None, "", "None", "latest"])
def test_the_latest_run_has_several_spellings(run_id):
    assert run_number(run_id) is None


@pytest.mark.parametrize("run_id", [0, "0", 3, "3"])
def test_a_run_is_a_number_or_its_text(run_id):
    assert run_number(run_id) == int(run_id)


@pytest.mark.parametrize("run_id", ["first", 1.5, True, "manual__2030-01-01", -1, "-1", "1_0", "\u0663"])
def test_anything_else_is_no_run(run_id):
    with pytest.raises(InvalidInput, match="pass the number of a run"):
        run_number(run_id)


@pytest.mark.parametrize(("value", "read"), [("a", "a"), (12, "12"), (True, "True"), (Path("/a/b"), "/a/b")])
def test_a_name_is_text_whatever_native_rendering_made_of_it(value, read):
    assert text(value, "name") == optional_text(value, "name") == read


def test_a_name_that_is_a_number_with_a_point_is_refused():
    with pytest.raises(InvalidInput, match=r"name is the number 1\.1, whose spelling is lost .* pass a text"):
        text(1.10, "name")


@pytest.mark.parametrize(("value", "number"), [(None, None), ("", None), (0, 0), ("3", 3), (3, 3)])
def test_a_length_is_a_number_or_its_text(value, number):
    assert length(value, "min_length") == number


@pytest.mark.parametrize("value", [-1, 1.5, "many", True])
def test_what_is_no_length_is_refused(value):
    with pytest.raises(InvalidInput, match=r"min_length is .*: pass a number of bytes"):
        length(value, "min_length")


@pytest.mark.parametrize("value", [{"a": "b"}, '{"a": "b"}', " {'a': 'b'}\n"])
def test_a_dict_or_its_text_is_a_dict(value):
    assert as_mapping(value, "expected_digest") == {"a": "b"}


def test_what_is_no_dict_or_a_broken_one_is_told():
    assert as_mapping("sha256:0", "expected_digest") is None
    with pytest.raises(InvalidInput, match="looks like a dict but is none"):
        as_mapping("{'a'", "expected_digest") or as_mapping("{'a': b}", "expected_digest")


def test_an_argument_that_may_be_left_out_stays_none():
    assert optional_text(None, "project_id") is None


@pytest.mark.parametrize("value", [None, b"a", [], {"a": 1}, object], ids=repr)
def test_what_cannot_be_a_name_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^name is .*: pass a text"):
        text(value, "name")


@pytest.mark.parametrize("path", ["/data/{{ run_id }}/a", "/data/{% if a %}b{% endif %}"])
def test_a_path_that_still_holds_a_template_is_refused(path):
    with pytest.raises(InvalidInput, match="destination is a Path, in which Airflow renders no template: pass '/data"):
        text(Path(path), "destination")
    assert text(path, "destination") == path


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ("ünï", "ünï".encode()),
        (b"\x00", b"\x00"),
        ({"a": 1}, b'{"a": 1}'),
        ([1, None], b"[1, null]"),
        (7, b"7"),
        (1.5, b"1.5"),
        (True, b"true"),
    ],
    ids=repr,
)
def test_data_that_native_rendering_turned_into_something_is_json_again(data, sent):
    assert content(data) == sent


@pytest.mark.parametrize("data", [START, {1, 2}, {"a": object()}, {(1, 2): 3}], ids=["date", "set", "object", "key"])
def test_data_without_a_json_text_is_refused(data):
    with pytest.raises(InvalidInput, match="which has no JSON text: pass text or bytes"):
        content(data)


@pytest.mark.parametrize(
    "value",
    [["a", "b"], ("a", "b"), '["a", "b"]', "['a', 'b']", " ['a',\n 'b'] ", deque(["a", "b"])],
    ids=repr,
)
def test_names_come_as_a_list_or_as_the_text_of_one(value):
    assert name_list(value, "cache_names") == ["a", "b"]


@pytest.mark.parametrize(("value", "names"), [("a", ["a"]), ("[a", ["[a"]), (12, ["12"]), ([1, "b"], ["1", "b"])])
def test_one_name_is_a_list_of_one(value, names):
    assert name_list(value, "cache_names") == names


@pytest.mark.parametrize(
    "value", [[], "", "[]", ["a", ""], "[a, b]", "[1 +]", None, {"a": 1}, [None], b"a", "[[]]"], ids=repr
)
def test_what_holds_no_names_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^cache_names "):
        name_list(value, "cache_names")


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        *((left_out, None) for left_out in (None, "", " ", "None", "null")),
        *((empty, []) for empty in ([], (), set(), frozenset(), {}.keys(), "[]", " [ ]\n", "()", "{}", "set()")),
        *((one, ["a*"]) for one in ("a*", ["a*"], ("a*",), {"a*"}, '["a*"]', "['a*']")),
        ("[ab]*", ["[ab]*"]),
    ],
    ids=repr,
)
def test_patterns_may_be_left_out_or_none_at_all(value, patterns):
    assert pattern_list(value, "include") == patterns


@pytest.mark.parametrize("value", [[""], ["a", ""], '["a", ""]', 1.5], ids=repr)
def test_patterns_that_are_empty_or_no_text_are_refused(value):
    with pytest.raises(InvalidInput, match="include"):
        pattern_list(value, "include")
