"""Secrets that were read a short time ago, and a pause after each failure of the service."""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import visible
from airflow_provider_taskcluster.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    NotFound,
    ServiceError,
    ServiceUnavailable,
    TaskclusterError,
    UnreadableAnswer,
)
from airflow_provider_taskcluster.secrets.time_limit import within
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.runner import run
from airflow_provider_taskcluster.services.secrets import Secrets

if TYPE_CHECKING:
    from airflow_provider_taskcluster.connection.settings import ConnectionSettings
    from airflow_provider_taskcluster.services.schemas import Json, StoredSecret

log = logging.getLogger(__name__)

# Secrets that are kept, at most.
MOST = 1000
# The clock of the cache, in seconds.
clock = time.monotonic
# One look-up at a time: the first one finds out that the service is away, and the others need not.
# Re-entrant, since a signal handler may read a connection in the middle of another look-up.
_lock = threading.RLock()


@dataclass(frozen=True)
class Limits:
    """How long answers are kept.

    :param cache_seconds: Seconds for which a secret is kept, unless it expires before.
    :param missing_seconds: Seconds for which it is kept that a secret is missing or refused.
    :param timeout: Seconds of one look-up, retries included.
    :param pause_seconds: Seconds without look-ups after the service failed.
    """

    cache_seconds: float
    missing_seconds: float
    timeout: float
    pause_seconds: float


@dataclass(frozen=True)
class _Kept:
    """The value of one name, valid until a time of ``clock``."""

    until: float
    secret: Json | None = None
    error: TaskclusterError | None = None


class CachedSecrets:
    """Reads secrets, one at a time, and keeps them for a while.

    :param settings: Root URL, credentials and network of the deployment.
    """

    def __init__(self, settings: ConnectionSettings, limits: Limits) -> None:
        self._settings = settings
        self._client = self._new_client()
        self._limits = limits
        self._kept: dict[str, _Kept] = {}
        self._outage: _Kept | None = None

    def get(self, name: str) -> Json | None:
        """Return a secret, None if it is missing or has lapsed. Scope ``secrets:get:<name>``.

        A failure is logged when the service was asked, not when it is raised again meanwhile.

        :raises InsufficientScopes: The scope is missing.
        :raises TaskclusterError: The service failed, now or within the pause before.
        """
        with _lock:
            for known in (self._kept.get(name), self._outage):
                if known is not None and clock() < known.until:
                    break
            else:
                known = self._ask(name)
        if known.error is not None:
            raise known.error
        return known.secret

    def close(self) -> None:
        """Close the connections."""
        run(self._client.close())

    def _ask(self, name: str) -> _Kept:
        limits = self._limits
        try:
            found = within(limits.timeout, lambda: run(Secrets(self._client).get(name)))
        except TimeoutError as error:
            self._abandon_call()
            return self._pause(ConnectionFailed(f"secrets.get {name!r} at {self._client.root_url} had {error}"))
        except NotFound:
            return self._keep(name, _Kept(clock() + limits.missing_seconds))
        except TaskclusterError as error:
            if not _is_outage(error):
                log.warning("A secret cannot be read: %s", visible(error))
                return self._keep(name, _Kept(clock() + limits.missing_seconds, error=error))
            return self._pause(error)
        except BaseException:  # the time-out of a task, for example
            self._abandon_call()
            raise
        return self._keep(name, _Kept(clock() + min(limits.cache_seconds, _seconds_left(found)), found["secret"]))

    def _abandon_call(self) -> None:
        """End a call that still runs in its thread."""
        self._client.stop()
        self._client = self._new_client()

    def _new_client(self) -> Client:
        settings = self._settings
        return Client(settings.root_url, settings.credentials, network=settings.network)

    def _pause(self, error: TaskclusterError) -> _Kept:
        seconds = self._limits.pause_seconds
        log.warning("No secret is read for the next %g s: %s", seconds, visible(error))
        self._outage = _Kept(clock() + seconds, error=error)
        return self._outage

    def _keep(self, name: str, known: _Kept) -> _Kept:
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[name] = known
        return known


@functools.cache
def shared_secrets(settings: ConnectionSettings, limits: Limits) -> CachedSecrets:
    """Return the secrets that all backends of this process with these settings share: Airflow makes several."""
    return CachedSecrets(settings, limits)


def _is_outage(error: TaskclusterError) -> bool:
    """Tell whether other secrets would fail alike: the service is away, or does not know the credentials."""
    return not isinstance(error, ServiceError) or isinstance(
        error, ServiceUnavailable | AuthenticationFailed | UnreadableAnswer
    )


def _seconds_left(found: StoredSecret) -> float:
    return (datetime.fromisoformat(found["expires"]) - datetime.now(UTC)).total_seconds()


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603 (another thread of the parent may hold it for ever)
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)
