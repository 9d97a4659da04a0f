from __future__ import annotations

import pytest

from airflow_provider_taskcluster.common.urls import host_is_allowed, host_pattern_problem, url_problem


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example.com/a?b=c#d",
        "HTTP://HOST:8080",
        "http://127.0.0.1:1/a",
        "http://[::1]:8080/a",
        "http://under_score.example/a@b:c",
        "http://bücher.example/ü",
    ],
)
def test_what_can_be_fetched_has_no_problem(url):
    assert not url_problem(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/a", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("//host/a", "scheme"),
        ("", "scheme"),
        ("http:///a", "no host"),
        ("http://:80/a", "no host"),
        ("http://[bad/a", "cannot be"),
        ("http://host:port/a", "cannot be"),
        ("http://host:99999/a", "cannot be"),
        ("http://user:pass@host/a", "login"),
        ("http://@host/a", "login"),
        ("http://good.example\\@evil.example/", "backslash"),
        ("http://host/a\nb", "control"),
        ("\thttp://host/", "control"),
        ("http://host/a b", "space"),
        ("http://host\u202e/a", "control"),
        ("http://ho%73t/a", "not a name"),
        ("http://a<b/", "not a name"),
        ("http://" + "a" * 254, "not a name"),
        ("http://good.example\u3002evil.example/", "not a name"),
    ],
)
def test_a_problem_is_named_without_the_url(url, why):
    assert why in url_problem(url)
    assert "example" not in url_problem(url)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://example.com/a", True),
        ("https://EXAMPLE.com.:8443/a", True),
        ("https://sub.example.com/a", False),
        ("https://a.wild.org/", True),
        ("https://a.b.WILD.org/", True),
        ("https://wild.org/", False),
        ("https://evilwild.org/", False),
        ("https://wild.org.evil.net/", False),
        ("https://evil.net/?example.com", False),
        ("https://evil.net#.wild.org", False),
        ("http://10.0.0.1/", True),
        ("http://167772161/", False),
        ("http://10.0.0.11/", False),
        ("http://[0:0::0:1]/", True),
        ("http://[::2]/", False),
        ("http://1.2.3.4/", False),
    ],
)
def test_a_host_is_allowed_as_it_is_written_and_its_subdomains_by_a_star(url, allowed):
    assert host_is_allowed(url, ["example.com", "*.wild.org", "*.3.4", "10.0.0.1", "[::1]"]) is allowed


def test_nothing_is_allowed_by_an_empty_list():
    assert not host_is_allowed("https://example.com/", [])


@pytest.mark.parametrize("pattern", ["example.com", "*.example.com", "localhost", "10.0.0.1", "::1", "[::1]", "a.b."])
def test_hosts_that_can_be_listed(pattern):
    assert not host_pattern_problem(pattern)


@pytest.mark.parametrize(
    "pattern", ["", None, 7, "*", "*.", ".example.com", "a..b", "ex*mple.com", "https://h", "h:80", "h/a", "a b", "*.*"]
)
def test_hosts_that_cannot_be_listed(pattern):
    assert host_pattern_problem(pattern)
