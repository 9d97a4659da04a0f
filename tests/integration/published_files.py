"""Files to read by the filesystem."""

from __future__ import annotations

import os

import pytest

DATA = os.urandom(3_000_000)


@pytest.fixture
def stored(hook, name, expires, tc):
    hook.upload_object(DATA, name, expires=expires)
    tc.journal.clear()
    return f"objects/{name}"


@pytest.fixture
def published(run, tc):
    """Path of a finished run with a few artifacts."""
    run.add("public/a.txt", b"first\nsecond\n", content_type="text/plain")
    run.add("public/build/target.zip", DATA)
    run.add("public/logs/live.log", b"log" * 1000, storage_type="s3", gzipped=True)
    run.add("public/logs/raw.log", DATA, storage_type="s3")
    run.complete()
    tc.journal.clear()
    return f"artifacts/{run.task_id}/{run.run_id}"
