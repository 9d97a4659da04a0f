from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import NotAsAnnounced
from airflow_provider_taskcluster.transfer.download.expected import Expected
from airflow_provider_taskcluster.transfer.http.ranges import Facts


def facts(total=10, encoding="", content_type="text/plain"):
    return Facts(total, encoding, None, content_type)


@pytest.mark.parametrize(
    ("expected", "answered"),
    [
        (Expected(), facts()),
        (Expected(10, "text/plain"), facts()),
        (Expected(10, "Text/Plain; charset=utf-8"), facts()),
        (Expected(10), facts(total=None)),
        (Expected(10), facts(total=7, encoding="gzip")),
        (Expected(10, "text/plain"), facts(content_type="application/octet-stream")),
        (Expected(10, "text/plain"), facts(content_type="binary/octet-stream")),
        (Expected(10, "application/octet-stream"), facts()),
    ],
)
def test_first_answers_that_fit(expected, answered):
    expected.check_headers("a", answered)


@pytest.mark.parametrize(
    ("answered", "sentence"),
    [
        (facts(total=9), "announced with 10 bytes, and the store has 9"),
        (facts(total=0), "announced with 10 bytes, and the store has 0"),
        (facts(content_type="text/html"), "announced as text/plain, and the store answers with text/html"),
    ],
)
def test_first_answers_that_are_something_else(answered, sentence):
    with pytest.raises(NotAsAnnounced, match=sentence):
        Expected(10, "text/plain").check_headers("a", answered)


def test_the_size_is_that_of_the_content_or_of_the_encoded_body():
    encoded = facts(total=7, encoding="gzip")
    for size in (7, 10):
        Expected(size).check_size("a", encoded, 10)
    with pytest.raises(NotAsAnnounced, match="bytes"):
        Expected(8).check_size("a", encoded, 10)
    with pytest.raises(NotAsAnnounced, match="bytes"):
        Expected(7).check_size("a", facts(total=7), 10)
