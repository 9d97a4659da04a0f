"""What holds for every source of an upload."""

from __future__ import annotations

import contextlib

import pytest

from airflow_provider_taskcluster.transfer.source.base import (
    Source,
)
from airflow_provider_taskcluster.transfer.source.factory import source_for

CONTENT = bytes(range(256)) * 20


class SourceContract:
    """What holds for every source; a test class inherits it and says how to make one with CONTENT."""

    @pytest.fixture
    def source(self, tmp_path):
        raise NotImplementedError

    def test_it_gives_its_bytes_from_the_first_to_the_last(self, source):
        with source.reading() as reader:
            assert read_all(reader) == CONTENT

    def test_it_can_be_read_again_and_again(self, source):
        for _ in range(3):
            with source.reading() as reader:
                assert read_all(reader) == CONTENT

    def test_it_begins_at_the_first_byte_after_it_was_left_in_the_middle(self, source):
        with contextlib.suppress(ConnectionError), source.reading() as reader:
            assert reader.read(7) == CONTENT[:7]
            raise ConnectionError
        with source.reading() as reader:
            assert read_all(reader) == CONTENT

    def test_a_read_gives_no_more_than_was_asked_for(self, source):
        with source.reading() as reader:
            assert reader.read(10) == CONTENT[:10]
            assert reader.read(1) == CONTENT[10:11]

    def test_if_it_can_be_open_twice_each_reader_is_at_its_own_place(self, source):
        if source.independent:
            with source.reading() as first, source.reading() as second:
                assert first.read(10) == CONTENT[:10]
                assert read_all(second) == CONTENT

    def test_if_it_knows_its_length_that_is_what_there_is_to_read(self, source):
        assert source.length() in {None, len(CONTENT)}
        with source.reading() as reader:
            assert read_all(reader) == CONTENT, "to ask for it moves nothing"

    @pytest.mark.parametrize(
        ("offset", "size"), [(0, len(CONTENT)), (0, 1), (1, 2500), (len(CONTENT) - 7, 7), (100, 0)]
    )
    def test_if_it_has_sections_each_gives_just_its_bytes_again_and_again(self, source, offset, size):
        section = source.section(offset, size)
        assert (section is None) == (source.section(0, 0) is None), "it has all of them or none"
        for _ in range(3 if section else 0):
            with section.reading() as reader:
                assert read_all(reader) == CONTENT[offset : offset + size]
                assert reader.read(1) == b""

    def test_sections_can_be_read_side_by_side(self, source):
        sections = [source.section(offset, 1000) for offset in range(0, 5000, 1000)]
        if None not in sections:
            readers = [section.open() for section in sections]
            data = b"".join(reader.read(500) for _ in range(2) for reader in readers)
            for section, reader in zip(sections, readers, strict=True):
                section.close(reader)
            halves = [CONTENT[at : at + 500] for half in (0, 500) for at in range(half, 5000, 1000)]
            assert data == b"".join(halves)

    def test_a_section_behind_the_end_is_short(self, source):
        if section := source.section(len(CONTENT) - 10, 100):
            with section.reading() as reader:
                assert read_all(reader) == CONTENT[-10:]

    def test_it_can_name_itself_in_an_error(self, source):
        assert source.description
        assert (source.section(0, 1) or source).description == source.description

    def test_it_is_taken_as_it_is(self, source):
        assert isinstance(source, Source)
        assert source_for(source) is source


def read_all(reader):
    return b"".join(iter(lambda: reader.read(1000), b""))
