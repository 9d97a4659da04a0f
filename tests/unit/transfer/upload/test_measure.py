from __future__ import annotations

import hashlib
import io
import os

import pytest
from running_threads import running

from airflow_provider_taskcluster.exceptions import SourceError
from airflow_provider_taskcluster.transfer.source.base import PathSource
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.read_ahead import WORTH_A_THREAD, ReadAheadHashers
from airflow_provider_taskcluster.transfer.upload.measure import measure

LARGE = os.urandom(WORTH_A_THREAD) * 3


@pytest.mark.parametrize("content", [b"", b"some bytes", LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("kind", ["bytes", "path", "file", "factory"])
def test_the_length_the_sha256_and_a_sha512_that_can_be_continued(tmp_path, kind, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        sources = {"bytes": content, "path": path, "file": file, "factory": lambda: io.BytesIO(content)}
        source = source_for(sources[kind])
        measured = measure(source)
    assert (measured.size, measured.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    ahead = ReadAheadHashers(source, measured.take_hashers(), measured.size)
    ahead.update(content)
    assert ahead.digests() == {"sha512": hashlib.sha512(content).hexdigest()}


def test_of_a_large_file_the_sha512_is_begun(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(LARGE)
    measured = measure(PathSource(path))
    assert 0 < measured.take_hashers().seen <= len(LARGE)
    assert measured.take_hashers().seen == 0, "who tries again hashes what it sends"


def test_a_source_that_can_be_open_only_once_is_read_by_one_reader(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(LARGE)
    with path.open("rb") as file:
        assert measure(source_for(file)).take_hashers().seen == 0


def test_a_second_reader_that_fails_is_no_failure(tmp_path):
    class Once(PathSource):
        opened = 0

        def open(self):
            self.opened += 1
            if self.opened > 1:
                raise OSError("not twice")
            return super().open()

    path = tmp_path / "file"
    path.write_bytes(LARGE)
    source = Once(path)
    measured = measure(source)
    assert (measured.sha256, measured.take_hashers().seen, source.opened) == (hashlib.sha256(LARGE).hexdigest(), 0, 2)


def test_no_thread_is_left_behind_when_reading_fails(tmp_path):
    class Broken(PathSource):
        def open(self):
            file = super().open()
            reads = iter(range(12))

            class Reader:
                close = file.close

                def read(self, size):
                    if next(reads) > 10:
                        raise OSError("broken disk")
                    return file.read(size)

            return Reader()

    path = tmp_path / "file"
    path.write_bytes(LARGE)
    with pytest.raises(SourceError, match="broken disk"):
        measure(Broken(path))
    assert not running("taskcluster-measuring")
