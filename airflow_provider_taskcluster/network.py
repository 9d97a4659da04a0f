"""How connections are made, for JSON calls and for bytes alike: time-outs, proxies, trusted certificates."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_taskcluster.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Network:
    """What holds for every connection of one hook.

    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds of silence after which a connection counts as dead. There is no limit on how
        long a body may take as a whole.
    :param verify: True to trust the usual certificate authorities, a path to a bundle of others, or False to
        trust anybody.
    :param proxies: URL of the proxy by scheme (``http``, ``https``). None takes those of the environment
        (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``).
    :param retry: When and how often a request is repeated.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    verify: bool | str = True
    proxies: Mapping[str, str] | None = field(default=None, repr=False)  # may hold a password
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def proxy_for(self, url: str) -> str | None:
        """URL of the proxy to use for ``url``, or None for a direct connection."""
        parts = urlsplit(url)
        if self.proxies is not None:
            return self.proxies.get(parts.scheme)
        proxy = urllib.request.getproxies().get(parts.scheme)
        if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"

    def ca_bundle(self) -> str | bool:
        """Path of the trusted certificates, or False when none are asked for."""
        if self.verify is not True:
            return self.verify
        from certifi import where

        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or where()
