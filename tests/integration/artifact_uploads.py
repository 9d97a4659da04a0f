"""Uploads of one artifact, and the death of their process."""

from __future__ import annotations

import os

import pytest

DATA = os.urandom(50_000)
NAME = "public/report.html"


@pytest.fixture
def as_task(connect, run):
    """A hook with the credentials of the task only."""

    def make(**options):
        own = run.credentials
        extra = {"certificate": own["certificate"]}
        return connect("tc_task", login=own["clientId"], password=own["accessToken"], extra=extra, **options)

    return make


@pytest.fixture
def upload(run, expires):
    """Upload DATA by a hook as an artifact of the run."""

    def do(hook, data=DATA, name=NAME, **options):
        return hook.upload_artifact(data, run.task_id, run.run_id, name, **{"expires": expires, **options})

    return do


class Died(BaseException):
    """Simulates the death of the worker."""


def dies(monkeypatch, owner, step):
    """Simulate the death of a process at a step, once."""

    original = getattr(owner, step)

    def die(*_, **__):
        monkeypatch.setattr(owner, step, original)
        raise Died

    monkeypatch.setattr(owner, step, die)
