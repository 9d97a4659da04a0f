"""The settings of the transfer engine, as one value."""

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

# Default number of connections for one large body, or of parts sent at once.
CONNECTIONS = 8
# Default number of payload files fetched at once.
FILES = 8
# Default size limit of a download to memory, in bytes.
MEMORY_CAP = 64 * MIB
# Default size limit of a download from a URL that a task chose, in bytes.
REFERENCE_CAP = 4 * GIB
# Prefix of the names of our own files next to those of the user.
OWN_PREFIX = ".taskcluster-"


@dataclass(frozen=True)
class TransferConfig:
    """The settings of a transfer.

    :param network: Time-outs, retries, proxies and trusted certificates, as for the JSON calls.
    :param buffer_size: Bytes read at a time.
    :param connections: Most connections at once for one large body.
    :param progress_seconds: Seconds between two progress lines in the log.
    :param on_progress: Called at the same interval, in the thread that moves bytes.
    :param max_bytes: Refuse larger downloads; None for no limit (4 GiB for references).
    :param allow_reference: Follow the URLs of ``reference`` artifacts: all, none, or those of some hosts
        (``references.allowed_hosts``).
    :param chain_of_trust: Verify artifacts without hashes of their own by the sums that the task publishes.
    :param require_hashes: Refuse objects for which the service names no sha256 or sha512.
    :param multipart_aware: Assemble objects that were uploaded in parts; else fetch their manifest as it is.
    :param durable: Local files survive power loss once they have their final names.
    :param digests: Algorithms to compute even where the service names no digest to compare with.
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
