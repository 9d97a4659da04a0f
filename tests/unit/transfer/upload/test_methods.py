from __future__ import annotations

import base64
import io

import pytest

from airflow_provider_taskcluster.exceptions import SourceChanged, TransferError
from airflow_provider_taskcluster.transfer.download.get_url import GetUrl
from airflow_provider_taskcluster.transfer.download.methods import DOWNLOAD_METHODS
from airflow_provider_taskcluster.transfer.download.simple import Simple
from airflow_provider_taskcluster.transfer.progress import Reporter
from airflow_provider_taskcluster.transfer.source.factory import source_for
from airflow_provider_taskcluster.transfer.upload import methods
from airflow_provider_taskcluster.transfer.upload.data_inline import DataInline
from airflow_provider_taskcluster.transfer.upload.measure import measure
from airflow_provider_taskcluster.transfer.upload.method import Offer, UploadMethod
from airflow_provider_taskcluster.transfer.upload.methods import UPLOAD_METHODS, chosen_upload, proposal
from airflow_provider_taskcluster.transfer.upload.put_url import PutUrl


def offer(content):
    source = source_for(content)
    return Offer(source, measure(source), "text/plain", Reporter("test", 5))


def test_the_methods_of_today():
    assert {method.name: type(method) for method in UPLOAD_METHODS} == {"dataInline": DataInline, "putUrl": PutUrl}
    assert {method.name: type(method) for method in DOWNLOAD_METHODS} == {"getUrl": GetUrl, "simple": Simple}


def test_a_method_in_the_list_is_proposed_and_chosen(monkeypatch):
    class Multipart(UploadMethod):
        name = "s3Multipart"

        def propose(self, offer):
            return {"parts": 3 if offer else 0}

        def move(self, *_):
            return {}

    monkeypatch.setattr(methods, "UPLOAD_METHODS", (*UPLOAD_METHODS, Multipart()))
    assert proposal(offer(b"x"))["s3Multipart"] == {"parts": 3}
    method, granted = chosen_upload("a", {"s3Multipart": {}}, {"uploadMethod": {"s3Multipart": {"urls": []}}})
    assert isinstance(method, Multipart)
    assert granted == {"urls": []}


@pytest.mark.parametrize("size", [1, 8191, 8192])
def test_small_data_are_offered_inline_and_by_url(size):
    content = b"x" * size
    proposed = proposal(offer(content))
    assert set(proposed) == {"dataInline", "putUrl"}
    assert proposed["putUrl"] == {"contentType": "text/plain", "contentLength": size}
    assert proposed["dataInline"]["contentType"] == "text/plain"
    assert base64.b64decode(proposed["dataInline"]["objectData"], validate=True) == content
    assert len(proposed["dataInline"]["objectData"]) <= 10926


@pytest.mark.parametrize("size", [0, 8193])
def test_more_than_8192_bytes_do_not_go_inline_and_neither_do_none(size):
    assert set(proposal(offer(b"x" * size))) == {"putUrl"}


def test_a_source_that_gives_little_at_a_time_goes_inline_whole():
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    inline = proposal(offer(lambda: Slow(b"content")))["dataInline"]
    assert base64.b64decode(inline["objectData"]) == b"content"


@pytest.mark.parametrize("later", [b"", b"shorter", b"much longer than before", b"x" * 9000])
def test_a_source_whose_length_changed_since_it_was_hashed_does_not_go_inline(tmp_path, later):
    path = tmp_path / "file"
    path.write_bytes(b"as measured")
    offered = offer(path)
    path.write_bytes(later)
    with pytest.raises(SourceChanged, match="changed while it was uploaded"):
        proposal(offered)


def test_a_source_whose_bytes_changed_since_they_were_hashed_does_not_go_inline(tmp_path):
    """Same length: without a look at the bytes the object would be finished with hashes that never match."""
    path = tmp_path / "file"
    path.write_bytes(b"as measured")
    offered = offer(path)
    path.write_bytes(b"other bytes")
    with pytest.raises(SourceChanged, match="changed while it was uploaded"):
        proposal(offered)


@pytest.mark.parametrize("answer", [{}, {"s3Multipart": {}}, {"dataInline": False}], ids=repr)
def test_none_of_our_methods_accepted_is_a_clear_error(answer):
    with pytest.raises(TransferError, match=r"none of the .* proposed for object 'a/b' \(dataInline, putUrl\)"):
        chosen_upload("a/b", proposal(offer(b"x")), {"uploadMethod": answer})


def test_a_method_that_was_not_proposed_is_not_taken():
    """No byte of an empty object, or of a large one, was in the request: inline, none would be stored."""
    with pytest.raises(TransferError, match=r"none of the .* proposed for object 'a' \(putUrl\)"):
        chosen_upload("a", proposal(offer(b"")), {"uploadMethod": {"dataInline": True}})


def test_the_grant_of_get_url_has_hashes_and_an_end_and_follows_no_redirect():
    answer = {"method": "getUrl", "url": "u", "expires": "2030-05-01T12:00:00.123Z", "hashes": {"sha256": "ab"}}
    grant = GetUrl().grant(answer)
    assert (grant.url, grant.method, grant.hashes, grant.redirects) == ("u", "getUrl", {"sha256": "ab"}, 0)
    assert grant.expires.isoformat() == "2030-05-01T12:00:00.123000+00:00"


def test_the_grant_of_simple_may_redirect_and_has_no_hashes_of_its_own():
    grant = Simple().grant({"method": "simple", "url": "u"})
    assert (grant.url, grant.method, grant.hashes, grant.expires) == ("u", "simple", {}, None)
    assert grant.redirects > 0
