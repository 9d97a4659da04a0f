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
    """Credentials that sign calls. Secrets never show in the ``repr``.

    :param client_id: Taskcluster client id.
    :param access_token: Its access token.
    :param certificate: JSON text of the certificate, for temporary credentials.
    """

    client_id: str
    access_token: str = field(repr=False)
    certificate: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be printed."""
        return tuple(filter(None, (self.access_token, self.certificate)))

    def as_options(self) -> dict[str, str]:
        """Return them in the form that Taskcluster's clients and services use, as a new dict."""
        options = {"clientId": self.client_id, "accessToken": self.access_token}
        if self.certificate:
            options["certificate"] = self.certificate
        return options


@dataclass(frozen=True)
class TemporaryCredentials(Credentials, dict[str, str]):
    """Temporary credentials to hand on: a dict as well, as Taskcluster's own clients take it.

    Its keys are ``clientId``, ``accessToken`` and ``certificate``.
    """

    def __post_init__(self) -> None:
        self.update(self.as_options())


def from_service(options: Mapping[str, str]) -> Credentials:
    """Return the temporary credentials in a response of the queue."""
    return Credentials(options["clientId"], options["accessToken"], options.get("certificate"))


def checked(
    client_id: str | None,
    access_token: str | None,
    certificate: str | Mapping[str, Any] | None,
    *,
    where: str,
) -> Credentials | None:
    """Return the configured credentials, checked; None (anonymous) if nothing is configured.

    :param where: Where they were configured, for the error ("connection 'x'").
    :raises ConfigurationError: One of client ID and access token is missing or malformed, or the certificate is
        invalid or expired.
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
    """Return the certificate as JSON text.

    :raises ConfigurationError: It is no certificate, or has expired.
    """
    hint = "copy it as it was issued, or clear it for permanent credentials"
    try:
        parsed = json.loads(certificate) if isinstance(certificate, str) else certificate
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{where}: the certificate is not JSON; {hint}") from None
    if not isinstance(parsed, dict) or not {"scopes", "start", "expiry", "seed", "signature"} <= parsed.keys():
        raise ConfigurationError(f"{where}: the certificate is not one of Taskcluster's; {hint}")
    try:
        expiry = datetime.fromtimestamp(parsed["expiry"] / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):  # raised for dates beyond the calendar
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
    """Issue temporary credentials with fewer scopes, to hand on.

    :param credentials: Permanent credentials of the issuer.
    :param scopes: Their scopes; the issuer must have them.
    :param expires: Their expiry, at most 31 days from now; a timedelta counts from now.
    :param within: Scopes that limit the issuer (``authorized_scopes``).
    :param name: Their client ID; needs the scope ``auth:create-client:<name>``.
    :raises InvalidInput: The issuer's credentials are temporary themselves, or a scope, the expiry or the name is
        invalid.
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
    """Tell whether one of the scopes ``held`` satisfies ``scope``; a trailing ``*`` matches any ending."""
    return any(scope == own or (own.endswith("*") and scope.startswith(own[:-1])) for own in held)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
