"""The log of a task as lines: live, then from the store, nothing twice and nothing lost."""

from __future__ import annotations

import pytest
from following import Following, publish
from livelog import Livelog

from airflow_provider_taskcluster.tasks.log_names import LIVE_LOG


@pytest.fixture
def livelog():
    served = Livelog()
    yield served
    served.stop()


@pytest.mark.parametrize("storage", [{"storage_type": "s3"}, {"storage_type": "object"}], ids=["s3", "object"])
def test_the_live_lines_and_then_the_rest_from_the_store(hook, run, livelog, storage):
    run.add_reference(LIVE_LOG, livelog.url)
    following = Following(hook, run.task_id)
    livelog.write(b"one\ntw")
    following.saw("one")
    livelog.write(b"o\nthree\nfo")
    following.saw("three")
    publish(run, b"one\ntwo\nthree\nfour\nfive", **storage)
    run.complete()
    livelog.break_off()
    assert following.ended() == ["one", "two", "three", "four", "five"]
