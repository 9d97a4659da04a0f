"""Temporary credentials: a certificate signed with the issuer's access token, and an access token derived from it.

Named credentials have a client id of their own, and the issuer's in the certificate; unnamed ones use the issuer's
client id. Each request carries the certificate (Hawk's ``ext``), so the server stores nothing about them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from airflow_provider_taskcluster.emulator.clock import DAY, MINUTE
from airflow_provider_taskcluster.emulator.errors import AuthenticationFailed, InternalServerError

from .scopes import is_scope, missing, satisfied

CLIENT_ID = re.compile(r"[A-Za-z0-9!@/:.+|_-]+")
CLOCK_DRIFT = 5 * MINUTE
LONGEST = 31 * DAY


class Certificate(BaseModel):
    """The certificate as sent in ``ext``; timestamps in milliseconds since 1970."""

    model_config = ConfigDict(strict=True)

    version: Literal[1]
    seed: Annotated[str, Field(min_length=44, max_length=44)]
    start: int
    expiry: int
    scopes: list[str]
    signature: str
    issuer: str | None = None

    def signed_with(self, access_token: str, client_id: str) -> str:
        """Return the signature that this certificate must have."""
        named = [f"clientId:{client_id}", f"issuer:{self.issuer}"] if self.issuer is not None else []
        lines = [f"version:{self.version}", *named, f"seed:{self.seed}"]
        lines += [f"start:{self.start}", f"expiry:{self.expiry}", "scopes:", *self.scopes]
        return base64.b64encode(_hmac(access_token, "\n".join(lines))).decode()

    def key(self, access_token: str) -> str:
        """Derive the access token of the temporary credentials."""
        return base64.urlsafe_b64encode(_hmac(access_token, self.seed)).decode().rstrip("=")


def read_certificate(value: object) -> Certificate:
    """Read the certificate in an ``ext``."""
    try:
        certificate = Certificate.model_validate(value)
    except ValidationError as error:
        where = ", ".join("ext.certificate." + ".".join(map(str, e["loc"])) for e in error.errors())
        raise AuthenticationFailed(f"Not a valid certificate: {where}") from None
    if not all(map(is_scope, certificate.scopes)):
        raise AuthenticationFailed("ext.certificate.scopes must be an array of valid scopes")
    return certificate


def check(certificate: Certificate, *, client_id: str, issuer_token: str, held: list[str], now: int) -> None:
    """Raise AuthenticationFailed unless the issuer, whose scopes are ``held``, signed this and may grant it.

    A client id with characters that client ids must not have is a 500, as at the real services.
    """
    if not CLIENT_ID.fullmatch(client_id):
        raise InternalServerError(f"not a valid clientId: {client_id!r}")
    if certificate.start > now + CLOCK_DRIFT:
        raise AuthenticationFailed("ext.certificate.start > now")
    if certificate.expiry < now - CLOCK_DRIFT:
        raise AuthenticationFailed("ext.certificate.expiry < now")
    if certificate.expiry - certificate.start > LONGEST:
        raise AuthenticationFailed("ext.certificate cannot last longer than 31 days!")
    if certificate.issuer == client_id:
        raise AuthenticationFailed("ext.certificate.issuer must differ from the supplied clientId")
    needed = f"auth:create-client:{client_id}"
    if certificate.issuer is not None and not satisfied(held, needed):
        raise AuthenticationFailed(
            f"ext.certificate issuer `{certificate.issuer}` doesn't have `{needed}` for supplied clientId."
        )
    if lacking := missing(held, certificate.scopes):
        raise AuthenticationFailed(
            f"ext.certificate issuer `{certificate.issuer or client_id}` doesn't satisfy all certificate "
            f"scopes {', '.join(lacking)}.  The temporary credentials were not generated correctly."
        )
    if not hmac.compare_digest(
        certificate.signature.encode(), certificate.signed_with(issuer_token, client_id).encode()
    ):
        raise AuthenticationFailed("ext.certificate.signature is not valid, or wrong clientId provided")


def issue(client_id: str, issuer: tuple[str, str], scopes: list[str], *, start: int, expiry: int) -> dict[str, str]:
    """Issue named temporary credentials as the services do; ``issuer`` is a client id and its access token.

    The client id is not checked: the queue puts artifact names into it that :func:`check` refuses.
    """
    issuer_id, access_token = issuer
    seed = (secrets.token_urlsafe(32) + secrets.token_urlsafe(1))[:44]
    certificate = Certificate(
        version=1, seed=seed, start=start, expiry=expiry, scopes=scopes, signature="", issuer=issuer_id
    )
    certificate.signature = certificate.signed_with(access_token, client_id)
    document: dict[str, Any] = certificate.model_dump()
    return {
        "clientId": client_id,
        "accessToken": certificate.key(access_token),
        "certificate": json.dumps(document, separators=(",", ":")),
    }


def _hmac(key: str, text: str) -> bytes:
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256)
