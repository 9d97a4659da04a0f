from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from airflow_provider_taskcluster.assets.uris import artifact_uri, object_uri, sanitize_uri

TASK = "fN1SbArXTPSVFNUvaOlinQ"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("my-team/report.html", "taskcluster://objects/my-team/report.html"),
        ("a b", "taskcluster://objects/a%20b"),
        ("100% #1?", "taskcluster://objects/100%25%20%231%3F"),
        ("trailing//", "taskcluster://objects/trailing%2F%2F"),
        ("double//slash", "taskcluster://objects/double//slash"),
    ],
)
def test_a_name_is_encoded_where_a_uri_cannot_carry_it(name, uri):
    assert object_uri(name) == uri
    assert sanitize_uri(urlsplit(uri)).geturl() == uri


@pytest.mark.parametrize(
    ("written", "name"),
    [("%61", "a"), ("a%2fb", "a/b"), ("a%252Fb", "a%2Fb"), ("a%zz", "a%zz"), ("a%7Eb", "a~b"), ("a/", "a")],
)
def test_however_a_uri_is_written_it_is_that_of_the_name(written, name):
    assert sanitize_uri(urlsplit(f"taskcluster://objects/{written}")).geturl() == object_uri(name)


def test_an_artifact_is_named_by_task_and_run():
    assert artifact_uri(TASK, "public/a b") == f"taskcluster://artifacts/{TASK}/latest/public/a%20b"
    assert artifact_uri(TASK, "public/a", 0) == f"taskcluster://artifacts/{TASK}/0/public/a"


@pytest.mark.parametrize(
    "uri", ["taskcluster://objects", "taskcluster://objects//", "taskcluster://", "taskcluster://x/y"]
)
def test_a_uri_that_names_nothing_is_refused(uri):
    with pytest.raises(ValueError, match="names no object or artifact"):
        sanitize_uri(urlsplit(uri))
