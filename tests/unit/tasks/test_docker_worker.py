"""Payloads for docker-worker: its published fields, errors as early as possible, templates kept for Airflow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks.docker_worker import (
    directory_artifact,
    docker_worker_payload,
    file_artifact,
    indexed_image,
    task_image,
)

TASK_ID = "fN1SbArXTPSVFNUvaOlinQ"


def payload(image="ubuntu:24.04", command=("make",), **arguments):
    return docker_worker_payload(image, command, **{"max_run_time": 60} | arguments)


def test_the_least_payload_has_the_two_fields_that_the_worker_requires():
    assert docker_worker_payload("ubuntu:24.04", max_run_time=60) == {"image": "ubuntu:24.04", "maxRunTime": 60}


def test_a_payload_with_every_field():
    whole = payload(
        task_image(TASK_ID, "public/image.tar.zst"),
        ["/bin/bash", "-c", "make"],
        max_run_time=timedelta(hours=1),
        env={"CI": "1"},
        artifacts=[
            file_artifact("/builds/target.zip", "public/target.zip", expires="2040-01-01T00:00:00Z"),
            directory_artifact("/builds/logs", "public/logs"),
        ],
        caches={"my-cache": "/builds/cache"},
        features={"taskclusterProxy": True},
        capabilities={"privileged": True, "devices": {"kvm": True}},
        on_exit_status={"retry": [0, 4]},
        log="public/main.log",
    )
    assert whole == {
        "image": {"type": "task-image", "taskId": TASK_ID, "path": "public/image.tar.zst"},
        "command": ["/bin/bash", "-c", "make"],
        "maxRunTime": 3600,
        "env": {"CI": "1"},
        "artifacts": {
            "public/target.zip": {
                "type": "file",
                "path": "/builds/target.zip",
                "expires": "2040-01-01T00:00:00.000Z",
            },
            "public/logs": {"type": "directory", "path": "/builds/logs"},
        },
        "cache": {"my-cache": "/builds/cache"},
        "features": {"taskclusterProxy": True},
        "capabilities": {"privileged": True, "devices": {"kvm": True}},
        "onExitStatus": {"retry": [0, 4]},
        "log": "public/main.log",
    }


def test_an_image_that_is_indexed():
    assert indexed_image("team.images.build", "public/image.tar.zst") == {
        "type": "indexed-image",
        "namespace": "team.images.build",
        "path": "public/image.tar.zst",
    }
    assert indexed_image("{{ x }}", "y") == {"type": "indexed-image", "namespace": "{{ x }}", "path": "y"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": ""}, "image is empty"),
        ({"image": None}, "image is None: pass a text"),
        ({"image": {"type": 1}}, r"image\['type'\] is a value of type int"),
        ({"command": "make test"}, "command is a value of type str: pass a list"),
        ({"command": ["sleep", 5]}, r"command\[1\] is a value of type int: pass a text"),
        ({"max_run_time": None}, "max_run_time is None"),
        ({"env": {"N": 3}}, r"env\['N'\] is a value of type int"),
        ({"caches": {"a": "relative"}}, r"caches\['a'\] is 'relative': pass an absolute path"),
        ({"caches": {"{{ a }}": "/x"}}, "Airflow renders no templates in the keys"),
        ({"features": {"dind": 1}}, r"features\['dind'\] is 1: pass True or False"),
        ({"capabilities": {"devices": {"kvm": "yes"}}}, r"\['kvm'\] is 'yes': pass True or False"),
        ({"on_exit_status": {"retry": [-1]}}, "pass a whole number, 0 or more"),
        ({"log": "a//../b"}, "'..' segment"),
        ({"artifacts": [file_artifact("/x")]}, r"artifacts\[0\] needs a name without templates"),
        ({"artifacts": [file_artifact("/x", "public/{{ ds }}")]}, r"artifacts\[0\] needs a name without templates"),
        ({"artifacts": [BaseOperator(task_id="plan").output]}, r"artifacts\[0\] needs a name without templates"),
        ({"artifacts": [file_artifact("x", "public/x")]}, r"artifacts\[0\].path is 'x': pass an absolute path"),
        ({"artifacts": [file_artifact("/x", "x", optional=True)]}, "has optional, which generic-worker alone knows"),
        ({"artifacts": [file_artifact("/x", "x"), file_artifact("/y", "x")]}, "has a name twice"),
    ],
)
def test_a_field_that_the_worker_refuses_is_an_error_at_once(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        payload(**arguments)


@pytest.mark.parametrize(
    "make", [lambda: task_image("no", "public/x"), lambda: indexed_image("index.a", "public/x")], ids=["task", "index"]
)
def test_an_image_is_checked(make):
    with pytest.raises(InvalidInput):
        make()


def test_what_airflow_renders_later_is_kept_as_it_is():
    xcom = BaseOperator(task_id="plan").output
    later = payload(
        xcom,
        xcom,
        max_run_time="{{ params.seconds }}",
        env="{{ var.json.env }}",
        artifacts=xcom,
        caches={"a": "{{ params.folder }}"},
        log="public/{{ ds }}.log",
    )
    assert later == {
        "image": xcom,
        "command": xcom,
        "maxRunTime": "{{ params.seconds }}",
        "env": "{{ var.json.env }}",
        "artifacts": xcom,
        "cache": {"a": "{{ params.folder }}"},
        "log": "public/{{ ds }}.log",
    }
    assert task_image("{{ x }}", "{{ y }}") == {"type": "task-image", "taskId": "{{ x }}", "path": "{{ y }}"}
