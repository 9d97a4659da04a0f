"""The names of logs that a task's payload gives."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.tasks.log_names import BACKING_LOG, LIVE_LOG, LogNames


@pytest.mark.parametrize(
    ("payload", "live", "backing"),
    [
        ({}, LIVE_LOG, BACKING_LOG),
        ({"logs": {"live": "private/live", "backing": "private/all"}}, "private/live", "private/all"),
        ({"logs": {"backing": "private/all"}}, LIVE_LOG, "private/all"),
        ({"log": "public/docker.log"}, "public/docker.log", BACKING_LOG),
        ({"logs": [], "log": {"a": 1}}, LIVE_LOG, BACKING_LOG),
        ({"logs": {"live": "a\nb", "backing": "x" * 5000}}, LIVE_LOG, BACKING_LOG),
        ("no payload", LIVE_LOG, BACKING_LOG),
    ],
)
def test_payloads_rename_the_logs(payload, live, backing):
    assert LogNames().renamed_by({"payload": payload}) == LogNames(live, backing)


def test_a_name_that_the_caller_chose_stays():
    payload = {"payload": {"logs": {"live": "other", "backing": "others"}}}
    assert LogNames(live="mine").renamed_by(payload) == LogNames("mine", "others")
    assert not LogNames("mine", "mine").are_default
