"""Which requests of one try are struck by which fault, drawn at random. Pure: ``faults`` makes them real."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Strike:
    """One rule of a script of faults.

    :param fault: Name of a class of the emulator's faults, or ``Die`` (``faults``).
    :param arguments: Of the fault.
    :param service: A call of the services is struck, else a request to the store.
    :param nth: The first request that is struck, from 1.
    :param times: How many are.
    """

    fault: str
    arguments: Arguments = field(default_factory=dict)
    service: bool = False
    nth: int = 1
    times: int = 1

    @property
    def kills(self) -> bool:
        """Whether the emulator dies of it."""
        return self.fault == "Die"


def draw_strikes(random: Random, method: str, size: int, *, hashed: bool) -> tuple[Strike, ...]:
    """Draw the faults of one try.

    :param method: Of the requests to the store.
    :param size: Bytes of the largest body.
    :param hashed: Other bytes can be told from the right ones; else no fault is drawn that nobody can see.
    """
    faults = {
        True: _of_service(random),
        False: _of_put(random, size) if method == "PUT" else _of_get(random, size, hashed=hashed),
    }
    count = random.choices((0, 1, 2, 4), (2, 5, 4, 2))[0]
    return tuple(_strike(random, faults, size) for _ in range(count))


def _strike(random: Random, faults: dict[bool, list[tuple[str, Arguments]]], size: int) -> Strike:
    """Draw one fault, a quarter of the time a death.

    :param faults: Those of the services under True, those of the store under False.
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
        ("Reset", {"after": 0}),  # the call took effect, the answer is lost
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
    found: list[tuple[str, Arguments]] = [
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
    told_by_hash: list[tuple[str, Arguments]] = [
        ("Corrupt", {"at": at}),
        ("Short", {"by": few}),
        ("Longer", {"by": few}),
        ("NoLength", {"after": at}),
        ("NoLength", {}),
    ]
    return found + 2 * told_by_hash if hashed else found
