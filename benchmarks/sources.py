"""Source files of random bytes, one for each size, which stay in the page cache."""

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
    """A source file with its size and hashes."""

    path: Path
    size: int
    hashes: dict[str, str]


class Sources:
    """Creates source files in a folder, on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sources: dict[int, Source] = {}

    def of(self, size: int) -> Source:
        """Return the source file of a size."""
        if size not in self._sources:
            self._sources[size] = self._make(size)
        return self._sources[size]

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
    """Return the bytes of a size such as "64MiB"; ValueError if it is none."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    return int(text)


def show_size(size: int) -> str:
    """Write a size in the largest unit that divides it."""
    unit = next((unit for unit in ("GiB", "MiB", "KiB") if size % UNITS[unit] == 0 and size), None)
    return f"{size // UNITS[unit]} {unit}" if unit else f"{size} B"
