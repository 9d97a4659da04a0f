"""Files to move: random bytes, made once for each size and kept in the page cache."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIB = 1 << 10
MIB = 1 << 20
UNITS = {"KiB": KIB, "MiB": MIB, "GiB": 1 << 30}


@dataclass(frozen=True)
class Source:
    """A file and what is known of it."""

    path: Path
    size: int
    hashes: dict[str, str]


class Sources:
    """Makes the files of one run in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made: dict[int, Source] = {}

    def of(self, size: int) -> Source:
        """The file with so many bytes."""
        if size not in self._made:
            self._made[size] = self._make(size)
        return self._made[size]

    def _make(self, size: int) -> Source:
        sums = {name: hashlib.new(name) for name in ("sha256", "sha512")}
        path = self.folder / f"source-{size}"
        with path.open("wb", buffering=0) as file:
            for block in _blocks(size):
                file.write(block)
                for digest in sums.values():
                    digest.update(block)
        return Source(path, size, {name: digest.hexdigest() for name, digest in sums.items()})


def _blocks(size: int) -> Iterator[bytes]:
    for start in range(0, size, MIB):
        yield os.urandom(min(MIB, size - start))


def parse_size(text: str) -> int:
    """Bytes of "64MiB"; ValueError if it cannot be a size."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    return int(text)


def show_size(size: int) -> str:
    """The size in the largest unit that divides it."""
    unit = next((unit for unit in ("GiB", "MiB", "KiB") if size % UNITS[unit] == 0 and size), None)
    return f"{size // UNITS[unit]} {unit}" if unit else f"{size} B"
