"""Sources of uploads: number of reads, errors, and the offset from which a PUT is repeated."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import dataclass

import pytest
from late_entries import at_least

from airflow_provider_taskcluster.emulator.store.faults import Refuse
from airflow_provider_taskcluster.exceptions import SourceError

DATA = os.urandom(3_000_000)


class Counting(io.BytesIO):
    """Counts the bytes that are read from it."""

    count = 0

    def read(self, size=-1, /):
        data = super().read(size)
        self.count += len(data)
        return data


class Broken(io.BytesIO):
    """Cannot be read to its end."""

    def read(self, size=-1, /):
        if self.tell() >= 2_000_000:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


@dataclass(frozen=True)
class Gone:
    """The connection is reset after so many bytes of a PUT, without an answer."""

    after: int

    async def answer(self, exchange):
        read = 0
        while read < self.after:
            read += len((await exchange.receive())["body"])
        await exchange.wire.reset()
        await exchange.hang_up()


@pytest.fixture
def puts(tc):
    return lambda: tc.journal.entries(origin="store", method="PUT")


@pytest.fixture
def readers():
    return []


@pytest.fixture
def source(readers):
    """What makes a fresh reader, which ``readers`` remember."""
    return lambda: readers.append(Counting(DATA)) or readers[-1]


def test_a_source_is_read_twice_to_measure_it_and_to_send_it(hook, name, expires, source, readers):
    hook.upload_object(source, name, expires=expires)
    assert [reader.count for reader in readers] == [len(DATA)] * 2
    assert all(reader.closed for reader in readers)


@pytest.mark.parametrize("fault", [Gone(0), Gone(1_000_000), Refuse(503, 1_000_000, reset=True)], ids=str)
def test_a_put_that_is_reset_on_the_way_is_sent_again_from_a_fresh_reader(
    hook, name, expires, tc, source, readers, puts, fault
):
    tc.faults.add(fault, method="PUT", times=2)
    assert hook.upload_object(source, name, expires=expires).attempts == 3
    assert hook.read_object(name) == DATA
    assert [entry.status for entry in at_least(3, puts)][-1] == 200
    assert len(readers) == 1 + 3
    assert [readers[0].count, readers[-1].count] == [len(DATA)] * 2
    assert all(reader.closed for reader in readers)


def test_a_put_that_is_always_reset_ends_after_the_retries(connect, name, expires, tc, source, readers, puts):
    tc.faults.add(Refuse(503, after=1_000_000, reset=True), method="PUT", times=100)
    with pytest.raises(Exception, match=r"PUT http.* (got no answer|the store answered 503)"):
        connect(extra={"max_retries": 2}).upload_object(source, name, expires=expires)
    assert len(at_least(3, puts)) == 3
    assert len(readers) == 1 + 3


def test_a_source_that_cannot_be_read_while_it_is_sent_is_told_and_not_sent_again(hook, name, expires, readers, puts):
    def source():
        readers.append(Broken(DATA) if readers else io.BytesIO(DATA))
        return readers[-1]

    with pytest.raises(SourceError, match="reader of the given factory cannot be read: Input/output error") as caught:
        hook.upload_object(source, name, expires=expires)
    assert caught.value.transient
    assert len(at_least(1, puts)) == 1
    assert len(readers) == 2


@pytest.mark.parametrize("multipart", ["never", "always"])
def test_a_source_that_cannot_be_read_while_it_is_measured_is_told(hook, name, expires, tc, multipart):
    with pytest.raises(SourceError, match="cannot be read: Input/output error"):
        hook.upload_object(lambda: Broken(DATA), name, expires=expires, multipart=multipart)
    assert not tc.journal.entries(path="/upload/")
