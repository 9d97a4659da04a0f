"""Files of the filesystem from a store that breaks off, changes them, or fails."""

from __future__ import annotations

import os

import pytest
from published_files import DATA, stored

from airflow_provider_taskcluster.emulator.store.faults import Corrupt, Cut, Headers, Ignore, Reset, Status
from airflow_provider_taskcluster.exceptions import (
    HashMismatch,
    TaskclusterError,
)

__all__ = ["stored"]


@pytest.mark.parametrize("after", [0, 1, 100_000, 255_000])
def test_a_cut_is_gone_on_from(fs, stored, tc, after):
    tc.faults.add(Cut(after), method="GET", times=2)
    with fs.open(stored, block_size=2**20) as file:
        assert file.read() == DATA


def test_a_reset_in_mid_read_is_gone_on_from(fs, stored, tc):
    with fs.open(stored, block_size=2**20) as file:
        assert file.read(10) == DATA[:10]
        tc.faults.add(Reset(700_000), method="GET")
        assert file.read() == DATA[10:]


def test_a_grant_that_ran_out_is_renewed(fs, stored, tc):
    with fs.open(stored, block_size=1000) as file:
        file.read(10)
        tc.clock.advance(seconds=150)
        file.seek(2_000_000)
        assert file.read(10) == DATA[2_000_000:2_000_010]


def test_a_store_without_ranges_is_read_whole(fs, stored, tc):
    tc.faults.add(Ignore("range"), method="GET", times=100)
    with fs.open(stored) as file:
        file.seek(-5, os.SEEK_END)
        assert file.read() == DATA[-5:]
        file.seek(0)
        assert file.read() == DATA
    assert fs.size(stored) is None


def test_what_is_read_to_the_end_is_verified(fs, stored, tc):
    tc.faults.add(Corrupt(1000), method="GET", times=100)
    with fs.open(stored, block_size=2**19) as file, pytest.raises(HashMismatch):
        list(iter(lambda: file.read(100_000), b""))
    with pytest.raises(HashMismatch):
        fs.cat_file(stored)


def test_an_object_that_changes_while_it_is_read_is_an_error(fs, stored, tc, no_waiting):
    with fs.open(stored, block_size=1000) as file:
        file.read(1)
        tc.faults.add(Headers({"etag": '"other"'}), method="GET", times=100)
        file.seek(1_000_000)
        with pytest.raises(TaskclusterError, match="another one"):
            file.read(1)


def test_an_error_of_the_store_is_told(fs, stored, tc, no_waiting):
    tc.faults.add(Status(503), method="GET", times=100)
    with pytest.raises(TaskclusterError, match="503"):
        fs.open(stored)
