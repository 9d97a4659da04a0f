"""Plan of one transfer and its trouble, drawn from a seed and a number. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from .strikes import Strike, draw_strikes

KIB = 1024
MIB = 1024 * KIB
# Largest size of an upload that is sent inline, in the call itself.
INLINE = 8 * KIB
# Bytes between two checkpoints of a download in a chaos run, and bytes in sockets and buffers when a connection breaks.
RECORD = 64 * KIB
ON_THE_WAY = 12 * MIB
# Faults after which a download may start again from its first byte.
BEGIN_ANEW = {"Corrupt", "Short", "Longer", "NoLength", "Chunked", "Headers", "WrongRange", "OtherRange", "Ignore"}

Disk = Literal["plain", "small", "image"]


@dataclass(frozen=True)
class Kind:
    """Properties of a kind of transfer.

    :param method: HTTP method of its requests to the store; empty if it makes none.
    :param most_files: Largest number of files.
    :param hashed: Whether the service provides hashes, so that wrong bytes are detected.
    :param on_disk: Whether full disks and power losses affect the files it writes.
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
    """Premature end of a client.

    :param trigger: Unit of ``at``: ``steps`` are operations on files and sockets, ``bytes`` are those of bodies.
    :param at: The number of steps, bytes or seconds before the end.
    :param power: Whether the client's machine loses power, instead of the client being killed.
    """

    trigger: Literal["steps", "bytes", "seconds"]
    at: float
    power: bool = False


@dataclass(frozen=True)
class Trouble:
    """Trouble of one try; without arguments, none.

    :param strikes: Faults of the store and the services, including deaths of the emulator.
    :param end: Premature end of the client.
    :param room: Free bytes on the disk; None for a disk that is not full.
    :param pause: Seconds between a death of the emulator and its restart.
    """

    strikes: tuple[Strike, ...] = ()
    end: End | None = None
    room: int | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Plan of one transfer.

    :param sizes: Size of each file in bytes.
    :param disk: The client's disk: a folder, a file system that can be full, or one that can lose power.
    :param troubles: Trouble of each try before the last one, which has none.
    :param connections: Argument of the hook.
    :param part_size: Size of parts of a multi-part upload.
    :param gzipped: Whether s3 artifacts are stored gzip-encoded.
    :param replaces: Whether files with older content have the final names.
    :param keyless: Whether credentials are temporary, so that a recorder must keep the upload ids.
    :param commits: Whether the file system writes its journal, but no data, just before it loses power.
    :param again: Whether the transfer is repeated after its success.
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
        """Size of all files in bytes."""
        return sum(self.sizes)

    @property
    def loss(self) -> int:
        """Most bytes that the transfer may move again after one incident."""
        if self.kind.name == "upload_parts":
            return self.connections * self.part_size
        if self.kind.most_files > 1:
            # the journal, which knows files without hashes, is synced once a second
            unknown = self.disk == "image" and self.kind.method == "GET"
            return self.size if unknown else self.connections * max(self.sizes)
        begins_anew = self.begins_anew or (self.gzipped and not self.kind.hashed) or self.disk == "image"
        if self.kind.method == "PUT" or begins_anew or self.connections > 1:
            return self.size
        return min(self.size, RECORD + ON_THE_WAY)

    @property
    def begins_anew(self) -> bool:
        """Whether a download may start again from its first byte, in a later try, too: a fault changed its facts."""
        faults = {strike.fault for trouble in self.troubles for strike in trouble.strikes}
        return self.kind.method == "GET" and bool(faults & BEGIN_ANEW)


def draw(seed: int, number: int) -> Plan:
    """Draw the plan of one transfer, the same for the same seed and number."""
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
    """Draw sizes around the thresholds of the product: empty, inline, one checkpoint, parallel ranges."""
    largest = {"plain": 24 * MIB, "small": 4 * MIB, "image": 6 * MIB}[disk] if kind.most_files == 1 else MIB
    tops = random.choices(
        (0, INLINE, 256 * KIB, 4 * MIB, 24 * MIB), (1, 4, 7, 7, 3), k=random.randint(1, kind.most_files)
    )
    return tuple(random.randint(min(top, 1), min(top, largest)) for top in tops)


def _trouble(random: Random, kind: Kind, disk: Disk, sizes: tuple[int, ...]) -> Trouble:
    """Draw the trouble of one try: mostly one thing, sometimes several."""
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
