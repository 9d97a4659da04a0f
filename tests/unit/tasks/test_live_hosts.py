"""From which hosts live logs are read."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.tasks.live_hosts import LiveHosts, host_of

ROOT = "https://tc.example.com"
TOKEN = "/log/wQkZ8CExRu2Y9hYJlzbOzA"


@pytest.mark.parametrize(
    ("root", "hosts", "url"),
    [
        (ROOT, None, f"https://tc.example.com{TOKEN}"),
        (ROOT, None, f"https://tunnel.tc.example.com:8443/group.worker.1{TOKEN}"),
        (ROOT, ("*.workers.example",), f"http://a.workers.example:32768{TOKEN}"),
        (ROOT, ("10.0.0.1",), f"http://10.0.0.1:5{TOKEN}"),
        (ROOT, ("localhost",), f"http://localhost:5{TOKEN}"),
        ("http://127.0.0.1:80", None, f"http://127.0.0.1:32768{TOKEN}"),
        ("http://localhost", ("*.1",), f"http://127.1:5{TOKEN}"),
    ],
)
def test_allowed(root, hosts, url):
    assert LiveHosts(root, hosts).refusal(url) == ""


@pytest.mark.parametrize(
    ("hosts", "url", "why"),
    [
        (None, f"https://evil.example{TOKEN}", "its host 'evil.example' is not allowed"),
        (None, f"https://xtc.example.com{TOKEN}", "not allowed"),
        (None, f"https://tc.example.com.evil.example{TOKEN}", "not allowed"),
        (None, f"http://169.254.169.254{TOKEN}", "not allowed"),
        (("*.workers.example",), f"https://tc.example.com{TOKEN}", "not allowed"),
        ((), f"https://tc.example.com{TOKEN}", "not allowed"),
        (None, f"ftp://tc.example.com{TOKEN}", "scheme"),
        (None, f"https://u:p@tc.example.com{TOKEN}", "login"),
        (None, f"https://tc.example.com\\@evil.example{TOKEN}", "backslash"),
        (None, "https://[::1", "host or port"),
        (("*.1",), f"http://127.1:5{TOKEN}", "its host '127.1' has a private address"),
    ],
)
def test_refused_without_showing_more_than_the_host(hosts, url, why):
    refusal = LiveHosts(ROOT, hosts).refusal(url)
    assert why in refusal
    assert TOKEN not in refusal


def test_a_proxy_looks_addresses_up_itself():
    assert LiveHosts(ROOT, ("*.1",)).refusal(f"http://127.1:5{TOKEN}", resolve=False) == ""


@pytest.mark.parametrize("url", ["https://[::1", "nothing"])
def test_a_url_without_a_host_shows_nothing(url):
    assert url not in host_of(url)
