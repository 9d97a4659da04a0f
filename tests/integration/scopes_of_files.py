"""Operations on paths, for the table of scopes."""

from __future__ import annotations

from pathlib import Path

from scopes_table import line
from scopes_world import DATA

from airflow_provider_taskcluster.fs.filesystem import TaskclusterFileSystem

OBJECT = "`taskcluster://` paths: an object"
WRITTEN = "an object that is written"
ARTIFACT = "an artifact that is read"
LOOKED_FOR = "an artifact that is looked for"


def files(w):
    """Filesystem of a client with the scopes under test."""
    return TaskclusterFileSystem(w.hook.taskcluster_conn_id, project_id="tests", skip_instance_cache=True)


@line(OBJECT)
def read_file(w):
    w.store()
    return lambda: files(w).cat_file(f"objects/{w.name}")


@line(OBJECT)
def get_file(w):
    w.store()
    return lambda: files(w).get(f"objects/{w.name}", w.path)


@line(OBJECT)
def stat_file(w):
    w.store()
    return lambda: files(w).info(f"objects/{w.name}")


@line(WRITTEN)
def write_file(w):
    return lambda: files(w).pipe_file(f"objects/{w.name}", DATA)


@line(WRITTEN)
def write_new_file(w):
    return lambda: files(w).pipe_file(f"objects/{w.name}", DATA, mode="create")


@line(WRITTEN)
def put_file(w):
    Path(w.path).write_bytes(DATA)
    return lambda: files(w).put(w.path, f"objects/{w.name}")


@line(ARTIFACT)
def read_artifact_file(w):
    w.publish()
    return lambda: files(w).cat_file(f"artifacts/{w.run.task_id}/0/{w.name}")


@line(ARTIFACT)
def get_artifact_file(w):
    w.publish()
    return lambda: files(w).get(f"artifacts/{w.run.task_id}/0/{w.name}", w.path)


@line(LOOKED_FOR)
def stat_artifact_file(w):
    w.publish()
    return lambda: files(w).exists(f"artifacts/{w.run.task_id}/0/{w.name}")


@line(LOOKED_FOR)
def list_run(w):
    w.publish()
    return lambda: files(w).ls(f"artifacts/{w.run.task_id}/0")


@line("a task whose runs")
def list_runs(w):
    return lambda: files(w).ls(f"artifacts/{w.run.task_id}")
