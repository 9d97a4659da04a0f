"""Where redirects lead, as browsers read them."""

from __future__ import annotations

import pytest

from airflow_provider_taskcluster.exceptions import StoreError
from airflow_provider_taskcluster.transfer.http.redirects import redirect_target, same_origin

URL = "https://store.example.com/a/b?sig=c0ffee"


def as_header(text, encoding="utf-8"):
    """As HTTP libraries give the bytes of a header: each of them a character."""
    return text.encode(encoding).decode("latin-1")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://other.example.com/x?y=z", "https://other.example.com/x?y=z"),
        ("/x", "https://store.example.com/x"),
        ("x?y=1", "https://store.example.com/a/x?y=1"),
        ("?y=1", "https://store.example.com/a/b?y=1"),
        ("//other.example.com/x", "https://other.example.com/x"),
        ("HTTP://other.example.com/X", "http://other.example.com/X"),
        ("/x#fragment", "https://store.example.com/x"),
        ("/a%2Fb%20c?d=%C3%BC+e", "https://store.example.com/a%2Fb%20c?d=%C3%BC+e"),
        ("/a b", "https://store.example.com/a%20b"),
        (as_header("/grüße.zip"), "https://store.example.com/gr%C3%BC%C3%9Fe.zip"),
        (as_header("/日本?q=ż"), "https://store.example.com/%E6%97%A5%E6%9C%AC?q=%C5%BC"),
        (as_header("/größe", "latin-1"), "https://store.example.com/gr%F6%DFe"),
        (as_header("https://bücher.example:8443/ü"), "https://xn--bcher-kva.example:8443/%C3%BC"),
    ],
)
def test_a_location_is_read_as_browsers_do(location, target):
    assert redirect_target(URL, location) == target


@pytest.mark.parametrize(
    "location",
    [
        *("http://[bad/a", "file:///etc/passwd", "ftp://host/a", "javascript:alert(1)", "https://host:99999/"),
        *("https://host:x/", as_header("https://gr\xfc\xdfe.example/", "latin-1"), f"https://{'ü' * 70}.example/"),
    ],
)
def test_what_cannot_be_fetched_is_refused_without_the_signature(location):
    with pytest.raises(StoreError, match="redirects to") as caught:
        redirect_target(URL, location)
    assert "c0ffee" not in str(caught.value)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://store.example.com/x", True),
        ("HTTPS://STORE.example.com:443/x", True),
        ("http://store.example.com/x", False),
        ("https://store.example.com:444/x", False),
        ("https://example.com/x", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(other, same):
    assert same_origin(URL, other) is same
