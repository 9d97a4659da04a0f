"""Files that others may have made, or may read: modes, owners, links, and paths that cannot be."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import stat
from contextlib import closing
from functools import partial

import pytest

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput, NameRefused
from airflow_provider_taskcluster.transfer.archive.extract import check_folder, extract
from airflow_provider_taskcluster.transfer.http.ranges import Facts
from airflow_provider_taskcluster.transfer.payload.local import LocalDestination
from airflow_provider_taskcluster.transfer.sink import directory
from airflow_provider_taskcluster.transfer.sink.checkpoint import Checkpoint
from airflow_provider_taskcluster.transfer.sink.directory import Directory
from airflow_provider_taskcluster.transfer.sink.factory import sink_for
from airflow_provider_taskcluster.transfer.sink.partial_file import PathSink
from airflow_provider_taskcluster.transfer.source import local_paths
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.source.folder import folder_sources
from airflow_provider_taskcluster.transfer.upload.recorder import UploadRecord, load, recorder_for, save

NOBODY = 12345
RECORD = Checkpoint("key", Facts(7, '"etag"', None, "text/plain"), 7)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def umask():
    before = os.umask(0o027)
    yield
    os.umask(before)


@pytest.fixture
def left(tmp_path):
    """A download to ``file`` that did not come to its end: the partial file, and its record."""
    sink = PathSink(tmp_path / "file")
    sink.begin(7)
    sink.write(b"content")
    sink.note(RECORD)
    sink.keep()
    return tmp_path / sink._partial, tmp_path / sink._checkpoint_name


def put(sink):
    sink.begin(7)
    sink.write(b"content")
    sink.commit()


def test_until_it_is_complete_nobody_else_can_read_it(tmp_path, umask):
    sink = PathSink(tmp_path / "file")
    sink.begin(7)
    sink.note(RECORD)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert len(list(tmp_path.iterdir())) == 2
    sink.commit()
    assert mode(tmp_path / "file") == 0o640


def test_the_umask_is_found_where_the_system_does_not_tell_it(tmp_path, umask, monkeypatch):
    monkeypatch.setattr(directory.Path, "read_text", lambda _: "Name: python\n")
    put(PathSink(tmp_path / "file"))
    assert mode(tmp_path / "file") == 0o640
    assert directory._umask() == 0o027


@pytest.mark.parametrize(("was", "becomes"), [(0o600, 0o600), (0o664, 0o664), (0o755, 0o755), (0o6755, 0o755)])
def test_it_may_be_read_by_who_could_read_what_it_replaces_and_runs_as_nobody_else(tmp_path, umask, was, becomes):
    (tmp_path / "file").touch()
    (tmp_path / "file").chmod(was)
    put(PathSink(tmp_path / "file"))
    assert mode(tmp_path / "file") == becomes


def test_the_manifest_of_a_payload_can_be_read_as_its_files(tmp_path, umask):
    place = LocalDestination(tmp_path / "folder")
    place.write("manifest", b"{}")
    place.append("journal", b"line")
    place.close()
    assert mode(tmp_path / "folder" / "manifest") == 0o640
    assert mode(tmp_path / "folder" / "journal") == 0o600


def resumed(path):
    sink = PathSink(path)
    try:
        return sink.resume("key")
    finally:
        sink.discard()


@pytest.mark.usefixtures("left")
def test_what_is_ours_is_gone_on_with(tmp_path):
    assert resumed(tmp_path / "file") == RECORD


def of_another_user(path):
    os.chown(path, NOBODY, -1)


def linked_twice(path):
    os.link(path, path.with_name("second name"))


def a_link(path):
    path.symlink_to(path.rename(path.with_name("moved")))


@pytest.mark.parametrize("which", [0, 1], ids=["partial file", "record"])
@pytest.mark.parametrize("damage", [pytest.param(of_another_user, marks=as_root), linked_twice, a_link])
def test_what_may_be_of_somebody_else_is_not_gone_on_with(tmp_path, left, which, damage):
    damage(left[which])
    sink = PathSink(tmp_path / "file")
    assert sink.resume("key") is None
    put(sink)
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (tmp_path / "file").stat().st_uid == os.geteuid()
    assert (tmp_path / "file").stat().st_nlink == 1


@as_root
def test_who_owns_the_folder_can_do_as_he_likes_in_it_anyway(tmp_path, left):
    """Network file systems show one owner for all that is there, who need not be this user."""
    for path in (tmp_path, *left):
        os.chown(path, NOBODY, -1)
    assert resumed(tmp_path / "file") == RECORD


def test_a_pipe_under_the_name_of_the_partial_file_is_not_waited_for(tmp_path):
    sink = PathSink(tmp_path / "file")
    os.mkfifo(tmp_path / sink._partial)
    put(sink)
    assert (tmp_path / "file").read_bytes() == b"content"


def test_no_descriptor_is_left_of_a_folder_where_a_file_is_wanted(tmp_path):
    (tmp_path / "folder").mkdir()
    opened = Directory.at(tmp_path, make=False)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (of the system, not of the test's)
    assert opened.read_own("folder") is None
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 (as above)
    opened.close()


@as_root
def test_the_record_of_an_upload_that_another_user_made_is_none(tmp_path):
    recorder = recorder_for(tmp_path)
    record = UploadRecord("https://tc.example.com", "p", "name", 2**43, 7, "a" * 64, key="secret")
    save(recorder, record)
    assert load(recorder, record.slot) == record
    os.chown(tmp_path / f"{record.slot}.json", NOBODY, -1)
    assert load(recorder, record.slot) is None


def test_a_link_of_ours_is_followed_and_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("second")
    (tmp_path / "second").symlink_to(tmp_path / "folder" / "file")
    put(PathSink(tmp_path / "link"))
    assert (tmp_path / "folder" / "file").read_bytes() == b"content"
    assert (tmp_path / "link").is_symlink()


@as_root
@pytest.mark.parametrize("planted", ["link", "second"])
def test_a_link_of_another_user_is_refused_wherever_it_leads(tmp_path, planted):
    (tmp_path / "precious").write_bytes(b"untouched")
    (tmp_path / "link").symlink_to("second")
    (tmp_path / "second").symlink_to("precious")
    os.chown(tmp_path / planted, NOBODY, -1, follow_symlinks=False)
    with pytest.raises(NameRefused, match=rf"symbolic link of another user \(uid {NOBODY}\)"):
        sink_for(tmp_path / "link")
    assert (tmp_path / "precious").read_bytes() == b"untouched"


@as_root
def test_a_link_of_root_is_followed_by_others(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to("file")
    monkeypatch.setattr(local_paths.os, "geteuid", lambda: NOBODY)
    assert local_paths.resolve_link(tmp_path / "link") == tmp_path / "file"


@pytest.mark.parametrize("loop", ["loop", "loop/file", "loop/new/file"])
def test_links_in_circles_are_an_error_that_stays(tmp_path, loop):
    (tmp_path / "loop").symlink_to("turn")
    (tmp_path / "turn").symlink_to("loop")
    for use in (sink_for, LocalDestination):
        with pytest.raises(DestinationError, match="symbolic links go in circles") as caught:
            use(tmp_path / loop)
        assert not caught.value.transient
        assert not pickle.loads(pickle.dumps(caught.value)).transient


@pytest.mark.parametrize("on_the_way", ["", "new/", "new/folder/"])
@pytest.mark.parametrize("name", ["x" * 256, "ü" * 128])
def test_a_name_that_is_too_long_is_an_error_that_stays(tmp_path, on_the_way, name):
    for use in (sink_for, LocalDestination):
        with pytest.raises(DestinationError, match="File name too long: choose a shorter one") as caught:
            use(f"{tmp_path}/{on_the_way}{name}")
        assert not caught.value.transient
    sink_for(f"{tmp_path}/{on_the_way}{name[1:]}")


def test_a_path_that_is_too_long_is_an_error_that_stays(tmp_path):
    with pytest.raises(DestinationError, match="File name too long") as caught:
        sink_for(tmp_path / "/".join(["folder"] * 1000))
    assert not caught.value.transient


@pytest.mark.parametrize("on_the_way", ["file", "file/new", "file/new/folder", "nowhere", "nowhere/new"])
def test_what_is_no_folder_on_the_way_is_a_clear_error(tmp_path, on_the_way):
    (tmp_path / "file").write_bytes(b"untouched")
    (tmp_path / "nowhere").symlink_to("missing")
    for use in (
        lambda path: sink_for(path).begin(7),
        LocalDestination,
        check_folder,
        lambda path: extract("archive.zip", path),
    ):
        with pytest.raises(
            DestinationError, match="what is in the way is no folder: remove it, or choose another"
        ) as caught:
            use(f"{tmp_path}/{on_the_way}/last")
        assert caught.value.transient  # somebody may remove it
    assert (tmp_path / "file").read_bytes() == b"untouched"


@pytest.mark.parametrize("use", [LocalDestination, check_folder, lambda path: extract("archive.zip", path)])
@pytest.mark.parametrize("planted", ["file", "nowhere"])
def test_what_is_in_the_place_of_a_folder_is_a_clear_error_at_once(tmp_path, use, planted):
    (tmp_path / "file").write_bytes(b"untouched")
    (tmp_path / "nowhere").symlink_to("missing")
    with pytest.raises(DestinationError, match="what is in the way is no folder") as caught:
        use(tmp_path / planted)
    assert caught.value.transient  # somebody may remove it


@pytest.mark.parametrize("path", ["nodir/..", "nodir/new/..", "..", ".", "", "/"])
def test_a_path_that_can_be_a_folder_alone_is_refused_at_once(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(path or ".")
    for destination in (path, "link"):
        with pytest.raises(InvalidInput, match="is a folder: name the file to write"):
            sink_for(destination)
    assert [left.name for left in tmp_path.iterdir()] == ["link"]


def test_a_folder_that_comes_in_between_is_an_error_that_stays(tmp_path):
    sink = sink_for(tmp_path / "file")
    sink.begin(7)
    (tmp_path / "file").mkdir()
    with pytest.raises(DestinationError, match="it is a folder: name a file in it") as caught:
        sink.commit()
    assert not caught.value.transient
    sink.discard()


class Place:
    """A path by its protocol alone."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return self._path


