from __future__ import annotations

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import ConfigurationError, ConnectionFailed, StoreError
from airflow_provider_taskcluster.transfer.http.client import StoreClient


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/a?s=c0ffee",
        "http:///a?s=c0ffee",
        "http://host:99999999/a?s=c0ffee",
        "http://.host/a?s=c0ffee",
        "c0ffee",
    ],
)
def test_a_url_that_can_be_none_is_a_permanent_error_without_its_query(url):
    """A task may publish anything as a reference."""
    with (
        pytest.raises(ConnectionFailed, match="is not a URL that can be fetched") as caught,
        StoreClient(Network()).get(url, {}),
    ):
        pass
    assert not caught.value.transient
    assert "s=c0ffee" not in str(caught.value)


def test_a_refused_connection_is_transient_and_told_without_the_query():
    with (
        pytest.raises(ConnectionFailed, match="got no answer") as caught,
        StoreClient(Network(proxies={})).get("http://127.0.0.1:1/blob?signature=c0ffee", {}),
    ):
        pass
    assert caught.value.transient
    assert "http://127.0.0.1:1/blob" in str(caught.value)
    assert "c0ffee" not in str(caught.value)


@pytest.mark.parametrize("location", ["http://[bad/a", "file:///etc/passwd", "ftp://host/a"])
def test_a_redirect_to_what_cannot_be_fetched_is_refused(server, location):
    server.status, server.headers = 302, {"Location": location}
    store = StoreClient(Network(proxies={}))
    with pytest.raises(StoreError, match="redirects to"), store.get(server.url, {}, redirects=5):
        pass
    store.close()
    assert len(server.requests) == 1


def test_certificates_are_read_for_what_is_encrypted_only(server, tmp_path):
    store = StoreClient(Network(verify=str(tmp_path / "absent"), proxies={}))
    with store.get(server.url, {}):
        pass
    with pytest.raises(ConfigurationError, match="the extra verify"), store.get("HTTPS://127.0.0.1:1/", {}):
        pass
    store.close()
    behind = StoreClient(Network(verify=str(tmp_path / "absent"), proxies={"http": "https://127.0.0.1:1"}))
    with pytest.raises(ConfigurationError, match="the extra verify"), behind.get(server.url, {}):
        pass
    behind.close()
