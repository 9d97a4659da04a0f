"""Memory, and paths of this machine, as destinations of a download."""

from __future__ import annotations

import os

import pytest
from sink_contract import CONTENT, SinkContract, fill

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput, TooLarge
from airflow_provider_taskcluster.transfer.sink.base import MemorySink
from airflow_provider_taskcluster.transfer.sink.factory import sink_for
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink


class TestMemory(SinkContract):
    @pytest.fixture
    def sink(self):
        return MemorySink(max_bytes=10_000)

    @pytest.fixture
    def arrived(self, sink):
        return sink.content

    def test_exactly_the_cap_fits(self):
        sink = MemorySink(max_bytes=5)
        sink.begin(5)
        sink.write(b"12345")
        assert sink.content() == b"12345"

    def test_more_than_the_cap_is_refused_as_soon_as_it_is_announced(self):
        with pytest.raises(TooLarge, match="more than the 5 bytes allowed in memory: raise max_bytes, or"):
            MemorySink(max_bytes=5).begin(6)
        with pytest.raises(TooLarge, match="more than the 5 bytes allowed"):
            MemorySink(max_bytes="5").begin(6)

    def test_more_than_the_cap_is_refused_when_it_comes_unannounced(self):
        sink = MemorySink(max_bytes=5)
        sink.begin(None)
        sink.write(b"123")
        with pytest.raises(TooLarge):
            sink.write(b"456")
        assert sink.content() == b"123"

    def test_bytes_out_of_order_are_refused(self):
        sink, data = MemorySink(), memoryview(bytearray(1))
        for method, arguments in (("reserve", [1]), ("write_at", [0, data]), ("read_at", [0, data])):
            with pytest.raises(InvalidInput, match=r"A MemorySink (takes bytes in order only|cannot be read)"):
                getattr(sink, method)(*arguments)

    def test_without_a_cap_there_is_no_limit(self):
        MemorySink(max_bytes=None).begin(2**60)


class TestPath(SinkContract):
    @pytest.fixture(params=[str, lambda path: path], ids=["text", "Path"])
    def sink(self, request, tmp_path):
        sink = sink_for(request.param(tmp_path / "made" / "on the way" / "file"))
        assert isinstance(sink, PathSink)
        return sink

    @pytest.fixture
    def arrived(self, sink, tmp_path):
        final = tmp_path / "made" / "on the way" / "file"
        assert sink.path == str(final)
        return lambda: final.read_bytes() if final.exists() else None

    def test_the_name_appears_only_with_commit(self, sink, arrived):
        sink.begin(None)
        fill(sink)
        assert arrived() is None
        sink.commit()
        assert arrived() == CONTENT

    def test_a_file_that_was_there_stays_as_it_was_until_commit(self, tmp_path):
        (tmp_path / "file").write_bytes(b"old")
        sink = PathSink(tmp_path / "file")
        sink.begin(None)
        fill(sink)
        assert (tmp_path / "file").read_bytes() == b"old"
        sink.discard()
        assert (tmp_path / "file").read_bytes() == b"old"
        sink.begin(None)
        fill(sink)
        sink.commit()
        assert (tmp_path / "file").read_bytes() == CONTENT

    @pytest.mark.parametrize("end", ["commit", "discard"])
    def test_no_other_file_is_left_beside_it(self, tmp_path, end):
        sink = PathSink(tmp_path / "file")
        for _ in range(3):
            sink.begin(None)
            fill(sink)
        getattr(sink, end)()
        sink.discard()
        assert os.listdir(tmp_path) == (["file"] if end == "commit" else [])  # noqa: PTH208 (names are wanted)

    def test_two_downloads_to_the_same_path_do_not_disturb_each_other(self, tmp_path):
        first, second = PathSink(tmp_path / "file"), PathSink(tmp_path / "file")
        for sink in (first, second):
            sink.begin(None)
        first.write(b"first")
        second.write(b"second")
        first.commit()
        second.discard()
        assert (tmp_path / "file").read_bytes() == b"first"

    def test_a_relative_path_works(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        sink = PathSink("file")
        sink.begin(None)
        sink.commit()
        assert (tmp_path / "file").exists()

    @pytest.mark.parametrize("folder", ["{tmp}", "{tmp}/", "{tmp}/new/", ".", "..", "/", ""])
    def test_a_folder_is_refused_as_destination(self, tmp_path, folder):
        with pytest.raises(InvalidInput, match="is a folder: name the file to write"):
            sink_for(folder.format(tmp=tmp_path))

    def test_a_path_through_a_file_is_a_clear_error_and_so_it_stays_when_discarded(self, tmp_path):
        (tmp_path / "file").touch()
        sink = PathSink(tmp_path / "file" / "below")
        with pytest.raises(DestinationError, match=r"Cannot write .*below"):
            sink.begin(None)
        sink.discard()

    def test_a_name_that_is_too_long_is_a_clear_error(self, tmp_path):
        with pytest.raises(DestinationError, match="File name too long"):
            sink_for(tmp_path / ("x" * 300))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_without_permission_is_a_clear_error(self, tmp_path):
        (tmp_path / "locked").mkdir(mode=0o500)
        sink = PathSink(tmp_path / "locked" / "file")
        with pytest.raises(DestinationError, match="no permission to write there"):
            sink.begin(None)
        sink.discard()


@pytest.mark.parametrize("thing", [None, 7, b"bytes", [1]], ids=repr)
def test_other_things_are_no_destination(thing):
    with pytest.raises(InvalidInput, match=rf"Cannot download into a {type(thing).__name__}: pass a path"):
        sink_for(thing)
