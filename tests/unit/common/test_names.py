from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.emulator.services.objects import CONTENT_TYPE as EMULATED
from airflow_provider_taskcluster.exceptions import InvalidInput, InvalidName

PRINTABLE_ASCII = st.characters(min_codepoint=0x20, max_codepoint=0x7E)


@pytest.mark.parametrize(
    "name",
    ["a", "public/build/target.tar.gz", "with space", "100%", "a?b#c+d", "a//b", "/lead", "trail/", "'\"\\", "..."],
)
def test_odd_but_workable_names_pass_unchanged(name):
    assert names.object_name(name) == name
    assert names.artifact_name(name) == name


@pytest.mark.parametrize("name", [".", "..", "a/../b", "../a", "a/..", "./a", "a/./b"])
@pytest.mark.parametrize("check", [names.object_name, names.artifact_name])
def test_dot_segments_are_refused_because_urls_lose_them(check, name):
    with pytest.raises(InvalidName, match=r"'\.' or '\.\.' segment"):
        check(name)


@pytest.mark.parametrize("name", ["", None, 7, b"bytes"])
@pytest.mark.parametrize("check", [names.object_name, names.artifact_name])
def test_a_name_is_a_string_that_is_not_empty(check, name):
    with pytest.raises(InvalidName, match="not empty"):
        check(name)


@pytest.mark.parametrize("check", [names.object_name, names.artifact_name])
def test_a_name_may_have_1024_bytes_and_no_more(check):
    assert check("n" * 1024)
    with pytest.raises(InvalidName, match="1024 bytes"):
        check("n" * 1025)


@pytest.mark.parametrize("name", ["tab\t", "line\n", "nul\0", "delete\x7f", "umlaut-ä", "broken-\udcff"])
@pytest.mark.parametrize("check", [names.object_name, names.artifact_name])
def test_a_name_is_printable_ascii_as_the_schemas_of_both_services_say(check, name):
    with pytest.raises(InvalidName, match="printable ASCII"):
        check(name)


@given(st.text(max_size=40))
def test_any_text_is_taken_or_refused_as_a_name_and_nothing_else_happens(text):
    for check in (names.object_name, names.artifact_name):
        with contextlib.suppress(InvalidName):
            assert check(text) == text


@pytest.mark.parametrize("name", ["public/build.log", "a!@/:.+|_-z"])
def test_common_names_fit_a_client_id(name):
    assert names.fits_client_id(name)


@pytest.mark.parametrize("name", ["with space", "a%b", "ä", "line\n", "a(1)"])
def test_names_with_other_characters_do_not_fit_a_client_id(name):
    assert not names.fits_client_id(name)


def test_a_task_id_passes():
    assert names.task_id("fN1SbArXTPSVFNUvaOlinQ") == "fN1SbArXTPSVFNUvaOlinQ"


@pytest.mark.parametrize(
    "value",
    ["", None, 7, "short", "fN1SbArXTPSVFNUvaOlinQQ", "fN1SbArXTPSVFNUvaOlinQ\n", "fN1SbArXaPSVFNUvaOlinQ"],
)
def test_what_is_not_a_v4_slugid_is_not_a_task_id(value):
    with pytest.raises(InvalidInput, match="not a task ID"):
        names.task_id(value)


@pytest.mark.parametrize("value", ["p", "team/project.one_two-3", "p" * 500])
def test_a_project_id_passes(value):
    assert names.project_id(value, "tc") == value


@pytest.mark.parametrize("value", ["with space", "p" * 501, "p\n", "ä", "a:b", 5])
def test_a_project_id_with_other_characters_is_refused(value):
    with pytest.raises(InvalidInput, match="not a project ID"):
        names.project_id(value, "tc")


@pytest.mark.parametrize("value", ["", None])
def test_an_upload_without_a_project_is_told_where_to_name_it(value):
    with pytest.raises(InvalidInput, match="pass project_id, or set it in connection 'tc'"):
        names.project_id(value, "tc")


@pytest.mark.parametrize(
    "value",
    ["text/plain", "text/html; charset=utf-8", "text/html;charset=utf-8", "application/vnd.api+json", 'a/b; c="d e"',
     "image/svg+xml", 'a/b; c="d\\"e;,"', "a/b; c=d; e=f", "!#$%&'*+.^_`|~-/0", 'a/b; c=""', "a/b; c=" + "d" * 993],
)  # fmt: skip
def test_a_content_type_passes(value):
    """The emulator, which takes what the service's store takes, takes it as well."""
    assert names.content_type(value) == value
    assert EMULATED.fullmatch(value)


@pytest.mark.parametrize(
    "value",
    ["", None, "text", "text/", "/plain", "text/plain\n", "a b/c", "text/plain;\nx", "ä/b", "text/plain; charset",
     "text/plain;;", "text/plain;", "text/plain ", "text/plain; a=", "text/plain; a=b c", 'a/b; c="d', 'a/b; c="d"e"',
     'a/b; c="d\\"', "a/b; c=ä", 'a/b; c="\n"', "a/b/c", "a/b, c/d", "a/b; c=" + "d" * 994],
)  # fmt: skip
def test_what_is_no_content_type_is_refused_before_the_service_answers_500(value):
    with pytest.raises(InvalidInput, match="not a content type"):
        names.content_type(value)


@pytest.mark.parametrize("value", ["a", "my-team.builds.latest", "a%.b_!~*'()", "p" * 255])
def test_an_index_path_passes(value):
    assert names.index_path(value) == value


@pytest.mark.parametrize("value", ["", ".", "a.", ".a", "a..b", "a/b", "a b", "a\n", "ä", "p" * 256, None, 7])
def test_what_the_index_does_not_take_is_not_an_index_path(value):
    with pytest.raises(InvalidInput, match="not an index path"):
        names.index_path(value)


def test_a_worker_pool_is_named_whole_or_in_two_parts():
    assert names.worker_pool_id("proj-x/linux_1") == "proj-x/linux_1"
    assert names.worker_pool_id(provisioner_id="proj-x", worker_type="linux_1") == "proj-x/linux_1"


@pytest.mark.parametrize(
    ("pool", "provisioner", "worker_type"),
    [
        (None, None, None),
        ("a/b", "a", None),
        ("a/b", None, "b"),
        ("a/b", "a", "b"),
        (None, "a", None),
        (None, None, "b"),
    ],
)
def test_a_worker_pool_named_twice_or_by_halves_is_refused(pool, provisioner, worker_type):
    with pytest.raises(InvalidInput, match="Name the worker pool by"):
        names.worker_pool_id(pool, provisioner_id=provisioner, worker_type=worker_type)


@pytest.mark.parametrize("pool", ["", "a", "a/", "/b", "a/b/c", "a b/c", "a/b\n", "a" * 39 + "/b", "a/" + "b" * 39])
def test_a_worker_pool_has_two_halves_of_up_to_38_characters(pool):
    with pytest.raises(InvalidInput, match="not a worker pool ID"):
        names.worker_pool_id(pool)


def test_halves_of_38_characters_pass():
    assert names.worker_pool_id("a" * 38 + "/" + "b" * 38)


@given(st.text(alphabet=PRINTABLE_ASCII, min_size=1, max_size=60))
def test_an_object_name_is_refused_only_for_dot_segments_when_it_is_short_ascii(name):
    if {".", ".."} & set(name.split("/")):
        with pytest.raises(InvalidName):
            names.object_name(name)
    else:
        assert names.object_name(name) == name