@pytest.mark.parametrize("path", [b"file", 7, None], ids=repr)
@pytest.mark.parametrize(
    "use",
    [sink_for, LocalDestination, source_for, folder_sources, check_folder, lambda path: extract(path, "folder")],
    ids=["download", "payload", "upload", "upload of a folder", "folder of an archive", "archive"],
)
def test_a_path_that_is_no_text_is_said_at_once(tmp_path, monkeypatch, use, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"content")
    with pytest.raises(InvalidInput, match=r"A Place that is \w+ is no path: pass it as text"):
        use(Place(path))


def test_a_path_by_its_protocol_is_one(tmp_path):
    put(sink_for(Place(str(tmp_path / "file"))))
    assert source_for(Place(str(tmp_path / "file"))).length() == 7
    assert list(folder_sources(Place(str(tmp_path)))) == ["file"]


@pytest.mark.parametrize("path", ["a\0b", "folder\0/file", "\udfff\ud800"], ids=ascii)
@pytest.mark.parametrize(
    "use",
    [
        sink_for,
        LocalDestination,
        recorder_for,
        lambda path: extract(path, "folder"),
        lambda path: extract("archive.zip", path),
    ],
    ids=["download", "payload", "recorder", "archive", "folder of an archive"],
)
def test_what_can_be_no_path_is_said_at_once(tmp_path, monkeypatch, use, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="cannot be a path"):
        use(path)
    assert list(tmp_path.iterdir()) == []


