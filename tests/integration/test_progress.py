"""Log lines about the progress of long transfers."""

from __future__ import annotations

import os
import re
from itertools import count
from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.transfer import progress
from airflow_provider_taskcluster.transfer.config import MIB
from airflow_provider_taskcluster.transfer.download import plan
from airflow_provider_taskcluster.transfer.download.plan import SEGMENT

DATA = os.urandom(10 * SEGMENT)
LINE = re.compile(r"^'(?P<name>.+)': \d+% of [\d.]+ MB, [\d.]+ MB/s, (\d+ min )?\d+ s left, attempt 1$")


@pytest.fixture
def a_second_passes_with_each_look(monkeypatch):
    """All that the clock of the progress is asked for; returns how often that was, in seconds."""
    seconds = []
    ticks = count()

    def monotonic():
        seconds.append(next(ticks))
        return float(seconds[-1])

    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=monotonic))
    return seconds


def lines(caplog):
    return [LINE.match(message)["name"] for message in caplog.messages if LINE.match(message)]


def act(kind, hook, name, expires, tmp_path):
    if kind == "upload":
        hook.upload_object(DATA, name, expires=expires)
    else:
        hook.download_object(name, tmp_path / "copy", connections=8 if kind == "download in parallel" else 1)


@pytest.mark.parametrize("kind", ["upload", "download", "download in parallel"])
def test_every_few_seconds_a_line_tells_how_far_it_is(
    connect, hook, name, expires, tmp_path, caplog, monkeypatch, a_second_passes_with_each_look, kind
):
    monkeypatch.setattr(plan, "FAST_ENOUGH", float("inf"))
    if kind != "upload":
        connect("tc_before").upload_object(DATA, name, expires=expires)
    caplog.clear()
    a_second_passes_with_each_look.clear()
    with caplog.at_level("INFO"):
        act(kind, hook, name, expires, tmp_path)
    assert len(DATA) / MIB <= len(a_second_passes_with_each_look)
    told = lines(caplog)
    assert set(told) == {name}
    assert len(a_second_passes_with_each_look) / 12 <= len(told) <= len(a_second_passes_with_each_look) / 4


def test_a_short_transfer_is_not_told_by_the_way(hook, name, expires, tmp_path, caplog):
    with caplog.at_level("INFO"):
        hook.upload_object(DATA[:MIB], name, expires=expires)
        hook.download_object(name, tmp_path / "copy")
    assert not lines(caplog)
