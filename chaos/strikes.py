"""Faults of one try and the requests that they strike, drawn at random. Pure: ``faults`` injects them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Strike:
    """One rule of a fault script.

    :param fault: Class name of one of the emulator's faults, or ``Die`` (``faults``).
    :param arguments: Arguments of the fault.
    :param service: Whether API calls are struck, instead of requests to the store.
    :param nth: Number of the first request that is struck, from 1.
    :param times: Number of requests that are struck.
    """

    fault: str
    arguments: Arguments = field(default_factory=dict)
    service: bool = False
    nth: int = 1
    times: int = 1

    @property
    def kills(self) -> bool:
        """Whether the fault kills the emulator."""
        return self.fault == "Die"


def draw_strikes(random: Random, method: str, size: int, *, hashed: bool) -> tuple[Strike, ...]:
    """Draw the faults of one try.

    :param method: HTTP method of the requests to the store.
    :param size: Size of the largest body in bytes.
    :param hashed: Whether wrong bytes are detected; if not, no fault is drawn that only hashes would reveal.
    """
    faults = {
        True: _of_service(random),
        False: _of_put(random, size) if method == "PUT" else _of_get(random, size, hashed=hashed),
    }
    count = random.choices((0, 1, 2, 4), (2, 5, 4, 2))[0]
    return tuple(_strike(random, faults, size) for _ in range(count))


def _strike(random: Random, faults: dict[bool, list[tuple[str, Arguments]]], size: int) -> Strike:
    """Draw one fault; a quarter of them are deaths.

    :param faults: Faults of the services under True, of the store under False.
    """
    service = random.choice((True, False, False))
    nth = random.choice((1, 1, 1, 2, 3))
    if random.choice((True, False, False, False)):
        at_once = 0 if service else random.randint(0, size)
        return Strike("Die", {"after": random.choice((at_once, None))}, service, nth)
    fault, arguments = random.choice(faults[service])
    return Strike(fault, arguments, service, nth, random.choices((1, 2, 3, 12), (7, 2, 1, 1))[0])


def _of_service(random: Random) -> list[tuple[str, Arguments]]:
    return [
        ("Status", {"status": random.choice((429, 500, 502, 503)), "body": b"<html>away</html>"}),
        ("Reset", {"after": 0}),  # the call takes effect, and the response is lost
        ("Cut", {"after": random.randint(0, 200)}),
        ("Stall", {}),
    ]


def _of_put(random: Random, size: int) -> list[tuple[str, Arguments]]:
    at = random.randint(0, size)
    return [
        ("Status", {"status": random.choice((403, 429, 500, 503))}),
        ("Refuse", {"status": random.choice((403, 503)), "after": at, "reset": random.choice((True, False))}),
        ("Reset", {"after": 0}),
        ("Cut", {"after": 0}),
        ("Stall", {}),
    ]


def _of_get(random: Random, size: int, *, hashed: bool) -> list[tuple[str, Arguments]]:
    at, few = random.randint(0, size), random.randint(1, max(1, size))
    visible: list[tuple[str, Arguments]] = [
        ("Status", {"status": random.choice((403, 404, 429, 500, 503))}),
        ("Cut", {"after": at}),
        ("Reset", {"after": at}),
        ("Stall", {"after": random.choice((None, at))}),
        ("Drip", {"size": max(1, size // 20), "seconds": 0.01}),
        ("WrongRange", {"shift": few}),
        ("WrongRange", {"total": size + few}),
        ("OtherRange", {"last": -few}),
        ("OtherRange", {"first": -few}),
        ("Ignore", {"header": "range"}),
        ("Chunked", {}),
        ("Headers", {"changed": {"etag": '"another"'}}),
    ]
    visible_by_hash: list[tuple[str, Arguments]] = [
        ("Corrupt", {"at": at}),
        ("Short", {"by": few}),
        ("Longer", {"by": few}),
        ("NoLength", {"after": at}),
        ("NoLength", {}),
    ]
    return visible + 2 * visible_by_hash if hashed else visible
