"""Signed URLs: each allows one method on one file until it expires.

The signature covers method, path, expiry and, for a PUT, the exact values of some headers. The server stores
nothing about a URL, so URLs stay valid over a restart.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from airflow_provider_taskcluster.emulator.clock import SECOND

from .errors import access_denied, signature_mismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.emulator.clock import Clock


class Signer:
    """Creates and checks the query of signed URLs."""

    def __init__(self, key: str, clock: Clock) -> None:
        self._key = key.encode()
        self._clock = clock

    def sign(self, method: str, path: str, *, seconds: float, headers: Mapping[str, str] | None = None) -> str:
        """Return the query that allows ``method`` on ``path`` for some seconds, with exactly these headers."""
        expires = self._clock.now() + int(seconds * SECOND)
        signed = {name.lower(): value for name, value in (headers or {}).items()}
        signature = self._signature(method, path, str(expires), signed)
        return urlencode({"X-Expires": expires, "X-SignedHeaders": ";".join(signed), "X-Signature": signature})

    def check(self, method: str, path: str, query: str, headers: Mapping[str, str]) -> None:
        """Raise StoreError unless ``query`` allows this request now. Header names are in lower case."""
        given = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
        try:
            expires, names, signature = given["X-Expires"], given["X-SignedHeaders"], given["X-Signature"]
        except KeyError:
            raise access_denied() from None
        signed = {name: headers.get(name, "") for name in names.split(";") if name}
        expected = self._signature(method, path, expires, signed)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise signature_mismatch()
        if int(expires) <= self._clock.now():
            raise access_denied("Request has expired")

    def _signature(self, method: str, path: str, expires: str, headers: Mapping[str, str]) -> str:
        lines = [method, path, expires, *(f"{name}:{value}" for name, value in headers.items())]
        return hmac.digest(self._key, "\n".join(lines).encode(), hashlib.sha256).hex()
