"""How connections are made, for JSON calls and for bytes alike: time-outs, proxies, trusted certificates."""

from __future__ import annotations

import os
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from airflow_provider_taskcluster import tls
from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.retry import RetryPolicy

if TYPE_CHECKING:
    import ssl
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
        """URL of the proxy to use for ``url``, or None for a direct connection.

        :raises ConfigurationError: The environment names one of another kind than HTTP.
        """
        parts = urlsplit(url)
        if self.proxies is not None:
            return self.proxies.get(parts.scheme)
        proxy = urllib.request.getproxies().get(parts.scheme)
        if not proxy or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
            return None
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        if not proxy.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"The environment names a {urlsplit(proxy).scheme} proxy for {parts.scheme}, and only HTTP proxies "
                f"are supported: set the extra proxies of the connection ({{}} for none)"
            )
        return proxy

    def secrets(self) -> tuple[str, ...]:
        """Passwords of the proxies, as they are written and as they are meant."""
        proxies = urllib.request.getproxies() if self.proxies is None else self.proxies
        written = (_password(proxy) for proxy in proxies.values())
        return tuple(dict.fromkeys(form for word in written if word for form in (word, unquote(word))))

    def ca_bundle(self) -> str | bool:
        """Path of the file of trusted certificates, or False when none are asked for.

        :raises ConfigurationError: It is not a file with certificates.
        """
        if self.verify is False:
            return False
        bundle, named_by = self._bundle()
        tls.trusting(bundle, named_by)
        return bundle

    def tls_context(self) -> ssl.SSLContext | bool:
        """The same for asyncio: a context, or False. Blocks while it reads.

        :raises ConfigurationError: It is not a file with certificates.
        """
        return False if self.verify is False else tls.trusting(*self._bundle())

    def _bundle(self) -> tuple[str, str]:
        """Return the path, and who named it."""
        if isinstance(self.verify, str):
            return self.verify, "the extra verify"
        for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            if path := os.environ.get(variable):
                return path, f"the environment variable {variable}"
        from certifi import where

        return where(), "the package certifi"


def _password(proxy: str) -> str | None:
    try:
        return urlsplit(proxy if "://" in proxy else f"//{proxy}").password
    except ValueError:
        return None
