"""Digests of a stream of bytes, and their comparison with those that the service names. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import HashMismatch, InvalidInput, NotVerifiable

if TYPE_CHECKING:
    from collections.abc import Mapping

# Uploads send these; a download must have at least one (object/v1/download-method-geturl.json).
ACCEPTABLE = ("sha256", "sha512")
# shake digests have no fixed length
_KNOWN = {name for name in hashlib.algorithms_guaranteed if not name.startswith("shake")}


class Hashers:
    """Computes several digests of one stream. ``seen`` is the number of bytes hashed."""

    def __init__(self, algorithms: Iterable[str]) -> None:
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self.seen = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        for digest in self._hashes.values():
            digest.update(data)
        self.seen += len(data)

    def digests(self) -> dict[str, str]:
        """Return the digests so far, by algorithm, in hex."""
        return {name: digest.hexdigest() for name, digest in self._hashes.items()}


def known_algorithms(value: Any, argument: str) -> tuple[str, ...]:
    """Return the algorithms that a user named, checked.

    :param argument: Name of the argument, for the error.
    :raises InvalidInput: An algorithm is not known, or the value is not a list of names.
    """
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InvalidInput(f"{argument} is {value!r}: pass a list of names, such as ['sha256']")
    return tuple(algorithms_to_compute((), tuple(value)))


def algorithms_to_compute(named: Iterable[str], requested: Iterable[str] = ()) -> list[str]:
    """Return the algorithms to compute while fetching: those that the service names and we know, and those requested.

    :raises InvalidInput: A requested algorithm is not known.
    """
    if unknown := [name for name in requested if name not in _KNOWN]:
        raise InvalidInput(f"{unknown[0]!r} is not a known digest: use one of {', '.join(sorted(_KNOWN))}")
    return list(dict.fromkeys([*(name for name in named if name in _KNOWN), *requested]))


def has_known_digest(named: Iterable[str]) -> bool:
    """Return whether we can compute one of the digests that the service names."""
    return not _KNOWN.isdisjoint(named)


def require_acceptable(name: str, hashes: Mapping[str, str]) -> None:
    """Refuse an object that cannot be verified.

    :raises NotVerifiable: The service names neither sha256 nor sha512.
    """
    if not set(ACCEPTABLE) & hashes.keys():
        named = ", ".join(hashes) or "none"
        raise NotVerifiable(
            f"{name!r} has no sha256 or sha512 to check it by (hashes named: {named}). "
            f"To take it unchecked, set require_hashes=False"
        )


def verify_digests(name: str, expected: Mapping[str, str], observed: Mapping[str, str]) -> str:
    """Compare all digests that both sides have; return their names (``sha256+sha512``), "" for none.

    :raises HashMismatch: A digest differs.
    """
    checked = [algorithm for algorithm in observed if algorithm in expected]
    for algorithm in checked:
        if observed[algorithm] != expected[algorithm].lower():
            raise HashMismatch(
                f"{name!r} arrived with {algorithm} {observed[algorithm]}, but the service says "
                f"{expected[algorithm]}: the stored bytes are not those that were uploaded. Nothing was kept: "
                f"have it uploaded again"
            )
    return "+".join(sorted(checked))
