"""Names and contents of the files of a plan, the same in every process. Pure."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import Plan

FOLDERS = ("", "build/", "build/logs and more/")
SUFFIXES = (".bin", ".txt", ".tar.gz")


def files(plan: Plan) -> dict[str, bytes]:
    """Return the contents of a plan's files, by their path below its folder."""
    return {name: _bytes(plan, name, size) for name, size in zip(_names(plan), plan.sizes, strict=True)}


def older(plan: Plan) -> dict[str, bytes]:
    """Return the files that have the final names before the transfer; none if it replaces none."""
    return {name: _bytes(plan, f"older {name}", 1000) for name in _names(plan)} if plan.replaces else {}


def _names(plan: Plan) -> list[str]:
    return [f"{FOLDERS[i % len(FOLDERS)]}{i}{SUFFIXES[i % len(SUFFIXES)]}" for i in range(len(plan.sizes))]


def _bytes(plan: Plan, name: str, size: int) -> bytes:
    """Return the content of a file: a random half, repeated once, so that gzip can compress it."""
    random = Random(f"{plan.seed}/{plan.number}/{name}")
    return (random.randbytes(size // 2 + 1) * 2)[:size]
