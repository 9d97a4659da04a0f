"""TLS of JSON calls and transfers alike: trusted certificates, and the meaning of failed handshakes."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from stat import S_ISREG

from airflow_provider_taskcluster.exceptions import ConfigurationError

# Names, by OpenSSL version, of the error for a server that does not speak TLS.
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "RECORD_LAYER_FAILURE",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
}


def trusting_context(bundle: str, named_by: str) -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates in a file. Blocks while it first reads them.

    :param bundle: Path of the file.
    :param named_by: The setting that names it, for the error.
    :raises ConfigurationError: It is not a file with certificates.
    """
    try:
        status = os.stat(bundle)  # noqa: PTH116 (a path may hold what pathlib refuses)
        if not S_ISREG(status.st_mode):
            raise ConfigurationError(
                f"The CA bundle {bundle!r} ({named_by}) is not a file: name one file in PEM format"
            )
        return _context(bundle, status.st_mtime_ns)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The CA bundle {bundle!r} ({named_by}) cannot be used: {reason(error)}; name a file in PEM format"
        ) from None


@lru_cache(maxsize=8)
def _context(bundle: str, _changed: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=bundle)


def reason(error: Exception) -> str:
    """Return the reason why reading a file, connecting or a TLS handshake failed, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError) and getattr(error, "verify_message", None):
        return f"the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", None):  # their errno is not the system's
        return error.reason.replace("_", " ").lower()
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(number)
    return str(error) or type(error).__name__


def permanent_failure_hint(error: BaseException) -> str | None:
    """Return the next step after a handshake that fails permanently, None after one that may pass."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "trust it with the extra verify (path of a CA bundle)"
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS:
        return "the URL says https, but the server does not speak TLS: is it http?"
    return None
