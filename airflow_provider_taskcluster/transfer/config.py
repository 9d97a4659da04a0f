"""How the engine works, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from airflow_provider_taskcluster.network import Network

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# How much a download to memory may hold unless the caller says otherwise.
MEMORY_CAP = 64 * MIB
# How much is fetched from a URL that a task chose, unless the caller says otherwise.
REFERENCE_CAP = 4 * GIB


@dataclass(frozen=True)
class TransferConfig:
    """How bytes are moved.

    :param network: Time-outs, retries, proxies and trusted certificates, as for the JSON calls.
    :param buffer_size: Bytes read at a time.
    :param max_bytes: Refuse larger downloads; None for no limit (4 GiB for references).
    :param allow_reference: Follow the URLs of ``reference`` artifacts. A task can choose any, of hosts that only
        this machine reaches among them.
    :param require_hashes: Refuse objects for which the service names no sha256 or sha512.
    """

    network: Network = field(default_factory=Network)
    buffer_size: int = MIB
    max_bytes: int | None = None
    allow_reference: bool = False
    require_hashes: bool = True
