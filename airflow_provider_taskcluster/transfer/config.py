"""How the engine works, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.progress import Progress

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# How many connections are used at once for one large body, or parts sent at once, unless the caller says otherwise.
CONNECTIONS = 8
# How many files of a payload are fetched at once, unless the caller says otherwise.
FILES = 8
# How much a download to memory may hold unless the caller says otherwise.
MEMORY_CAP = 64 * MIB
# How much is fetched from a URL that a task chose, unless the caller says otherwise.
REFERENCE_CAP = 4 * GIB
# The names of our own files beside those of a user begin so.
OWN_PREFIX = ".taskcluster-"


@dataclass(frozen=True)
class TransferConfig:
    """How bytes are moved.

    :param network: Time-outs, retries, proxies and trusted certificates, as for the JSON calls.
    :param buffer_size: Bytes read at a time.
    :param connections: How many may be used at once for one large body.
    :param progress_seconds: A line in the log so often.
    :param on_progress: Called as often, in the thread that moves bytes.
    :param max_bytes: Refuse larger downloads; None for no limit (4 GiB for references).
    :param allow_reference: Follow the URLs of ``reference`` artifacts: all, none, or those of some hosts
        (``references.allowed_hosts``).
    :param chain_of_trust: Check artifacts without hashes of their own by the sums that the task publishes.
    :param require_hashes: Refuse objects for which the service names no sha256 or sha512.
    :param multipart_aware: Put objects together that were uploaded in parts; else their manifest is what is fetched.
    :param durable: Files of this machine survive power loss once they have their names.
    :param digests: Algorithms to compute also where the service names no digest to compare with.
    """

    network: Network = field(default_factory=Network)
    buffer_size: int = MIB
    connections: int = CONNECTIONS
    progress_seconds: float = 5.0
    on_progress: Callable[[Progress], None] | None = None
    max_bytes: int | None = None
    allow_reference: bool | tuple[str, ...] = False
    chain_of_trust: bool = False
    require_hashes: bool = True
    multipart_aware: bool = True
    durable: bool = True
    digests: tuple[str, ...] = ()
