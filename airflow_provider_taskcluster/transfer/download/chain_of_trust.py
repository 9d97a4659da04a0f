"""Hashes from a run's chain of trust, for artifacts whose store has no hashes.

The artifact ``public/chain-of-trust.json`` lists the sha256 of the run's other artifacts. Its signature is not checked:
this detects damage, not a malicious task.
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


def hashes_of(name: str, chain_file: bytes) -> dict[str, str]:
    """Return the digests that a chain-of-trust file names for an artifact.

    :raises NotVerifiable: It names none, or cannot be read.
    """
    try:
        sha256 = _artifacts(chain_file)[name]["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError):
        sha256 = None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise NotVerifiable(
            f"{NAME} of the run names no sha256 for {name!r}: download it without verify='chain_of_trust'"
        )
    return {"sha256": sha256}


@functools.lru_cache(maxsize=1)
def _artifacts(chain_file: bytes) -> Any:
    return json.loads(chain_file)["artifacts"]