class Claims(io.BytesIO):
    """A file that says it can seek."""

    def __init__(self, said):
        super().__init__()
        self._said = said

    def seek(self, *_):
        raise self._said


class Stays(io.BytesIO):
    """A file that goes nowhere when it is told to seek, and says nothing."""

    def __init__(self):
        super().__init__(b"before")
        super().seek(0, io.SEEK_END)

    def seek(self, *_):
        return super().seek(0)


@pytest.mark.parametrize("error", [OSError("no"), ValueError("no"), io.UnsupportedOperation("no"), TypeError("no")])
def test_a_file_that_says_it_can_seek_and_cannot_is_refused(error):
    with pytest.raises(InvalidInput, match=r"a Claims, is not what it says.*pass a function that opens a new one"):
        sink_for(Claims(error))
    with pytest.raises(InvalidInput, match="does not seek to where it stood"):
        sink_for(Stays())


def test_a_compressed_file_is_refused_and_a_function_that_opens_it_is_not(tmp_path):
    with gzip.open(tmp_path / "file.gz", "wb") as file, pytest.raises(InvalidInput, match="a GzipFile, is not what"):
        sink_for(file)
    put(sink_for(partial(gzip.open, tmp_path / "file.gz", "wb")))
    assert gzip.decompress((tmp_path / "file.gz").read_bytes()) == b"content"


def test_a_closed_file_is_refused(tmp_path):
    with (tmp_path / "file").open("wb") as file:
        pass
    with pytest.raises(InvalidInput, match="closed file"):
        sink_for(file)


def test_a_file_that_cannot_take_its_name_leaves_nothing(tmp_path):
    (tmp_path / "name").mkdir()
    with closing(Directory.at(tmp_path, make=False)) as folder:
        with pytest.raises(OSError, match="directory"):
            folder.write("name", b"content")
        with pytest.raises(OSError, match="name too long"):
            folder.open_own("a" * 300)
    assert [entry.name for entry in tmp_path.iterdir()] == ["name"]
