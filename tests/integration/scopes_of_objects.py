"""Operations on objects and folders of them, for the table of scopes."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import requests
from scopes_table import line
from scopes_world import DATA

from airflow_provider_taskcluster.exceptions import Conflict, InsufficientScopes
from airflow_provider_taskcluster.operators.folders import TaskclusterUploadFolderOperator
from airflow_provider_taskcluster.operators.objects import (
    TaskclusterDownloadObjectOperator,
    TaskclusterUploadObjectOperator,
)
from airflow_provider_taskcluster.sensors.objects import TaskclusterObjectSensor

PART = 64 * 1024
INLINE = {"dataInline": {"contentType": "text/plain", "objectData": "YQ=="}}


@line("`TaskclusterUploadObjectOperator`")
def upload_operator(w):
    return lambda: w.execute(TaskclusterUploadObjectOperator, data="x", name=w.name, expires=w.expires)


@line("`TaskclusterUploadObjectOperator`")
def upload_of_the_hook(w):
    return lambda: w.hook.upload_object(DATA, w.name, expires=w.expires)


@line("the same in parts")
def upload_in_parts(w):
    return lambda: w.hook.upload_object(DATA, w.name, expires=w.expires, multipart="always", part_size=PART)


@line('the same with `if_exists="skip"`')
def upload_over_other_content(w):
    w.store()

    def upload():
        try:
            w.hook.upload_object(b"other", w.name, expires=w.expires, if_exists="skip")
        except Conflict as error:
            raise InsufficientScopes(str(error)) from error

    return upload


@line("`TaskclusterUploadFolderOperator`")
def upload_folder_operator(w):
    arguments = {"folder": w.folder(), "prefix": w.blanks["prefix"], "expires": w.expires}
    return lambda: w.execute(TaskclusterUploadFolderOperator, **arguments)


@line("`TaskclusterUploadFolderOperator`")
def upload_folder(w):
    folder = w.folder()
    return lambda: w.hook.upload_folder(folder, w.blanks["prefix"], expires=w.expires)


@line("`create_upload`")
def create_upload(w):
    return lambda: w.hook.create_upload(
        w.name, upload_id=w.upload_id, expires=w.expires, proposed_upload_methods=INLINE
    )


@line("`create_upload`")
def finish_upload(w):
    w.admin.create_upload(w.name, upload_id=w.upload_id, expires=w.expires, proposed_upload_methods=INLINE)
    return lambda: w.hook.finish_upload(w.name, upload_id=w.upload_id)


@line("`TaskclusterDownloadObjectOperator`")
def download_operator(w):
    w.store()
    return lambda: w.execute(TaskclusterDownloadObjectOperator, name=w.name, destination=w.path)


@line("`TaskclusterDownloadObjectOperator`")
def download_of_the_hook(w):
    w.store()
    return lambda: w.hook.download_object(w.name, w.path)


@line("`TaskclusterDownloadObjectOperator`")
def read_object(w):
    w.store()
    return lambda: w.hook.read_object(w.name)


@line("`TaskclusterDownloadObjectOperator`")
def open_object(w):
    w.store()

    def read():
        with closing(w.hook.open_object(w.name)) as opened:
            opened.read(10)

    return read


@line("`TaskclusterDownloadObjectOperator`")
def object_size(w):
    w.store()
    return lambda: w.hook.object_size(w.name)


@line("`TaskclusterDownloadObjectOperator`")
def object_modified(w):
    w.store()
    return lambda: w.hook.object_modified(w.name)


@line("the same of an object in parts")
def download_of_parts(w):
    w.store(multipart="always", part_size=PART)
    return lambda: w.hook.download_object(w.name, w.path)


@line("`TaskclusterObjectSensor`")
def object_sensor(w):
    w.store()
    return lambda: w.sees(TaskclusterObjectSensor, name=w.name)


@line("`TaskclusterObjectSensor`")
def object_metadata(w):
    w.store()
    return lambda: w.hook.object_metadata(w.name)


@line("`TaskclusterObjectSensor`")
def multipart_sha256(w):
    w.store()
    return lambda: w.hook.multipart_sha256(w.name)


@line("`TaskclusterObjectSensor`")
def start_download(w):
    w.store()
    return lambda: w.hook.start_download(w.name)


@line("what `object_url` returns")
def object_url(w):
    w.store()
    minute = timedelta(minutes=1)
    return lambda: requests.get(w.hook.object_url(w.name, expires_in=minute), timeout=30).raise_for_status()
