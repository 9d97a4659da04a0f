"""Taskcluster credentials: permanent (client id and access token), temporary (with a certificate), or none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.names import fits_client_id
from airflow_provider_taskcluster.common.timestamps import utc_datetime_after
from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST_LIFE = timedelta(days=31)
_PLAIN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Credentials:
    """What a client signs with. Secrets never show in its ``repr``.

    :param client_id: Taskcluster client id.
    :param access_token: Its access token.
    :param certificate: JSON text of the certificate, for temporary credentials.
    """

    client_id: str
    access_token: str = field(repr=False)
    certificate: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be printed."""
        return tuple(filter(None, (self.access_token, self.certificate)))

    def as_options(self) -> dict[str, str]:
        """Return them in the shape that Taskcluster's clients and services use; a fresh one each time."""
        options = {"clientId": self.client_id, "accessToken": self.access_token}
        if self.certificate:
            options["certificate"] = self.certificate
        return options


@dataclass(frozen=True)
class TemporaryCredentials(Credentials, dict[str, str]):
    """Credentials that were issued for handing on: a dict as well, as Taskcluster's own clients take it.

    Its keys are ``clientId``, ``accessToken`` and ``certificate``.
    """

    def __post_init__(self) -> None:
        self.update(self.as_options())


def from_service(answer: Mapping[str, str]) -> Credentials:
    """Read temporary credentials out of an answer of the queue."""
    return Credentials(answer["clientId"], answer["accessToken"], answer.get("certificate"))


def checked(
    client_id: str | None,
    access_token: str | None,
    certificate: str | Mapping[str, Any] | None,
    *,
    where: str,
) -> Credentials | None:
    """Build credentials from what somebody configured; None (anonymous) when there is nothing.

    :param where: What was configured, for the error ("connection 'x'").
    :raises ConfigurationError: Half a pair, or a certificate that is broken or expired.
    """
    if not client_id and not access_token and not certificate:
        return None
    if not client_id:
        raise ConfigurationError(
            f"{where} has an access token or a certificate but no client ID: set it, or clear them to stay anonymous"
        )
    if not access_token:
        raise ConfigurationError(
            f"{where} has the client ID {client_id!r} but no access token: set it, or clear both to stay anonymous"
        )
    if not fits_client_id(client_id):
        raise ConfigurationError(
            f"{where}: {client_id!r} is no client ID: those have letters, digits and !@/:.+|_- alone, without white "
            f"space; copy it once more"
        )
    if not _PLAIN.fullmatch(access_token):
        raise ConfigurationError(
            f"{where}: the access token must be plain ASCII without white space; copy it once more"
        )
    return Credentials(client_id, access_token, _checked_certificate(certificate, where) if certificate else None)


def _checked_certificate(certificate: str | Mapping[str, Any], where: str) -> str:
    """Return the certificate as JSON text, if it is one that is still valid."""
    hint = "copy it as it was issued, or clear it for permanent credentials"
    try:
        parsed = json.loads(certificate) if isinstance(certificate, str) else certificate
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{where}: the certificate is not JSON; {hint}") from None
    if not isinstance(parsed, dict) or not {"scopes", "start", "expiry", "seed", "signature"} <= parsed.keys():
        raise ConfigurationError(f"{where}: the certificate is not one of Taskcluster's; {hint}")
    try:
        expiry = datetime.fromtimestamp(parsed["expiry"] / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):  # what dates beyond the calendar raise
        raise ConfigurationError(f"{where}: the certificate has no valid expiry; {hint}") from None
    if expiry <= datetime.now(UTC):
        raise ConfigurationError(
            f"{where}: the certificate expired at {expiry:%Y-%m-%d %H:%M:%S} UTC; get new temporary credentials"
        )
    return certificate if isinstance(certificate, str) else json.dumps(certificate)


def narrowed(
    credentials: Credentials,
    scopes: Iterable[str],
    expires: datetime | timedelta,
    *,
    within: Iterable[str] | None = None,
    name: str | None = None,
) -> TemporaryCredentials:
    """Issue temporary credentials that hold only some scopes, for handing on.

    :param credentials: Permanent credentials of the issuer.
    :param scopes: The scopes they shall hold; the issuer must have them.
    :param expires: When they end, at most 31 days from now; a timedelta counts from now.
    :param within: Scopes beyond which the issuer must not go (``authorized_scopes``).
    :param name: Client id to give them; needs the scope ``auth:create-client:<name>``.
    :raises InvalidInput: Temporary credentials cannot be narrowed again; a scope or the expiry cannot be.
    """
    from taskcluster import createTemporaryCredentials

    scopes = [scopes] if isinstance(scopes, str) else list(scopes)
    start = datetime.now(UTC)
    if credentials.certificate:
        raise InvalidInput("Temporary credentials cannot issue others: use a connection with permanent credentials")
    expires = utc_datetime_after(start, expires, "The expiry of temporary credentials")
    if not start < expires <= start + LONGEST_LIFE:
        raise InvalidInput(f"Temporary credentials must expire within 31 days from now, not at {expires}")
    if name is not None and not (name and fits_client_id(name)):
        raise InvalidInput(f"{name!r} is no client ID: those have letters, digits and !@/:.+|_- alone")
    if within is not None and (beyond := [scope for scope in scopes if not satisfied(scope, within)]):
        raise InvalidInput(f"The connection's authorized scopes do not hold {', '.join(beyond)}: ask for fewer")
    issued = createTemporaryCredentials(
        credentials.client_id, credentials.access_token, start, expires, scopes, name=name
    )
    return TemporaryCredentials(*(_text(issued[key]) for key in ("clientId", "accessToken", "certificate")))


def satisfied(scope: str, held: Iterable[str]) -> bool:
    """Tell whether ``held`` contains ``scope``, a trailing ``*`` standing for any end."""
    return any(scope == own or (own.endswith("*") and scope.startswith(own[:-1])) for own in held)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
