"""Damaged archives are extracted correctly, or fail and leave nothing behind."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile

import pytest
from archives_to_extract import COMPRESS, KINDS, tar_of, tree, zip_member
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_taskcluster.exceptions import ArchiveRefused, TooLarge
from airflow_provider_taskcluster.transfer.archive.extract import extract

FILES = [("a", b"1" * 70), ("d/", b""), ("d/b", bytes(range(256))), ("d/up", ("link", "../a")), ("e", b"")]
# The first file ends here, and with it the first stream.
FIRST = 1024


def whole(kind):
    """An archive, in two streams where it is compressed."""
    if kind != ".zip":
        packed = tar_of(FILES, format=tarfile.GNU_FORMAT)
        return COMPRESS[kind](packed[:FIRST]) + COMPRESS[kind](packed[FIRST:])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in FILES:
            link, folder = isinstance(content, tuple), name.endswith("/")
            mode = stat.S_IFLNK | 0o777 if link else stat.S_IFDIR | 0o755 if folder else stat.S_IFREG | 0o644
            archive.writestr(zip_member(name, mode), content[1] if link else content)
    return data.getvalue()


ARCHIVES = {kind: whole(kind) for kind in KINDS}


def vouched_for(kind):
    """The bytes of which some other part of the archive tells whether they are right."""
    data = ARCHIVES[kind]
    places = set(range(len(data)))
    if kind == ".zip":  # nothing vouches for attributes: whether it is a link, or may be run
        header = -1
        while (header := data.find(b"PK\x01\x02", header + 1)) >= 0:
            places -= set(range(header + 38, header + 42))
    if kind == ".tar":  # headers have sums, contents have none
        places = {place for start in (0, 1024, 1536, 2560, 3072) for place in range(start, start + 512)}
    return sorted(places)


@st.composite
def damaged(draw, kind):
    data = ARCHIVES[kind]
    place = draw(st.sampled_from(vouched_for(kind)))
    more = st.binary(min_size=1, max_size=50)
    before, behind = data[:place], data[place:]
    changes = [
        st.integers(1, 255).map(lambda bits: before + bytes([data[place] ^ bits]) + behind[1:]),
        st.just(before),
    ]
    if kind != ".tar":
        changes += [
            more.map(lambda given: before + given + behind),
            more.map(lambda given: data + given),
            st.integers(1, 50).map(lambda length: before + behind[length:]),
            st.integers(1, 50).map(lambda length: before + behind[:length] + behind),
        ]
    if kind not in {".tar", ".zip"}:  # in which it could hit attributes
        changes.append(st.integers(1, 50).map(lambda length: before + bytes(length) + behind[length:]))
    return draw(st.one_of(changes))


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    return tmp_path_factory.mktemp("around")


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_without_damage_comes_out(around, kind):
    assert outcome(around, ARCHIVES[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_an_error_or_does_no_harm(around, kind):
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(damaged(kind))
    def check(data):
        outcome(around, data)

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_cut_is_an_error(around, kind):
    data = ARCHIVES[kind]
    needed = len(data) if kind != ".tar" else data.rindex(b"ustar") + 255 + 512  # of the zeros at the end, one block
    for end in range(0, needed, 1 if kind != ".tar" else 64):
        assert not outcome(around, data[:end]), end


def outcome(around, data):
    """Extract; tell whether all of it came out. Nothing else is there then, and nothing at all otherwise."""
    folder = around / "in"
    (around / "archive").write_bytes(data)
    try:
        extract(around / "archive", folder)
    except (ArchiveRefused, TooLarge):
        assert not list(folder.iterdir())
        return False
    else:
        contents = {name: content for name, content in FILES if not name.endswith("/")}
        assert tree(folder) == contents
        assert {path.stat().st_mode & 0o111 for path in folder.glob("*") if path.is_file()} == {0}
        return True
    finally:
        shutil.rmtree(folder)
        assert [path.name for path in around.iterdir()] == ["archive"]
