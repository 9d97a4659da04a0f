"""Selects files of a payload by names and patterns. Pure.

``*`` and ``?`` match characters within one folder, ``**`` any folders, ``[...]`` one of some characters. A pattern
without ``/`` matches in all folders (``*.log``); one that ends with ``/`` matches all files below. A pattern without
any of these characters is a name.

This is not ``fsspec.utils.glob_translate``: its regular expression backtracks, and tasks choose their names.
``*a*a*a*a*b`` took it 2.7 s for a name of 200 characters, and takes 0.1 ms here.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import NotFound
from airflow_provider_taskcluster.transfer.payload.name_lookup import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WILD = frozenset("*?[")


def select(names: Sequence[str], include: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[str]:
    """Return the names that match a pattern of ``include`` (by default all) and none of ``exclude``.

    They are in the order of the patterns, and for each pattern in that of ``names``. A name without wildcards is
    resolved (see ``resolve``).

    :raises AmbiguousName: Several stored names match a name, none of them exactly.
    :raises NotFound: A name is missing, though others are selected. An empty selection is left to the caller.
    """
    include, exclude = list(include), list(exclude)
    matched: dict[str, None] = {}
    missing: NotFound | None = None
    for pattern in include or ["**"]:
        try:
            matched.update(dict.fromkeys(_matching(pattern, names)))
        except NotFound as error:
            missing = missing or error
    selected = [name for name in matched if not any(matches(name, pattern) for pattern in exclude)]
    if missing and selected:
        raise missing
    return selected


def _matching(pattern: str, names: Sequence[str]) -> list[str]:
    if pattern in names:  # a name may contain the characters of a pattern
        return [pattern]
    if _WILD & set(pattern) or pattern.endswith("/"):
        return [name for name in names if matches(name, pattern)]
    return [resolve(pattern, names)]


def matches(name: str, pattern: str) -> bool:
    """Tell whether a name matches a pattern, case-sensitively."""
    pattern = pattern.lstrip("/")
    if name == pattern:
        return True
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    steps = (pattern + "**" if pattern.endswith("/") else pattern).split("/")
    positions = _skip_globstars({0}, steps)
    for part in name.split("/"):
        advanced = {i + 1 for i in positions if i < len(steps) and steps[i] != "**" and fnmatchcase(part, steps[i])}
        positions = _skip_globstars(advanced | {i for i in positions if i < len(steps) and steps[i] == "**"}, steps)
    return len(steps) in positions


def _skip_globstars(positions: set[int], steps: list[str]) -> set[int]:
    """Add the positions that need no further part of the name: ``**`` may match no folder at all."""
    reached = set(positions)
    for i in sorted(positions):
        j = i
        while j < len(steps) and steps[j] == "**":
            j += 1
            reached.add(j)
    return reached
