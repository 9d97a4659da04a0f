"""Sums that a task publishes of its own artifacts, for those whose store has none.

The artifact ``public/chain-of-trust.json`` of a run lists the sha256 of the others. Its own signature is not checked
here: this finds damage, not a task that lies.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from airflow_provider_taskcluster.exceptions import NotVerifiable
from airflow_provider_taskcluster.transfer.config import MIB

NAME = "public/chain-of-trust.json"
LARGEST = 16 * MIB
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def hashes_of(name: str, published: bytes) -> dict[str, str]:
    """Return the digests that a chain of trust names for an artifact.

    :raises NotVerifiable: It names none, or cannot be read.
    """
    try:
        sha256 = _artifacts(published)[name]["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        sha256 = None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise NotVerifiable(
            f"{NAME} of the run names no sha256 for {name!r}: download it without verify='chain_of_trust'"
        )
    return {"sha256": sha256}


@functools.lru_cache(maxsize=1)
def _artifacts(published: bytes) -> Any:
    return json.loads(published)["artifacts"]
