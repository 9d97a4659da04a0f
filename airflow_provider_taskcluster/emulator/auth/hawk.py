"""Authentication by Hawk headers and bewits, over the URL as the client saw it.

mohawk parses headers and computes signatures. Its ``Receiver``, which also compares them, took half of the time of a
call: it parses the header twice with us, compares byte by byte in Python, and lays out everything for debug logs.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import json
import re
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import mohawk
import mohawk.base
import mohawk.exc
import mohawk.util

from airflow_provider_taskcluster.emulator.clock import SECOND
from airflow_provider_taskcluster.emulator.errors import AuthenticationFailed

from .caller import Caller
from .certificates import check, read_certificate
from .scopes import is_scope, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.emulator.clock import Clock

    from .accounts import Accounts

# mohawk lays out its debug lines even if they are not logged, at 0.1 to 0.2 ms each.
mohawk.base.pprint = mohawk.util.pprint = SimpleNamespace(pformat=repr)

SKEW_SECONDS = 15 * 60
BEWIT = re.compile(r"(?P<before>[?&])bewit=(?P<bewit>[^&]*)(?P<after>&|$)")


@dataclass(frozen=True)
class SignedRequest:
    """The parts of a request that a signature covers; ``url`` is absolute, as the client requested it."""

    method: str
    url: str
    authorization: str | None
    content_type: str
    body: bytes


class Authenticator:
    """Authenticates requests. Nonces are not remembered: a request may be repeated within the clock skew."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    def authenticate(self, request: SignedRequest) -> Caller:
        """Return the caller, anonymous for an unsigned request; AuthenticationFailed for an invalid signature."""
        bewit = BEWIT.search(request.url)
        if request.authorization and bewit:
            raise AuthenticationFailed(
                "Cannot use two authentication schemes at once: this request has both bewit in querystring "
                "and 'authorization' header"
            )
        if request.authorization:
            return self._by_header(request, request.authorization)
        if bewit and request.method not in {"GET", "HEAD"}:
            raise AuthenticationFailed("Unauthorized: Invalid method")
        if bewit:
            return self._by_bewit(request.url, bewit)
        return Caller(None, self._accounts.expand([]))

    def _by_header(self, request: SignedRequest, authorization: str) -> Caller:
        try:
            header = mohawk.util.parse_authorization_header(authorization)
            key, caller = self._credentials(header["id"], header.get("ext"))
            signed = _resource(request.url, request.method, key, header)
            _require_equal(mohawk.util.calculate_mac("header", signed, header.get("hash")), header.get("mac"), "mac")
            if "hash" in header:
                _require_equal(_payload_hash(request), header["hash"], "payload hash")
            if abs(int(header["ts"]) - time.time()) > SKEW_SECONDS:
                raise AuthenticationFailed("Unauthorized: Stale timestamp")
        except (mohawk.exc.HawkFail, ValueError, KeyError):
            raise AuthenticationFailed("Unauthorized: Bad Hawk header") from None
        return caller

    def _by_bewit(self, url: str, match: re.Match[str]) -> Caller:
        client_id, expires, mac, ext = _read_bewit(match["bewit"])
        key, caller = self._credentials(client_id, ext)
        unsigned = url[: match.start()] + (match["before"] if match["after"] else "") + url[match.end() :]
        signed = _resource(unsigned, "GET", key, {"id": client_id, "ts": expires, "nonce": "", "ext": ext})
        _require_equal(mohawk.util.calculate_mac("bewit", signed, None), mac, "mac")
        if int(expires) * SECOND <= self._clock.now():
            raise AuthenticationFailed("Unauthorized: Access expired")
        return caller

    def _credentials(self, client_id: str, ext: str | None) -> tuple[str, Caller]:
        """Return the key that must have signed the request, and the caller it identifies."""
        restrictions = _read_ext(ext)
        certificate = restrictions.get("certificate")
        if certificate is None:
            account = self._accounts.get(client_id)
            key, scopes = account.access_token, account.scopes
        else:
            key, scopes = self._temporary(client_id, certificate)
        authorized = restrictions.get("authorizedScopes")
        if authorized is not None:
            scopes = self._narrowed(scopes, authorized)
        return key, Caller(client_id, self._accounts.expand(scopes))

    def _temporary(self, client_id: str, value: object) -> tuple[str, list[str]]:
        certificate = read_certificate(value)
        issuer = self._accounts.get(certificate.issuer or client_id)
        held = self._accounts.expand(issuer.scopes)
        check(
            certificate,
            client_id=client_id,
            issuer_token=issuer.access_token,
            held=held,
            now=self._clock.now(),
        )
        return certificate.key(issuer.access_token), certificate.scopes

    def _narrowed(self, scopes: list[str], authorized: object) -> list[str]:
        if not isinstance(authorized, list) or not all(map(is_scope, authorized)):
            raise AuthenticationFailed("ext.authorizedScopes must be an array of valid scopes")
        if lacking := missing(self._accounts.expand(scopes), authorized):
            raise AuthenticationFailed(
                f"Supplied credentials do not satisfy authorizedScopes; missing: {', '.join(lacking)}"
            )
        return authorized


def _resource(url: str, method: str, key: str, attributes: Mapping[str, str]) -> mohawk.base.Resource:
    """Return what a signature with this key covers; ``attributes`` are those of a Hawk header."""
    return mohawk.base.Resource(
        url=url,
        method=method,
        credentials={"id": attributes["id"], "key": key, "algorithm": "sha256"},
        timestamp=attributes["ts"],
        nonce=attributes["nonce"],
        **{name: attributes.get(name) for name in ("ext", "app", "dlg")},
    )


def _payload_hash(request: SignedRequest) -> bytes:
    # A file: mohawk would format bytes for a debug line.
    computed: bytes = mohawk.util.calculate_payload_hash(io.BytesIO(request.body), "sha256", request.content_type)
    return computed


def _require_equal(computed: bytes, given: str | None, what: str) -> None:
    if not hmac.compare_digest(computed, (given or "").encode()):
        raise AuthenticationFailed(f"Unauthorized: Bad {what}")


def _read_ext(ext: str | None) -> dict[str, Any]:
    if not ext:
        return {}
    try:
        value = json.loads(_unbase64(ext))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise AuthenticationFailed("Failed to parse ext")
    return value


def _read_bewit(bewit: str) -> tuple[str, str, str, str]:
    try:
        client_id, expires, mac, ext = _unbase64(bewit).decode("ascii").split("\\")
        int(expires)
    except ValueError:
        raise AuthenticationFailed("Unauthorized: Invalid bewit structure") from None
    return client_id, expires, mac, ext


def _unbase64(text: str) -> bytes:
    """Decode base64 in either alphabet, with or without padding; ValueError if it is neither."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
