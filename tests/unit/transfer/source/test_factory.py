"""Functions that make readers as sources, and what is no source."""

from __future__ import annotations

import io

import pytest
from source_contract import CONTENT, SourceContract

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.transfer.source.base import (
    FactorySource,
)
from airflow_provider_taskcluster.transfer.source.factory import source_for


class Chunks:
    """A reader with no more than it must have."""

    def __init__(self):
        self._rest = CONTENT

    def read(self, size):
        size = min(size, 100)
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


class FileOfItsOwn(io.BytesIO):
    """A class is a function that makes its readers, and has the methods of a file."""

    def __init__(self):
        super().__init__(CONTENT)


class TestFactory(SourceContract):
    @pytest.fixture(
        params=[Chunks, lambda: io.BytesIO(CONTENT), FileOfItsOwn], ids=["a bare reader", "a file", "a class of files"]
    )
    def source(self, request):
        source = source_for(request.param)
        assert isinstance(source, FactorySource)
        return source

    def test_a_reader_that_can_be_closed_is_closed(self):
        with source_for(lambda: io.BytesIO(CONTENT)).reading() as reader:
            pass
        assert reader.closed


@pytest.mark.parametrize("thing", [None, 7, [b"a"], {"a": 1}], ids=repr)
def test_other_things_cannot_be_uploaded(thing):
    with pytest.raises(InvalidInput, match=f"Cannot upload a {type(thing).__name__}: pass bytes, a path"):
        source_for(thing)
