"""What one transfer is and what befalls it, drawn from a seed and its number. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from .strikes import Strike, draw_strikes

KIB = 1024
MIB = 1024 * KIB
# An upload of so many bytes goes inline, in the call itself.
INLINE = 8 * KIB
# Bytes after which a download writes a record here, and what sockets and buffers hold when a connection breaks.
RECORD = 64 * KIB
ON_THE_WAY = 10 * MIB
# Faults after which a download rightly begins with its first byte again.
BEGIN_ANEW = {"Corrupt", "Short", "Longer", "NoLength", "Chunked", "Headers", "WrongRange", "OtherRange", "Ignore"}

Disk = Literal["plain", "small", "image"]


@dataclass(frozen=True)
class Kind:
    """What a plan has to know of a kind of transfer.

    :param method: Of its requests to the store; empty if it makes none.
    :param most_files: How many files it may move.
    :param hashed: The service names sums, so that other bytes can be told.
    :param on_disk: It writes files that full disks and power losses are about.
    """

    name: str
    method: str = ""
    most_files: int = 1
    hashed: bool = True
    on_disk: bool = True


KINDS = {
    kind.name: kind
    for kind in (
        Kind("upload_object", "PUT"),
        Kind("upload_parts", "PUT"),
        Kind("upload_artifact", "PUT"),
        Kind("upload_s3_artifact", "PUT", on_disk=False),
        Kind("upload_folder", "PUT", most_files=12),
        Kind("write_file", "PUT"),
        Kind("download_object", "GET"),
        Kind("download_parts", "GET"),
        Kind("download_s3_artifact", "GET", hashed=False),
        Kind("download_payload", "GET", most_files=12, hashed=False),
        Kind("read_file", "GET", hashed=False, on_disk=False),
        Kind("extract_archive", most_files=12),
    )
}


@dataclass(frozen=True)
class End:
    """What ends the client, and when.

    :param trigger: ``steps`` counts what it does to files and sockets, ``bytes`` those of bodies, ``seconds`` the time.
    :param at: How many.
    :param power: Its machine loses power, else it is killed.
    """

    trigger: Literal["steps", "bytes", "seconds"]
    at: float
    power: bool = False


@dataclass(frozen=True)
class Trouble:
    """What befalls one try; without arguments, nothing.

    :param strikes: Faults of the store and of the services, deaths of the emulator among them.
    :param end: Of the client, before its work is done.
    :param room: Bytes that are free on its disk.
    :param pause: Seconds between a death of the emulator and its return.
    """

    strikes: tuple[Strike, ...] = ()
    end: End | None = None
    room: int | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Plan:
    """One transfer.

    :param sizes: Bytes of each file.
    :param disk: What the client writes to: a folder, a file system that can be full, or one that can lose power.
    :param troubles: Of the tries before the one that is left in peace.
    :param connections: Handed to the hook.
    :param part_size: Of uploads in parts.
    :param gzipped: The s3 artifact is stored gzip-encoded.
    :param replaces: A file with older content has the final name.
    :param keyless: The credentials are temporary, so that upload ids are kept by a recorder.
    :param commits: The file system writes its journal just before it loses power, and no data.
    :param again: The transfer is made once more after it has succeeded.
    """

    seed: int
    number: int
    kind: Kind
    sizes: tuple[int, ...]
    disk: Disk
    troubles: tuple[Trouble, ...] = field(repr=False)
    connections: int
    part_size: int
    gzipped: bool
    replaces: bool
    keyless: bool
    commits: bool
    again: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.sizes)

    @property
    def loss(self) -> int:
        """Most bytes that one incident may make the transfer send again."""
        if self.kind.name == "upload_parts":
            return self.connections * self.part_size
        if self.kind.most_files > 1:
            return self.connections * max(self.sizes)
        faults = {strike.fault for trouble in self.troubles for strike in trouble.strikes}
        begins_anew = faults & BEGIN_ANEW or (self.gzipped and not self.kind.hashed) or self.disk == "image"
        if self.kind.method == "PUT" or begins_anew or self.connections > 1:
            return self.size
        return min(self.size, RECORD + ON_THE_WAY)


def draw(seed: int, number: int) -> Plan:
    """Return the plan of one transfer: the same for the same seed and number."""
    random = Random(f"{seed}/{number}")
    kind = random.choice(list(KINDS.values()))
    disk: Disk = random.choices(("plain", "small", "image"), (6, 2, 2))[0] if kind.on_disk else "plain"
    sizes = _sizes(random, kind, disk)
    facts: dict[str, Any] = {
        "connections": random.choice((1, 1, 2, 4)),
        "part_size": max(1, max(sizes) // random.randint(2, 6)),
        "gzipped": random.choice((True, False)),
        "replaces": random.choice((True, False)),
        "keyless": random.choice((True, False, False)),
        "commits": random.choice((True, False)),
        "again": random.choice((True, False, False)),
    }
    count = random.choices((0, 1, 2, 3), (1, 5, 3, 2))[0]
    troubles = tuple(_trouble(random, kind, disk, sizes) for _ in range(count))
    return Plan(seed, number, kind, sizes, disk, troubles, **facts)


def _sizes(random: Random, kind: Kind, disk: Disk) -> tuple[int, ...]:
    """Sizes around those where the product takes another way: empty, inline, one record, parallel ranges."""
    largest = {"plain": 24 * MIB, "small": 4 * MIB, "image": 6 * MIB}[disk] if kind.most_files == 1 else MIB
    tops = random.choices(
        (0, INLINE, 256 * KIB, 4 * MIB, 24 * MIB), (1, 4, 7, 7, 3), k=random.randint(1, kind.most_files)
    )
    return tuple(random.randint(min(top, 1), min(top, largest)) for top in tops)


def _trouble(random: Random, kind: Kind, disk: Disk, sizes: tuple[int, ...]) -> Trouble:
    """Draw what befalls one try: mostly one thing, now and then several."""
    strikes = draw_strikes(random, kind.method, max(sizes), hashed=kind.hashed) if kind.method else ()
    room = random.choice((None, random.randint(0, sum(sizes)), random.randint(0, sum(sizes))))
    return Trouble(
        strikes=strikes,
        end=random.choice((_end(random, sum(sizes), power=disk == "image"), None)),
        room=room if disk == "small" else None,
        pause=random.uniform(0, 0.4),
    )


def _end(random: Random, size: int, *, power: bool) -> End:
    match random.choice(("bytes", "bytes", "steps", "steps", "seconds")):
        case "bytes":
            return End("bytes", random.randint(0, size), power)
        case "steps":
            return End("steps", int(2 ** random.uniform(0, 7)), power)
        case _:
            return End("seconds", random.uniform(0, 0.5))
