"""What a reference artifact may point to; the rest of the downloads is tested over real sockets."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import ArtifactError, ConnectionFailed, ReferenceRefused, TransferError
from airflow_provider_taskcluster.services.readers import SchemaMismatch, kind
from airflow_provider_taskcluster.transfer.config import TransferConfig
from airflow_provider_taskcluster.transfer.download.artifact import ArtifactDownloader
from airflow_provider_taskcluster.transfer.download.location import PLAIN_URL
from airflow_provider_taskcluster.transfer.http.client import StoreClient
from airflow_provider_taskcluster.transfer.sink.base import MemorySink


def download(answer, *, allow_reference=False):
    service = SimpleNamespace(artifact_content=lambda *_, **__: answer)
    config = TransferConfig(allow_reference=allow_reference)
    downloader = ArtifactDownloader(service, StoreClient(Network(proxies={})), config)
    return downloader.download("fN1SbArXTPSVFNUvaOlinQ", "public/a", 0, MemorySink())


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/a", "s3://bucket/a", "", "host/a", "://"])
@pytest.mark.parametrize("allow", [True, False])
def test_only_http_and_https_are_fetched_whatever_is_allowed(url, allow):
    with pytest.raises(ReferenceRefused, match="only http and https are fetched"):
        download({"storageType": "reference", "url": url}, allow_reference=allow)


@pytest.mark.parametrize("url", ["https://host/a?secret=c0ffee", "HTTP://host/a", "http://[bad/a?secret=c0ffee"])
def test_a_url_that_the_task_chose_is_refused_unless_allowed_and_told_without_its_query(url):
    with pytest.raises(ReferenceRefused, match="allow it with allow_reference=True") as caught:
        download({"storageType": "reference", "url": url})
    assert "c0ffee" not in str(caught.value)


def test_an_allowed_url_that_is_none_is_a_permanent_error():
    with pytest.raises(ConnectionFailed, match="is not a URL that can be fetched") as caught:
        download({"storageType": "reference", "url": "http://[bad/a"}, allow_reference=True)
    assert not caught.value.transient


def test_an_error_artifact_tells_what_the_task_said():
    with pytest.raises(ArtifactError, match=r"task fN1SbArXTPSVFNUvaOlinQ \(run 0\).*file-missing: no such") as caught:
        download({"storageType": "error", "reason": "file-missing", "message": "no such file"})
    assert caught.value.reason == "file-missing"


def test_a_storage_type_of_the_future_is_a_clear_error():
    with pytest.raises(TransferError, match="has the storage type 'quantum', not known here"):
        download({"storageType": "quantum"})


def test_how_a_plain_url_is_marked_is_no_storage_type_of_the_queue():
    """A URL under this mark is not looked at as a reference is."""
    with pytest.raises(SchemaMismatch):
        kind(PLAIN_URL)
    with pytest.raises(TransferError, match="has the storage type 'redirect', not known here"):
        download({"storageType": "redirect", "url": "https://evil.org/a"})


@pytest.mark.parametrize("url", ["https://a.example.com/a?c0ffee", "https://evil.org/a?c0ffee", "http://[bad/a?c0ffee"])
def test_a_url_of_a_host_that_is_not_listed_is_refused(url):
    with pytest.raises(ReferenceRefused, match="whose host is not in allow_reference") as caught:
        download({"storageType": "reference", "url": url}, allow_reference=("example.com", "*.wild.org"))
    assert "c0ffee" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://u:c0ffee@h/a?c0ffee", "http://h/a b?c0ffee", "http://h\t/?c0ffee", "http:///a?c0ffee"]
)
@pytest.mark.parametrize("storage_type", ["s3", "reference"])
def test_a_url_that_cannot_be_fetched_is_told_without_its_secrets(storage_type, url):
    with pytest.raises(ConnectionFailed, match="is not a URL that can be fetched: it ") as caught:
        download({"storageType": storage_type, "url": url}, allow_reference=True)
    assert not caught.value.transient
    assert str(caught.value).isprintable()
    assert "c0ffee" not in str(caught.value)
