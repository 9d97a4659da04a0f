"""Payloads for generic-worker: its published fields, errors as early as possible, templates kept for Airflow."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks import generic_worker
from airflow_provider_taskcluster.tasks.generic_worker import generic_worker_payload

TASK_ID = "fN1SbArXTPSVFNUvaOlinQ"
SHELL = ["/bin/bash", "-c", "make"]


def payload(*commands, **arguments):
    return generic_worker_payload(*(commands or (SHELL,)), **{"max_run_time": 60} | arguments)


def test_the_least_payload_has_the_two_fields_that_the_worker_requires():
    assert generic_worker_payload(("true",), max_run_time=60) == {"command": [["true"]], "maxRunTime": 60}


def test_a_payload_with_every_field():
    expires = datetime(2040, 1, 2, 3, 4, 5, 678999, tzinfo=UTC)
    whole = payload(
        ["make"],
        ["make", "test", ""],
        max_run_time=timedelta(minutes=30),
        env={"CI": "1", "EMPTY": ""},
        mounts=[
            generic_worker.file_mount("in.json", generic_worker.inline_content("{}")),
            generic_worker.directory_mount("sdk", generic_worker.url_content("https://example.com/a.zip"), "zip"),
            generic_worker.cache_mount("checkouts", "my-cache"),
        ],
        artifacts=[
            generic_worker.file_artifact("out/report.json", "public/report.json", expires=expires, optional=True),
            generic_worker.directory_artifact("out", content_type="text/plain", content_encoding="gzip"),
        ],
        features={"taskclusterProxy": True, "ofNextYear": False},
        on_exit_status={"retry": [4, "5"], "purgeCaches": [6]},
        logs={"live": "public/live.log", "backing": "public/whole.log"},
    )
    assert whole == {
        "command": [["make"], ["make", "test", ""]],
        "maxRunTime": 1800,
        "env": {"CI": "1", "EMPTY": ""},
        "mounts": [
            {"file": "in.json", "content": {"raw": "{}"}},
            {"directory": "sdk", "content": {"url": "https://example.com/a.zip"}, "format": "zip"},
            {"directory": "checkouts", "cacheName": "my-cache"},
        ],
        "artifacts": [
            {
                "type": "file",
                "path": "out/report.json",
                "name": "public/report.json",
                "expires": "2040-01-02T03:04:05.678Z",
                "optional": True,
            },
            {"type": "directory", "path": "out", "contentType": "text/plain", "contentEncoding": "gzip"},
        ],
        "features": {"taskclusterProxy": True, "ofNextYear": False},
        "onExitStatus": {"retry": [4, 5], "purgeCaches": [6]},
        "logs": {"live": "public/live.log", "backing": "public/whole.log"},
    }


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(1, 1), ("90", 90), (60.0, 60), (timedelta(days=1), 86400), (timedelta(milliseconds=1), 1)],
    ids=repr,
)
def test_the_run_time_is_whole_seconds(given, seconds):
    assert payload(max_run_time=given)["maxRunTime"] == seconds


@pytest.mark.parametrize("given", [None, 0, -1, 1.5, True, "soon", timedelta(), timedelta(days=-1)], ids=repr)
def test_a_run_time_that_is_no_duration_is_refused(given):
    with pytest.raises(InvalidInput, match=r"max_run_time is .*pass a whole number, 1 or more"):
        payload(max_run_time=given)


@pytest.mark.parametrize("command", ["make test", "echo {{ ds }}", [], {}, 5, None], ids=repr)
def test_a_command_that_is_no_list_gets_the_hint(command):
    with pytest.raises(InvalidInput, match=r"command\[1\] is .*pass a list of texts, such as \['/bin/bash', '-c'"):
        payload(SHELL, command)


def test_a_payload_without_a_command_gets_the_hint():
    with pytest.raises(InvalidInput, match="no command: pass a list of texts"):
        generic_worker_payload(max_run_time=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"env": {"DEBUG": True}}, r"env\['DEBUG'\] is a value of type bool: pass a text"),
        ({"env": {"N": 3}}, r"env\['N'\] is a value of type int: pass a text"),
        ({"env": {"N": None}}, r"env\['N'\] is None: pass a text"),
        ({"env": {3: "x"}}, "env has the name 3: pass a text"),
        ({"env": {"": "x"}}, "env has the name '': pass a text"),
        ({"env": {"{{ x }}": "x"}}, "Airflow renders no templates in the keys"),
        ({"env": ["A=1"]}, "env is a value of type list: pass a dict"),
        ({"env": "A=1"}, "env is a value of type str: pass a dict"),
        ({"mounts": {"file": "x"}}, "mounts is a value of type dict: pass a list"),
        ({"mounts": ["x"]}, r"mounts\[0\] is a value of type str: pass what a helper"),
        ({"artifacts": "public/x"}, "artifacts is a value of type str: pass a list"),
        ({"artifacts": ["public/x"]}, r"artifacts\[0\] is a value of type str: pass what a helper"),
        ({"features": {"liveLog": "yes"}}, r"features\['liveLog'\] is 'yes': pass True or False"),
        ({"features": {1: True}}, "features has the name 1: pass a text"),
        ({"features": ["liveLog"]}, "features is a value of type list: pass a dict"),
        ({"on_exit_status": {"retry": 4}}, r"on_exit_status\['retry'\] is a value of type int: pass a list"),
        ({"on_exit_status": {"retry": [0]}}, r"\['retry'\]\[0\] is 0: pass a whole number, 1 or more"),
        ({"on_exit_status": {"retries": [4]}}, "has the name 'retries': workers know 'retry' and 'purgeCaches'"),
        ({"logs": {"main": "public/x"}}, "has the name 'main': workers know 'live' and 'backing'"),
        ({"logs": {"live": "a/../b"}}, "'..' segment"),
    ],
)
def test_a_field_that_the_worker_refuses_is_an_error_at_once(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        payload(**arguments)


def test_an_error_of_env_does_not_show_the_value():
    with pytest.raises(InvalidInput) as refused:
        payload(env={"TOKEN": b"not-for-the-log"})
    assert "not-for-the-log" not in str(refused.value)


def test_what_airflow_renders_later_is_kept_as_it_is():
    xcom = BaseOperator(task_id="plan").output
    later = payload(
        xcom,
        "{{ ti.xcom_pull('plan') }}",
        ["make", "{{ ds }}", xcom],
        max_run_time=xcom,
        env={"DATE": "{{ ds }}", "PLAN": xcom},
        mounts=[xcom, generic_worker.file_mount("{{ ds }}", xcom)],
        artifacts=[generic_worker.file_artifact("{{ ds }}", "public/{{ ds }}.json", expires="{{ x }}", optional=xcom)],
        features=xcom,
        on_exit_status={"retry": [xcom]},
        logs={"live": "public/{{ ds }}.log"},
    )
    assert later["command"] == [xcom, "{{ ti.xcom_pull('plan') }}", ["make", "{{ ds }}", xcom]]
    assert later["maxRunTime"] is later["features"] is later["mounts"][0] is xcom
    assert later["artifacts"][0]["name"] == "public/{{ ds }}.json"
    assert later["artifacts"][0]["optional"] is xcom


def test_the_arguments_are_not_changed_and_not_shared():
    command, env = ["make"], {"A": "1"}
    made = payload(command, env=env)
    made["command"][0].append("x")
    made["env"]["B"] = "2"
    assert (command, env) == (["make"], {"A": "1"})


def test_fields_of_a_newer_worker_can_be_written_by_hand():
    own = {"type": "file", "path": "x", "ofNextYear": 1}
    assert payload(artifacts=[own])["artifacts"] == [own]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": ""}, "path is empty"),
        ({"path": None}, "path is None: pass a text"),
        ({"name": "public/é"}, "printable ASCII"),
        ({"expires": "tomorrow"}, "expires is 'tomorrow'"),
        ({"expires": datetime(2040, 1, 1)}, "time zone"),  # noqa: DTZ001 (what is refused)
        ({"expires": timedelta(days=1)}, "expires must be a datetime"),
        ({"content_type": "text"}, "is not a content type"),
        ({"content_encoding": "br"}, "pass 'identity' or 'gzip'"),
        ({"optional": "no"}, "optional is 'no': pass True or False"),
    ],
)
@pytest.mark.parametrize("make", [generic_worker.file_artifact, generic_worker.directory_artifact])
def test_an_artifact_is_checked(make, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        make(**{"path": "out"} | arguments)


def test_contents_of_mounts():
    sha256 = "0123456789abcdef" * 4
    assert generic_worker.artifact_content(TASK_ID, "public/x", sha256) == {
        "taskId": TASK_ID,
        "artifact": "public/x",
        "sha256": sha256,
    }
    assert generic_worker.indexed_content("team.builds.latest", "public/x") == {
        "namespace": "team.builds.latest",
        "artifact": "public/x",
    }
    assert generic_worker.inline_content(b"\0\1") == {"base64": base64.b64encode(b"\0\1").decode()}
    assert generic_worker.artifact_content("{{ x }}", "{{ y }}") == {"taskId": "{{ x }}", "artifact": "{{ y }}"}
    assert generic_worker.indexed_content("{{ x }}", "y") == {"namespace": "{{ x }}", "artifact": "y"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: generic_worker.artifact_content("no", "public/x"), "'no' is not a task ID"),
        (lambda: generic_worker.artifact_content(TASK_ID, ""), "artifact is empty"),
        (lambda: generic_worker.artifact_content(TASK_ID, "x", "ABC"), "64 digits"),
        (lambda: generic_worker.indexed_content("index.a.b", "public/x"), "is a route"),
        (lambda: generic_worker.url_content("ftp://example.com"), "begins with https://"),
        (lambda: generic_worker.inline_content("x" * 65537), "65537 characters as stored"),
        (lambda: generic_worker.inline_content(b"x" * 49153), "65540 characters as stored"),
        (lambda: generic_worker.inline_content(5), "data is a value of type int"),
        (lambda: generic_worker.file_mount("x", "content"), "content is a value of type str: pass what a helper"),
        (lambda: generic_worker.directory_mount("x", {"raw": ""}, "7z"), "archive_format is '7z'"),
        (lambda: generic_worker.cache_mount("x", ""), "cache_name is empty"),
        (lambda: generic_worker.cache_mount("x", "y", {"raw": ""}), "pass content and archive_format, or neither"),
    ],
    ids=range(12),
)
def test_a_mount_is_checked(make, message):
    with pytest.raises(InvalidInput, match=message):
        make()


def test_an_error_does_not_show_the_signature_of_a_url():
    with pytest.raises(InvalidInput) as refused:
        generic_worker.url_content("s3://user:pw@bucket/x?signature=secret")
    assert "secret" not in str(refused.value)
    assert "pw" not in str(refused.value)


def test_a_cache_can_begin_with_an_archive():
    assert generic_worker.cache_mount("x", "y", {"raw": ""}, "tar.gz") == {
        "directory": "x",
        "cacheName": "y",
        "content": {"raw": ""},
        "format": "tar.gz",
    }
