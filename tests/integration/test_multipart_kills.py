"""Multi-part uploads whose process is killed at each step, finished by another process.

The other process has another, empty disk. Without a stable key there is a folder for records that both reach.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from multipart_tries import PART, finished, put

# the last part is small: inline
DATA = os.urandom(4 * PART + 5_000)
NEVER = -1


class Uploads:
    """Uploads in processes that may be killed."""

    def __init__(self, preloaded, folder, expires, conn_id, recorder):
        self._preloaded = preloaded
        self._folder = folder
        self._expires = expires
        self._conn_id = conn_id
        self._recorder = recorder

    def upload(self, source, name, last=NEVER):
        """Upload in a new process with an empty home; it is killed at its last moment."""
        home = self._folder / os.urandom(8).hex()
        home.mkdir()
        moments = home.with_suffix(".moments")
        order = {
            "conn_id": self._conn_id,
            "home": str(home),
            "source": str(source),
            "name": name,
            "expires": self._expires.isoformat(),
            "recorder": self._recorder and str(self._recorder),
            "last": last,
            "moments": str(moments),
        }
        done = self._preloaded.finished(f"from killed_uploads import upload; upload({order!r})")
        assert list(home.iterdir()) == []
        return done.returncode, moments.read_text().splitlines()

    def records(self):
        return list(self._recorder.iterdir()) if self._recorder and self._recorder.exists() else []


@pytest.fixture(params=["stable key", "random key and a folder"])
def uploads(request, connect, expires, tmp_path, preloaded):
    hook, recorder = connect(), None
    if request.param != "stable key":
        issued = hook.temporary_credentials(["object:*"], datetime.now(UTC) + timedelta(hours=1))
        fields = {"login": issued.client_id, "password": issued.access_token}
        hook = connect("tc_temporary", **fields, extra={"certificate": issued.certificate})
        recorder = tmp_path / "records"
    return Uploads(preloaded, tmp_path, expires, hook.taskcluster_conn_id, recorder)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    return path


def received(tc):
    """Bytes that the store was sent."""
    return sum(entry.received for entry in tc.journal.entries(origin="store", method="PUT"))


@pytest.mark.slow
def test_a_kill_at_any_moment_costs_at_most_the_part_under_way(uploads, hook, tc, file, name):
    killed_at = []
    while True:
        own = f"{name}-{len(killed_at)}"
        tc.journal.clear()
        status, moments = uploads.upload(file, own, last=len(killed_at))
        if status == 0:
            break
        assert status == -signal.SIGKILL, moments
        killed_at.append(moments[-1])
        there, bytes_sent = finished(tc), received(tc)
        tc.journal.clear()
        status, _ = uploads.upload(file, own)
        assert status == 0, moments
        assert not there & set(put(tc)), moments
        assert bytes_sent + received(tc) <= len(DATA) + PART, moments
        assert hook.read_object(own) == DATA, moments
    assert_all_of(killed_at, recorded=uploads._recorder is not None)
    assert [record for record in uploads.records() if record.suffix != ".new"] == []


def assert_all_of(killed_at, *, recorded):
    """Four parts by PUT, one and the manifest inline, two records that come and go, and a look whether all is done."""
    counts = {moment: killed_at.count(moment) for moment in killed_at}
    expected = {"create_upload": 6, "put": 4, "finish_upload": 6}
    if recorded:
        expected |= {"add": 1, "link": 1, "save": 1, "replace": 1, "delete": 2}
    counts["before finish_upload"] -= 1  # the look, which ends with a 404
    assert counts.pop("before read") == counts.pop("after read") >= 4
    assert counts == {f"{when} {verb}": count for verb, count in expected.items() for when in ("before", "after")}


@pytest.mark.parametrize("lives", [8, 20])
def test_an_upload_that_is_killed_again_and_again_gets_done(uploads, hook, tc, file, name, lives):
    """Each try gets through so many moments; what is there costs it four of them."""
    kills = 0
    while (status := uploads.upload(file, name, last=lives + 4 * kills)[0]) != 0:
        assert status == -signal.SIGKILL
        kills += 1
    assert kills >= 2
    assert received(tc) <= len(DATA) + kills * PART
    assert hook.read_object(name) == DATA
